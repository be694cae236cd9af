// The program for external devices, whose proof takes a while, and programs with faults in it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "codegen-bpf/xdp/outside.h"
#include "tools/loader_test/bench.h"
#include "tools/prove_test/mutants.h"
#include "tools/prove_test/outside_scenes.h"
#include "tools/prove_test/programs.h"
#include "verify/bytecode/prove_outside.h"

using namespace netpolc;
namespace bytecode = verify::bytecode;

namespace {

std::string said(const bytecode::Part& part) {
  if (const auto* no = std::get_if<bytecode::Refuted>(&part.answer)) return part.name + " " + no->what;
  if (const auto* unknown = std::get_if<bytecode::Undecided>(&part.answer)) return unknown->why;
  return part.name + " is proved";
}

}  // namespace

TEST_CASE("the program for external devices is proved") {
  const auto part = bytecode::prove_outside(prove_test::object_of(std::string(codegen_bpf::outside_object())), {});
  CHECK_MESSAGE(std::holds_alternative<bytecode::Proved>(part.answer), said(part));
  CHECK(part.name == NP_PROGRAM_FROM_OUTSIDE);
  CHECK(part.instructions > 3000);
}

TEST_CASE("the program of a pod is none for external devices") {
  const auto part = bytecode::prove_outside(prove_test::object_of(prove_test::bytes_of(loader_test::table())), {});
  CHECK(std::holds_alternative<bytecode::Undecided>(part.answer));
}

TEST_CASE("faults in the program for external devices are refuted, and those that are not change nothing") {
  const std::string bytes(codegen_bpf::outside_object());
  const auto right = loader_test::why_no_kernel().empty() ? prove_test::outside_scenes(bytes) : std::nullopt;
  if (right) {
    for (const char* seen : {" 1[", "dropped 133", "dropped 181", " 2 "}) CHECK_MESSAGE(right->front().find(seen) != std::string::npos, seen);
    CHECK(*right == *prove_test::outside_scenes(bytes));
  }
  // 1: all of them, which takes an hour
  const char* const asked = std::getenv("NETPOLC_EVERY");
  const std::size_t every = asked != nullptr ? static_cast<std::size_t>(std::max(1, std::atoi(asked))) : 31;
  const auto all = prove_test::mutants_of({NP_PROGRAM_FROM_OUTSIDE}, bytes, prove_test::object_of(bytes));
  int refuted = 0, alike = 0;
  for (std::size_t at = every - 1; at < all.size(); at += every) {
    const prove_test::Mutant& mutant = all[at];
    const auto object = bytecode::read_object(mutant.bytes);
    if (!object) continue;
    const auto part = bytecode::prove_outside(*object, {});
    const std::string what = said(part) + ": " + mutant.kind + ", " + mutant.what;
    if (std::holds_alternative<bytecode::Refuted>(part.answer)) ++refuted;
    if (std::getenv("NETPOLC_SHOW") != nullptr) MESSAGE(what);
    if (!right || !std::holds_alternative<bytecode::Proved>(part.answer)) continue;
    // loads in order, and loops that would end all the same: nothing tells it from the program without the fault
    const auto seen = prove_test::outside_scenes(mutant.bytes);
    ++alike;
    for (std::size_t scene = 0; seen && scene < right->size(); ++scene) CHECK_MESSAGE(seen->at(scene) == right->at(scene), what);
  }
  CHECK(refuted >= 15);
  if (right) CHECK(refuted + alike >= 20);
}
