// Proofs of whole programs, and that they can fail: programs with faults are refuted, and the packets that refute them
// get the wrong verdict in the kernel too.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "codegen-bpf/codegen.h"
#include "ir/decide/invariants.h"
#include "tools/loader_test/bench.h"
#include "tools/prove_test/mutants.h"
#include "tools/prove_test/programs.h"
#include "tools/prove_test/scenes.h"
#include "tools/prove_test/world.h"
#include "verify/bytecode/prove.h"

using namespace netpolc;
using prove_test::bytes_of;
using prove_test::object_of;
namespace bytecode = verify::bytecode;
using prove_test::kernel_is_here;
using prove_test::World;

namespace {

// "" where all is proved, else what is not.
std::string not_proved(const bytecode::ProgramProof& proof) {
  std::string out;
  for (const bytecode::Part& part : proof.parts) {
    if (const auto* no = std::get_if<bytecode::Refuted>(&part.answer)) out += part.name + " " + no->what + (no->flow ? ": " + to_string(*no->flow) : "") + "\n";
    if (const auto* unknown = std::get_if<bytecode::Undecided>(&part.answer)) out += unknown->why + "\n";
  }
  return out;
}

// Whatever a direction can say: protocols apart or alike, levels, redirects, authentication, numbers of every kind.
ir::DirectionTable random_direction(std::mt19937& random, std::uint32_t ports, std::uint32_t peers, std::uint32_t entries, bool authentication) {
  ir::DirectionTable out;
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  out.enforcement = ir::Enforcement::DefaultDeny;
  out.localhost_exception = below(2) == 0;
  out.bits = {{"everyone", {}}};
  for (std::uint32_t bit = 1; bit <= peers; ++bit) {
    out.bits.push_back({"any:app in (a" + std::to_string(bit) + ")", {1000 + bit}});
    out.rules.push_back({0, bit - 1});
    out.rule_texts.push_back("rule " + std::to_string(bit));
  }
  // Where authentication is asked for, allows of a bit add up, narrower and wider ones, redirects of every precedence, and
  // everyone's too.
  const auto asking = [&](std::vector<ir::TableEntry> all) {
    std::vector<ir::TableEntry> more;
    for (ir::TableEntry entry : all) {
      more.push_back(entry);
      if (entry.action == ir::Action::Deny) continue;
      for (std::uint32_t copies = below(3); copies > 0; --copies) {
        if (below(3) == 0) entry.bit = 0;
        entry.l7 = below(2) == 0 ? ir::L7Parser::None : below(2) == 0 ? ir::L7Parser::Http : ir::L7Parser::Crd;
        more.push_back(entry);
      }
    }
    for (ir::TableEntry& entry : more) {
      if (entry.action == ir::Action::Deny) continue;
      entry.auth = static_cast<ir::AuthMode>(below(4));
      entry.specificity = static_cast<std::uint8_t>(below(4));
      entry.priority = static_cast<std::uint8_t>(entry.l7 == ir::L7Parser::None ? 0 : entry.l7 == ir::L7Parser::Http ? 101 : below(2) == 0 ? 5 : 126);
    }
    const auto order = [](const ir::TableEntry& e) {
      return std::tuple(e.action == ir::Action::Deny ? 0 : e.priority != 0 ? 1 : 2, e.priority, e.bit, e.auth, e.specificity, e.rule);
    };
    std::sort(more.begin(), more.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
    return more;
  };
  const auto list = [&] {
    std::vector<ir::TableEntry> all;
    std::set<std::uint32_t> bits;  // the first of a bit makes the others void
    for (std::uint32_t level = 0; level < 1 + below(3); ++level) {
      std::map<int, std::map<std::uint32_t, ir::TableEntry>> kinds;  // denies, redirects, allows; each by bit
      for (std::uint32_t e = 0; e < entries; ++e) {
        const int kind = static_cast<int>(below(3));
        const std::uint32_t bit = 1 + below(peers);
        ir::TableEntry entry{.bit = bit, .action = kind == 0 ? ir::Action::Deny : ir::Action::Allow, .l7 = kind == 1 ? ir::L7Parser::Http : ir::L7Parser::None, .rule = bit - 1, .level = level};
        kinds[kind][bit] = entry;
      }
      for (const auto& [kind, of] : kinds)
        for (const auto& [bit, entry] : of)
          if (bits.insert(bit).second) all.push_back(entry);
      if (authentication) break;  // of one level alone
    }
    if (authentication) all = asking(std::move(all));
    if (below(6) == 0) all.push_back({.bit = 0, .action = ir::Action::Allow, .rule = 0, .level = all.empty() ? 0 : all.back().level});
    return all;
  };
  for (const auto protocol : {ir::Protocol::Tcp, ir::Protocol::Udp, ir::Protocol::Sctp, ir::Protocol::Icmp, ir::Protocol::Icmpv6}) {
    const std::uint32_t highest = protocol == ir::Protocol::Icmp || protocol == ir::Protocol::Icmpv6 ? 255 : 65535;
    std::set<std::uint32_t> cuts{0};
    for (std::uint32_t p = 0; p < ports; ++p) {
      const std::uint32_t at = below(highest);
      cuts.insert({at, at + 1 + below(3)});
    }
    cuts.erase(cuts.upper_bound(highest), cuts.end());
    for (auto cut = cuts.begin(); cut != cuts.end(); ++cut) {
      out.classes.push_back({protocol, static_cast<std::uint16_t>(*cut), static_cast<std::uint16_t>(std::next(cut) == cuts.end() ? 65535 : *std::next(cut) - 1), below(3) == 0 ? std::vector<ir::TableEntry>{} : list()});
      auto& last = out.classes.back();
      const auto& before = out.classes.size() > 1 ? out.classes[out.classes.size() - 2] : last;
      if (&before != &last && before.protocol == protocol && before.entries == last.entries) last.entries = {{.bit = 1 + below(peers), .action = ir::Action::Deny, .rule = before.entries.empty() ? 0U : 1U}};
    }
  }
  out.classes.insert(out.classes.begin(), {ir::Protocol::Any, 0, 65535, {}});
  return out;
}

ir::DecisionTable random_table(unsigned seed, std::uint32_t ports, std::uint32_t peers, std::uint32_t entries, bool authentication = false) {
  std::mt19937 random(seed);
  return {random_direction(random, ports, peers, entries, authentication), random_direction(random, ports, peers, entries, authentication), {}};
}

}  // namespace

TEST_CASE("programs of tables of every shape are proved") {
  bytecode::Prover prover;
  struct Shape {
    unsigned seed;
    std::uint32_t ports, peers, entries;
    bool authentication;
  };
  // code; with authentication; data for many peers; data for many ports
  for (const Shape& s : {Shape{1, 3, 6, 4, false}, {2, 5, 20, 10, false}, {3, 0, 3, 2, false}, {4, 2, 6, 5, true}, {5, 3, 8, 8, true}, {8, 2, 4, 3, true}, {9, 1, 3, 3, true}, {6, 3, 150, 60, false}, {7, 20, 150, 12, false}}) {
    CAPTURE(s.seed);
    const ir::DecisionTable table = random_table(s.seed, s.ports, s.peers, s.entries, s.authentication);
    CHECK_MESSAGE(!ir::violated(table), *ir::violated(table));
    const auto proof = prover.prove(object_of(bytes_of(table)), table, false);
    CHECK_MESSAGE(proof.proved(), not_proved(proof));
  }
}

TEST_CASE("a table is not taken for another") {
  bytecode::Prover prover;
  const ir::DecisionTable table = random_table(2, 5, 20, 10);
  const auto object = object_of(bytes_of(table));
  int compared = 0;
  for (std::size_t c = 0; c < table.ingress.classes.size(); c += 3) {
    if (table.ingress.classes[c].entries.size() < 2) continue;
    ir::DecisionTable other = table;
    other.ingress.classes[c].entries.erase(other.ingress.classes[c].entries.begin());
    CHECK_MESSAGE(prover.prove(object, other, false).refuted(), c);
    ++compared;
  }
  CHECK(compared > 3);
  CHECK_FALSE(prover.prove(object, table, true).proved());  // no node's program
}

TEST_CASE("the program of a node is proved as one, and a pod's without policy as one") {
  bytecode::Prover prover;
  const ir::DecisionTable table = loader_test::table();
  CHECK(prover.prove(object_of(bytes_of(table, codegen_bpf::Subject::Node)), table, true).proved());
  const ir::DecisionTable nothing;
  CHECK(prover.prove(object_of(bytes_of(nothing)), nothing, false).proved());
}

TEST_CASE("a starved solver is undecided") {
  const ir::DecisionTable table = random_table(2, 5, 20, 10);
  const auto proof = bytecode::Prover({.steps = 50}).prove(object_of(bytes_of(table)), table, false);
  CHECK_FALSE(proof.proved());
  CHECK_FALSE(proof.refuted());
  CHECK(not_proved(proof).find("np_policy_ingress: ") != std::string::npos);
}

TEST_CASE("functions that all programs share are the runtime's, or named") {
  const std::string bytes = bytes_of(loader_test::table());
  const auto object = object_of(bytes), runtime = object_of(std::string(codegen_bpf::runtime_object()));
  CHECK(bytecode::strangers(object, runtime).empty());
  std::string other = bytes;
  other[object.function("np_open")->at + 4] ^= 1;
  CHECK(bytecode::strangers(object_of(other), runtime) == std::vector<std::string>{"np_open is not the runtime's"});
}

TEST_CASE("what is no object is refused in words, and never proved") {
  CHECK_FALSE(bytecode::read_object(""));
  CHECK(bytecode::read_object("no ELF at all").error().message == "the BPF object can't be read: it is no ELF file for BPF");
  const ir::DecisionTable table = loader_test::table();
  const std::string bytes = bytes_of(table);
  std::mt19937 random(1);
  for (int i = 0; i < 4000; ++i) {
    std::string other = bytes;
    if (i % 4 == 0) other.resize(random() % other.size());
    else
      // headers, symbols and relocations, where one byte changes most
      for (int n = 0; n < 4; ++n) other[i % 4 == 1 ? random() % 64 : random() % other.size()] = static_cast<char>(random());
    (void)bytecode::read_object(other);
  }
}

TEST_CASE("no fault is proved to be none, and what refutes a program the kernel gets wrong") {
  const ir::DecisionTable table = loader_test::table();
  const std::string bytes = bytes_of(table);
  bytecode::Prover prover;
  struct Count {
    int refuted = 0, undecided = 0, proved = 0, shown = 0, refused = 0;
  };
  std::map<std::string, Count> counts;
  int shown = 0, of_admit = 0, of_admit_proved = 0, of_admit_shown = 0;
  const bool kernel = kernel_is_here();
  const char* const asked = std::getenv("NETPOLC_EVERY");  // 1: all of them
  const int every = asked != nullptr ? std::max(1, std::atoi(asked)) : 5;
  const auto right = kernel ? prove_test::scenes(bytes) : std::nullopt;
  if (kernel) REQUIRE(right);
  for (const prove_test::Mutant& mutant : prove_test::mutants(bytes, object_of(bytes))) {
    CAPTURE(mutant.kind);
    CAPTURE(mutant.function);
    CAPTURE(mutant.what);
    const bool admit = mutant.function.starts_with("np_admit");
    if (admit && ++of_admit % every != 0) continue;  // they are many, and each is a proof of its own
    Count& count = counts[mutant.kind];
    const auto object = bytecode::read_object(mutant.bytes);
    if (!object) {
      ++count.undecided;
      continue;
    }
    const auto proof = prover.prove(*object, table, false);
    ++(proof.refuted() ? count.refuted : proof.proved() ? count.proved : count.undecided);
    of_admit_proved += admit && proof.proved();
    if (proof.proved() && std::getenv("NETPOLC_SHOW") != nullptr) MESSAGE("proved all the same: " << mutant.kind << " in " << mutant.function << ", " << mutant.what);
    if (!kernel) continue;
    if (mutant.function != "np_policy_ingress") {
      const auto seen = prove_test::scenes(mutant.bytes);
      if (!seen) ++count.refused;
      else if (const auto other = std::mismatch(seen->begin(), seen->end(), right->begin()); other.first != seen->end()) {
        CHECK_MESSAGE(!proof.proved(), *other.first << "\nand without the fault\n" << *other.second);
        ++count.shown;
        of_admit_shown += admit;
      }
      continue;
    }
    if (proof.proved()) {
      // then nothing must tell it from the program without the fault
      for (const std::uint64_t row : {0b0001, 0b0011, 0b0101, 0b1001, 0b1111}) {
        const bytecode::AskedFlow flow{.identity = 300, .row_known = true, .row = {row}};
        World with, without;
        if (!with.load(mutant.bytes, flow)) break;  // the kernel refuses code that nothing leads to
        REQUIRE(without.load(bytes, flow));
        for (const auto& [protocol, number] : std::vector<std::pair<int, int>>{{6, 80}, {6, 8080}, {6, 8081}, {17, 53}, {17, 80}, {132, 9000}, {132, 80}, {1, 8}, {1, 0}, {58, 128}, {58, 129}})
          CHECK(with.verdict(static_cast<std::uint8_t>(protocol), static_cast<std::uint16_t>(number)) == without.verdict(static_cast<std::uint8_t>(protocol), static_cast<std::uint16_t>(number)));
      }
    }
    for (const bytecode::Part& part : proof.parts) {
      const auto* no = std::get_if<bytecode::Refuted>(&part.answer);
      if (part.name != "np_policy_ingress" || no == nullptr || !no->flow || no->flow->expected == no->flow->got || shown >= 80) continue;
      // what is read where nothing was written is anything: the kernel has its own
      if (no->flow->identity == 0 || mutant.kind == "store left out" || mutant.kind == "another field written") continue;
      World world;
      if (!world.load(mutant.bytes, *no->flow)) {
        ++count.refused;
        continue;
      }
      const auto verdict = world.verdict(no->flow->protocol, no->flow->number);
      if (!verdict) continue;  // dropped for another reason, or none of policy's business
      CHECK_MESSAGE(*verdict != no->flow->expected, to_string(*no->flow));
      ++count.shown;
      ++shown;
    }
  }
  int refuted = 0;
  for (const auto& [kind, count] : counts) {
    MESSAGE(kind << ": " << count.refuted << " refuted (" << count.shown << " shown in the kernel, " << count.refused << " that it refuses), " << count.undecided << " undecided, " << count.proved << " proved");
    refuted += count.refuted;
  }
  CHECK(refuted >= 200);
  for (const char* kind : {"comparison flipped", "bound off by one", "check left out", "port byte order", "another reason", "another rule or number", "another bit of the peer", "another field read"})
    CHECK_MESSAGE(counts[kind].refuted >= 3, kind);
  // faults in what is the same either way: an order of memory accesses, a test of what the plan has as a constant
  CHECK(of_admit_proved * 12 < of_admit / every);
  if (kernel) {
    CHECK(shown >= 40);
    CHECK(of_admit_shown >= 40);
  }
}
