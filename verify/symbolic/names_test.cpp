// Which selectors of names one address can be meant by, held against every set of names of a small universe.
#include "verify/symbolic/names.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "ir/eval/fqdn.h"
#include "verify/smt/solver.h"

namespace netpolc::verify::symbolic {
namespace {

const std::vector<ir::FqdnPeer> kSelectors{{"a.b", ""}, {"b.b", ""}, {"A.a.b.", ""}, {"", "*.b"}, {"", "*"}, {"", "a*.b"}, {"", "*.*.b"}, {"", "**.b"}, {"", "**"}, {"", "*a.b"}, {"", "b.*"}};

std::vector<std::string> names() {
  std::vector<std::string> labels{"a", "b", "c", "aa", "ab", "ba", "ca"}, out{"."};
  for (const std::string& one : labels) {
    out.push_back(one);
    for (const std::string& two : labels) {
      out.push_back(one + "." + two);
      for (const std::string& three : labels) {
        out.push_back(one + "." + two + "." + three);
        out.push_back(one + ".a." + two + "." + three);
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("an address is meant by selectors just where there are names for that, and the witness has them") {
  const auto all = names();
  std::mt19937 random(3);
  std::size_t possible = 0, impossible = 0;
  for (int round = 0; round < 300; ++round) {
    const ir::CiliumVersion version = 16 + static_cast<int>(random() % 5);
    std::vector<ir::FqdnPeer> asked;
    std::vector<bool> meant;
    for (std::size_t n = 1 + random() % 4; n > 0; --n) {
      asked.push_back(kSelectors[random() % kSelectors.size()]);
      meant.push_back(random() % 2 == 0);
    }
    const auto like = [&](const std::string& name, std::size_t i) { return ir::eval::name_matches(asked[i], name, version); };
    bool forced = true;
    for (std::size_t i = 0; i < asked.size(); ++i)
      forced &= !meant[i] || std::any_of(all.begin(), all.end(), [&](const std::string& name) {
        bool good = like(name, i);
        for (std::size_t j = 0; j < asked.size(); ++j) good &= meant[j] || !like(name, j);
        return good;
      });
    z3::context context;
    SymbolicNames symbolic(context, version);
    smt::Solver solver(context, {});
    for (std::size_t i = 0; i < asked.size(); ++i) solver.add(meant[i] ? symbolic.has(asked[i]) : !symbolic.has(asked[i]));
    std::optional<bool> said;
    while (!said) {
      const smt::Answer answer = solver.ask("names");
      const auto* found = std::get_if<smt::Possible>(&answer);
      if (found == nullptr) {
        said = false;
      } else if (const auto clause = symbolic.impossible(found->model)) {
        solver.add(*clause);
      } else {
        said = true;
        const auto witness = symbolic.names(found->model);
        for (std::size_t i = 0; i < asked.size(); ++i)
          CHECK(std::any_of(witness.begin(), witness.end(), [&](const std::string& name) { return like(name, i); }) == meant[i]);
      }
    }
    INFO("round " << round << ", version " << version);
    CHECK(*said == forced);
    (forced ? possible : impossible) += 1;
  }
  CHECK(possible > 50);
  CHECK(impossible > 50);
}

}  // namespace netpolc::verify::symbolic
