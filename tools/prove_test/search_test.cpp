// Programs that search for an entry in the kernel's loop, since their rows have a summary: proofs, and that they can fail.
#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "codegen-bpf/codegen.h"
#include "ir/decide/invariants.h"
#include "tools/prove_test/mutants.h"
#include "tools/prove_test/programs.h"
#include "tools/prove_test/world.h"
#include "verify/bytecode/prove.h"
#include "verify/bytecode/search_witness.h"

using namespace netpolc;
using prove_test::bytes_of;
using prove_test::object_of;
namespace bytecode = verify::bytecode;

namespace {

constexpr const char *kFilled = "ingress_tcp_filled", *kGroups = "ingress_tcp_groups", *kVerdicts = "ingress_tcp_verdicts", *kPeers = "ingress_tcp_peers";

struct Shape {
  std::uint32_t peers, levels;
  std::uint32_t one_of;  // so many peers an entry
  bool own_rules = false, everyone = false, two_groups = false;
};

ir::DirectionTable wide(const Shape& shape) {
  ir::DirectionTable out;
  out.enforcement = ir::Enforcement::DefaultDeny;
  out.localhost_exception = shape.levels % 2 == 0;
  out.bits = {{"everyone", {}}};
  for (std::uint32_t bit = 1; bit <= shape.peers; ++bit) {
    out.bits.push_back({"any:app in (a" + std::to_string(bit) + ")", {1000 + bit}});
    out.rules.push_back({0, bit - 1});
    out.rule_texts.push_back("rule " + std::to_string(bit));
  }
  std::mt19937 random(shape.peers);
  const auto list = [&] {
    std::vector<ir::TableEntry> all;
    std::set<std::uint32_t> bits;
    for (std::uint32_t level = 0; level < shape.levels; ++level)
      for (const auto action : {ir::Action::Deny, ir::Action::Allow})
        for (std::uint32_t bit = 1; bit <= shape.peers; ++bit) {
          const bool here = action == ir::Action::Deny ? random() % (shape.one_of * 20) == 0 : random() % (shape.one_of * (shape.levels - level)) == 0;
          if (here && bits.insert(bit).second) all.push_back({.bit = bit, .action = action, .rule = shape.own_rules ? bit - 1 : bit % 2, .level = level});
        }
    if (shape.everyone) all.push_back({.bit = 0, .action = ir::Action::Allow, .rule = 0, .level = shape.levels - 1});
    return all;
  };
  const auto add = [&](ir::Protocol protocol, std::uint16_t first, std::uint16_t last, std::vector<ir::TableEntry> entries) {
    out.classes.push_back({protocol, first, last, std::move(entries)});
  };
  add(ir::Protocol::Any, 0, 65535, {});
  add(ir::Protocol::Tcp, 0, 79, shape.two_groups ? list() : std::vector<ir::TableEntry>{});
  add(ir::Protocol::Tcp, 80, 80, list());
  add(ir::Protocol::Tcp, 81, 65535, {});
  add(ir::Protocol::Udp, 0, 65535, {{.bit = 70, .action = ir::Action::Allow, .rule = 0}});  // code
  for (const auto protocol : {ir::Protocol::Sctp, ir::Protocol::Icmp, ir::Protocol::Icmpv6}) add(protocol, 0, 65535, {});
  return out;
}

ir::DecisionTable table_of(const Shape& shape) { return {wide(shape), {}, {}}; }

const bytecode::Part& policy_of(const bytecode::ProgramProof& proof) {
  for (const bytecode::Part& part : proof.parts)
    if (part.name == "np_policy_ingress") return part;
  throw std::runtime_error("no such part");
}

std::string said(const bytecode::Part& part) {
  if (const auto* no = std::get_if<bytecode::Refuted>(&part.answer)) return no->what + (no->flow ? ": " + to_string(*no->flow) : "");
  if (const auto* unknown = std::get_if<bytecode::Undecided>(&part.answer)) return unknown->why;
  return "";
}

}  // namespace

TEST_CASE("searches through thousands of peers are proved") {
  bytecode::Prover prover;
  for (const Shape& shape : {Shape{2100, 3, 2, true}, {4096, 1, 3, true, true}, {4300, 2, 2, false, false, true}, {10000, 1, 1}, {10000, 2, 40, true, true}}) {
    CAPTURE(shape.peers);
    CAPTURE(shape.levels);
    const ir::DecisionTable table = table_of(shape);
    CHECK_MESSAGE(!ir::violated(table), *ir::violated(table));
    const std::string bytes = bytes_of(table);
    const auto object = object_of(bytes);
    const auto proof = prover.prove(object, table, false);
    CHECK_MESSAGE(proof.proved(), said(policy_of(proof)));
    CHECK(bytecode::strangers(object, object_of(std::string(codegen_bpf::runtime_object()))).empty());
    MESSAGE(shape.peers << " peers: " << policy_of(proof).instructions << " instructions, " << policy_of(proof).steps << " steps");
  }
}

TEST_CASE("a search is not taken for that of another table") {
  bytecode::Prover prover;
  const ir::DecisionTable table = table_of({2100, 2, 2, true});
  const auto object = object_of(bytes_of(table));
  int number = 0;
  const auto refuted = [&](const std::function<void(std::vector<ir::TableEntry>&)>& change) {
    CAPTURE(++number);
    ir::DecisionTable other = table;
    change(other.ingress.classes[2].entries);
    const auto proof = prover.prove(object, other, false);
    CHECK_MESSAGE(std::holds_alternative<bytecode::Refuted>(policy_of(proof).answer), said(policy_of(proof)));
  };
  refuted([](auto& entries) { entries.erase(entries.begin()); });
  refuted([](auto& entries) { entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(entries.size() / 2)); });
  refuted([](auto& entries) { entries.pop_back(); });
  refuted([](auto& entries) { entries.back().rule ^= 1; });
  refuted([](auto& entries) { entries[entries.size() / 3].action = entries[entries.size() / 3].action == ir::Action::Deny ? ir::Action::Allow : ir::Action::Deny; });
  refuted([](auto& entries) { entries.clear(); });
}

