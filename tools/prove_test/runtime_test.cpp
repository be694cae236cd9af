// The functions that every packet goes through, whose proofs take long: the parser, conntrack, and the two programs themselves.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "codegen-bpf/codegen.h"
#include "tools/loader_test/bench.h"
#include "tools/prove_test/mutants.h"
#include "tools/prove_test/programs.h"
#include "tools/prove_test/scenes.h"
#include "verify/bytecode/prove.h"
#include "verify/bytecode/runtime_parts.h"

using namespace netpolc;
using prove_test::bytes_of;
using prove_test::object_of;
namespace bytecode = verify::bytecode;

namespace {

constexpr std::size_t kLonger = 29;  // every how manieth fault tools/test.sh --long asks about

std::string said(const bytecode::Part& part) {
  if (const auto* no = std::get_if<bytecode::Refuted>(&part.answer)) return part.name + " " + no->what;
  if (const auto* unknown = std::get_if<bytecode::Undecided>(&part.answer)) return unknown->why;
  return part.name + " is proved";
}

}  // namespace

TEST_CASE("the whole runtime is proved, of pods with policy and without, and of nodes") {
  bytecode::Prover prover({.whole_runtime = true});
  const ir::DecisionTable nothing, table = loader_test::table();
  for (const auto& [of, subject] : {std::pair(nothing, codegen_bpf::Subject::Pod), {table, codegen_bpf::Subject::Pod}, {table, codegen_bpf::Subject::Node}}) {
    const auto proof = prover.prove(object_of(bytes_of(of, subject)), of, subject == codegen_bpf::Subject::Node);
    for (const bytecode::Part& part : proof.parts) CHECK_MESSAGE(std::holds_alternative<bytecode::Proved>(part.answer), said(part));
    for (const char* part : {"np_parse", "np_parse_quoted", "np_remember", "np_from_pod", "np_to_pod"})
      CHECK(std::any_of(proof.parts.begin(), proof.parts.end(), [&](const auto& one) { return one.name == part; }));
  }
}

TEST_CASE("faults in what every packet goes through are refuted, and those that are not change nothing") {
  const ir::DecisionTable table = loader_test::table();
  const std::string bytes = bytes_of(table, codegen_bpf::Subject::Pod);
  const auto right = loader_test::why_no_kernel().empty() ? prove_test::scenes(bytes) : std::nullopt;
  // 1: all of them, in what np_remember's proof has inlined, too; that takes a day
  const char* const asked = std::getenv("NETPOLC_EVERY");
  const char* const share = asked != nullptr ? asked : std::getenv("NETPOLC_FAULTS");  // every how manieth
  const std::size_t every = share != nullptr ? static_cast<std::size_t>(std::max(1, std::atoi(share))) : 2 * kLonger;
  std::map<std::string, std::string> proofs = {{"np_parse", "np_parse"}, {"np_from_pod", "np_from_pod"}, {"np_open", "np_remember"}};
  if (asked != nullptr) proofs.insert({{"np_to_pod", "np_to_pod"}, {"np_remember", "np_remember"}, {"np_restart", "np_remember"}, {"np_key_apart", "np_remember"}});
  int refuted = 0;
  for (const auto& [function, proof] : proofs) {
    auto all = prove_test::mutants_of({function}, bytes, object_of(bytes));
    std::erase_if(all, [](const prove_test::Mutant& one) { return one.kind != "comparison flipped"; });
    // one at least of each function that has as many as a longer run takes
    for (std::size_t at = all.size() >= every ? every : all.size() / kLonger * kLonger; at != 0 && at <= all.size(); at += every) {
      const prove_test::Mutant& mutant = all[at - 1];
      const auto object = bytecode::read_object(mutant.bytes);
      if (!object) continue;
      const auto& parts = bytecode::runtime_parts();
      const auto part = std::find_if(parts.begin(), parts.end(), [&](const auto& one) { return one.function == proof; })->prove(*object, {});
      const std::string what = said(part) + ": " + mutant.kind + " in " + mutant.function + ", " + mutant.what;
      if (std::holds_alternative<bytecode::Refuted>(part.answer)) ++refuted;
      if (std::getenv("NETPOLC_SHOW") != nullptr) MESSAGE(what);
      if (!right || !std::holds_alternative<bytecode::Proved>(part.answer)) continue;
      // code that nothing leads to, or only a node's packets: nothing tells it from the program without the fault
      const auto seen = prove_test::scenes(mutant.bytes);
      if (seen) CHECK_MESSAGE(*seen == *right, what);
    }
  }
  CHECK(refuted >= (every > kLonger ? 2 : 5));
}
