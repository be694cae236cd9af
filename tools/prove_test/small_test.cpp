// The smaller functions of the runtime, each with a proof of its own: who a packet is from and for, what is said of it, flows
// that policy is not asked about, and what errors quote. Proofs, and that they can fail.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "codegen-bpf/codegen.h"
#include "tools/loader_test/bench.h"
#include "tools/prove_test/mutants.h"
#include "tools/prove_test/programs.h"
#include "tools/prove_test/scenes.h"
#include "verify/bytecode/runtime_parts.h"

using namespace netpolc;
using prove_test::bytes_of;
using prove_test::object_of;
namespace bytecode = verify::bytecode;

namespace {

const std::vector<std::string> kSmall = {"np_name", "np_source_is_own", "np_encapsulates", "np_claim", "np_exempt", "np_refuse", "np_report", "np_track_masked", "np_related"};

bytecode::Part proof_of(const std::string& function, const bytecode::Object& object) {
  const auto& all = bytecode::runtime_parts();
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.function == function; });
  REQUIRE_MESSAGE(at != all.end(), function);
  return at->prove(object, {});
}

std::string said(const bytecode::Part& part) {
  if (const auto* no = std::get_if<bytecode::Refuted>(&part.answer)) return no->what;
  if (const auto* unknown = std::get_if<bytecode::Undecided>(&part.answer)) return unknown->why;
  return "";
}

// Faults in these functions are refuted, and those that are not change nothing; `every`: of so many one is tried; of
// `one_of` one at most may be proved.
void holds_to_account(const std::vector<std::string>& all, int every, int one_of) {
  const std::string bytes = bytes_of(loader_test::table());
  struct Count {
    int refuted = 0, undecided = 0, proved = 0;
  };
  std::map<std::string, Count> kinds, functions;
  const bool kernel = loader_test::why_no_kernel().empty();
  const auto right = kernel ? prove_test::scenes(bytes) : std::nullopt;
  int number = 0, refuted = 0, proved = 0, tried = 0;
  for (const prove_test::Mutant& mutant : prove_test::mutants_of(all, bytes, object_of(bytes))) {
    if (++number % every != 0) continue;
    CAPTURE(mutant.kind);
    CAPTURE(mutant.function);
    CAPTURE(mutant.what);
    const auto object = bytecode::read_object(mutant.bytes);
    if (!object) continue;
    const bytecode::Part part = proof_of(mutant.function, *object);
    const bool is_refuted = std::holds_alternative<bytecode::Refuted>(part.answer), is_proved = std::holds_alternative<bytecode::Proved>(part.answer);
    for (Count* count : {&kinds[mutant.kind], &functions[mutant.function]}) ++(is_refuted ? count->refuted : is_proved ? count->proved : count->undecided);
    ++tried;
    refuted += is_refuted;
    proved += is_proved;
    if (!is_refuted && std::getenv("NETPOLC_SHOW") != nullptr) MESSAGE((is_proved ? "proved all the same" : said(part)) << ": " << mutant.kind << " in " << mutant.function << ", " << mutant.what);
    if (!is_proved || !kernel) continue;
    // what is loaded and never used, zeros that nobody reads, tests of what the plan has as a constant
    const auto seen = prove_test::scenes(mutant.bytes);
    if (!seen) continue;
    const auto other = std::mismatch(seen->begin(), seen->end(), right->begin());
    CHECK_MESSAGE(other.first == seen->end(), *other.first << "\nand without the fault\n" << *other.second);
  }
  for (const auto& [name, count] : functions) MESSAGE(name << ": " << count.refuted << " refuted, " << count.undecided << " undecided, " << count.proved << " proved");
  for (const auto& [name, count] : kinds) MESSAGE(name << ": " << count.refuted << " refuted, " << count.undecided << " undecided, " << count.proved << " proved");
  CHECK(functions.size() == all.size());
  for (const auto& [name, count] : functions) CHECK_MESSAGE(count.refuted * 4 >= 3 * (count.refuted + count.undecided + count.proved), name);
  CHECK(refuted * 100 >= 85 * tried);
  CHECK(proved * one_of <= tried);
}

}  // namespace

TEST_CASE("the smaller functions are proved, whatever the program's plan") {
  const ir::DecisionTable table = loader_test::table(), nothing;
  for (const std::string& bytes : {bytes_of(table), bytes_of(table, codegen_bpf::Subject::Node), bytes_of(nothing), bytes_of(nothing, codegen_bpf::Subject::Node)}) {
    const auto object = object_of(bytes);
    std::uint64_t steps = 0;
    for (const std::string& function : kSmall) {
      const bytecode::Part part = proof_of(function, object);
      CHECK_MESSAGE(std::holds_alternative<bytecode::Proved>(part.answer), function << ": " << said(part));
      steps += part.steps;
    }
    CHECK(steps < 8'000'000);  // less than a second
  }
}

TEST_CASE("faults in the smaller functions are refuted, and those that are not change nothing") {
  const char* const asked = std::getenv("NETPOLC_EVERY");  // 1: all of them
  holds_to_account(kSmall, asked != nullptr ? std::max(1, std::atoi(asked)) : 7, 20);
}

TEST_CASE("of what an error quotes is read what its bytes say, and faults in that are refuted") {
  const bytecode::Part part = proof_of("np_parse_quoted", object_of(bytes_of(loader_test::table())));
  CHECK_MESSAGE(std::holds_alternative<bytecode::Proved>(part.answer), said(part));
  CHECK(part.steps < 16'000'000);  // a second or two
  // proved all the same: zeros written over zeros, bounds that what follows implies
  holds_to_account({"np_parse_quoted"}, 20, 8);
}