TEST_CASE("no fault in a search is proved to be none, and what refutes one the kernel gets wrong") {
  const ir::DecisionTable table = table_of({2100, 2, 12, true});
  const std::string bytes = bytes_of(table);
  const auto right = object_of(bytes);
  bytecode::Prover prover;
  const bool kernel = prove_test::kernel_is_here();
  const char* const asked = std::getenv("NETPOLC_EVERY");  // 1: all of them
  const int every = asked != nullptr ? std::max(1, std::atoi(asked)) : 12;
  struct Count {
    int refuted = 0, undecided = 0, proved = 0, shown = 0, refused = 0;
  };
  std::map<std::string, Count> counts;
  const auto with_bits = [&](const std::vector<std::uint32_t>& bits) {
    bytecode::AskedFlow flow{.protocol = 6, .number = 80, .identity = 300, .row_known = true, .row = std::vector<std::uint64_t>((table.ingress.bits.size() + 63) / 64)};
    for (const std::uint32_t bit : bits) flow.row[bit / 64] |= std::uint64_t{1} << (bit % 64);
    return flow;
  };
  const auto& entries = table.ingress.classes[2].entries;
  const std::vector<bytecode::AskedFlow> peers = {with_bits({0}), with_bits({0, entries.front().bit}), with_bits({0, entries.back().bit}),
                                                  with_bits({0, 5, 900, entries[entries.size() / 2].bit, entries.back().bit})};
  const auto peers_map = static_cast<std::size_t>(right.map("np_peers_in") - right.maps.data());
  std::map<std::string, int> seen;
  int shown = 0;
  for (const prove_test::Mutant& mutant : prove_test::mutants(bytes, right)) {
    const bool constant = mutant.kind == "another constant", search = mutant.function.ends_with("_turn");
    if (mutant.function.starts_with("np_admit") || mutant.function == "np_policy_egress") continue;
    const int nth = ++seen[mutant.function];
    // of constants, all by which a line is left out; few others
    if (mutant.function == kFilled) {
      if ((right.constant(kFilled)[static_cast<std::size_t>(nth - 1)] & 1) == 0 && nth % 32 != 0) continue;
    } else if (mutant.function == kGroups) {
      if (nth != 1 && nth % (4 * every) != 0) continue;
    } else if (constant && nth % (mutant.function == kPeers ? every + 5 : 4 * every + 1) != 0) {
      continue;
    }
    if (!constant && nth % every != 0) continue;
    CAPTURE(mutant.kind);
    CAPTURE(mutant.function);
    CAPTURE(mutant.what);
    const auto object = bytecode::read_object(mutant.bytes);
    if (!object) continue;
    const auto proof = prover.prove(*object, table, false);
    const bytecode::Part& part = policy_of(proof);
    const auto* no = std::get_if<bytecode::Refuted>(&part.answer);
    const bool proved = std::holds_alternative<bytecode::Proved>(part.answer);
    Count& count = counts[(constant ? mutant.function : (search ? "turn: " : "first step: ") + mutant.kind)];
    ++(no != nullptr ? count.refuted : proved ? count.proved : count.undecided);
    if (no == nullptr && std::getenv("NETPOLC_SHOW") != nullptr) MESSAGE((proved ? "proved all the same" : said(part)) << ": " << mutant.kind << " in " << mutant.function << ", " << mutant.what);
    if (proved) {
      // then nothing must tell it from the program without the fault
      for (const bytecode::Slice& slice : bytecode::slices(table.ingress).all)
        if (slice.protocol == 6) CHECK_FALSE(bytecode::try_rows(*object, *object->function("np_policy_ingress"), peers_map, table.ingress, slice, peers[0].row.size(), {}));
    }
    if (!kernel || (count.shown > 2 && nth % 5 != 0)) continue;
    if (proved) {
      for (const bytecode::AskedFlow& flow : peers) {
        prove_test::World with, without;
        if (!with.load(mutant.bytes, flow)) break;
        REQUIRE(without.load(bytes, flow));
        for (const std::uint16_t number : {80, 79, 81}) CHECK(with.verdict(6, number) == without.verdict(6, number));
      }
      continue;
    }
    if (no == nullptr || !no->flow || no->flow->expected == no->flow->got || no->flow->identity == 0) continue;
    prove_test::World world;
    if (!world.load(mutant.bytes, *no->flow)) {
      ++count.refused;
      continue;
    }
    const auto verdict = world.verdict(no->flow->protocol, no->flow->number);
    if (!verdict) continue;
    CHECK_MESSAGE(*verdict != no->flow->expected, to_string(*no->flow));
    ++count.shown;
    ++shown;
  }
  int refuted = 0;
  for (const auto& [kind, count] : counts) {
    MESSAGE(kind << ": " << count.refuted << " refuted (" << count.shown << " shown in the kernel, " << count.refused << " that it refuses), " << count.undecided << " undecided, " << count.proved << " proved");
    refuted += count.refuted;
  }
  CHECK(refuted >= 35);
  CHECK(counts[kFilled].refuted >= 3);
  CHECK(counts[kVerdicts].refuted >= 2);
  CHECK(counts[kPeers].refuted >= 3);
  if (kernel) CHECK(shown >= 20);
}
