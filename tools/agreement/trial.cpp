#include "tools/agreement/trial.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <tuple>

#include "compiler/kernel_judge/kernel.h"
#include "ir/map_layout.h"
#include "tools/agreement/solver.h"
#include "verify/all_ports.h"

namespace netpolc::agreement {
namespace {

using ir::Direction;

// Both sides of a packet in a judge's words; none: nothing is enforced there, or there is no such judge for it.
struct Sides {
  std::optional<Word> egress, ingress;
  std::optional<Word>& of(Direction direction) { return direction == Direction::Egress ? egress : ingress; }
  const std::optional<Word>& of(Direction direction) const { return direction == Direction::Egress ? egress : ingress; }
};

verify::Meeting meeting_of(judges::World& world, const Packet& packet) {
  const auto all = world.interpreter().encounters().meet(world.party(packet.from).end, world.party(packet.to).end);
  if (all.size() != 1) throw std::runtime_error(packet.from + " and " + packet.to + " meet in several ways");
  return all.front();
}

class Interpreter {
 public:
  explicit Interpreter(judges::World& world) : world_(world) {}
  Sides ask(const Packet& packet) {
    const verify::Meeting meeting = meeting_of(world_, packet);
    return {side(Direction::Egress, meeting.source, meeting.destination_seen, packet), side(Direction::Ingress, meeting.destination, meeting.source_seen, packet)};
  }

 private:
  std::optional<Word> side(Direction direction, const std::optional<verify::SubjectId>& subject, verify::FactsId peer, const Packet& packet) {
    if (!subject) return std::nullopt;
    verify::Judge& judge = world_.interpreter();
    if (const auto& why = judge.policy(*subject).incomputable()) return Word{.allowed = false, .proxied = {}, .reason = {}, .wrong = "can't be computed: " + why->reason};
    return word_of(judge.verdict(*subject, direction, peer, packet.flow));
  }
  judges::World& world_;
};

// The tables, and the sets that `verify --all-ports` makes of them.
class Sets {
 public:
  explicit Sets(judges::World& world) : world_(world), content_(world.content()), all_ports_(content_, world.lock(), world.interpreter()) {}

  Sides ask(const Packet& packet) {
    const judges::Party &from = world_.party(packet.from), &to = world_.party(packet.to);
    return {side(Direction::Egress, from, to, packet), side(Direction::Ingress, to, from, packet)};
  }
  PairWord both(const Packet& packet) {
    const verify::Party from{packet.from, {world_.party(packet.from).end}}, to{packet.to, {world_.party(packet.to).end}};
    const verify::Traffic traffic = all_ports_.between(from, to);
    const verify::PortSpan* found = nullptr;
    for (const verify::PortSpan& span : all_ports_.sets()[traffic.allowed])
      if (span.protocol == packet.flow.protocol && span.first <= packet.flow.number && packet.flow.number <= span.last) found = &span;
    if (found == nullptr) return {};
    const verify::Marks& marks = all_ports_.sets().marks(found->marks);
    return {true, !marks.l7.empty(), !marks.auth.empty()};
  }
  bool encapsulates(const Packet& packet) {
    const verify::Meeting meeting = meeting_of(world_, packet);
    return meeting.source && world_.interpreter().encounters().may_not_encapsulate(*meeting.source, meeting.destination_seen, packet.flow);
  }

 private:
  std::optional<Word> side(Direction direction, const judges::Party& subject, const judges::Party& peer, const Packet& packet) {
    if (!subject.decided) return std::nullopt;
    const ir::DecisionTable& table = world_.decisions().tables[world_.decisions().endpoints[*subject.decided].table];
    if (table.incomputable) return Word{.allowed = false, .proxied = {}, .reason = {}, .wrong = "can't be computed: " + table.incomputable->reason};
    // What the datapath drops before it asks a table (semantics 8.5) is for the other judges.
    if (direction == Direction::Egress && encapsulates(packet)) return std::nullopt;
    return word_of(ir::look_up(direction == Direction::Egress ? table.egress : table.ingress, peer.identity, packet.flow));
  }
  judges::World& world_;
  const ir::eval::World content_;
  verify::AllPorts all_ports_;
};

// Runs all packets at once.
class Kernel {
 public:
  Kernel(judges::World& world, kernel_judge::Programs& programs) : world_(world), kernel_(programs) {}

  std::vector<Sides> ask(const std::vector<Packet>& packets) {
    std::vector<kernel_judge::Shot> shots;
    struct About {
      std::size_t packet;
      Direction direction;
      std::size_t shot;
    };
    std::vector<About> about;
    std::map<std::tuple<std::uint32_t, Direction, IpAddress, IpAddress, ir::Flow>, std::size_t> once;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      if (!packets[i].in_kernel()) continue;
      for (const Direction direction : {Direction::Egress, Direction::Ingress}) {
        const auto shot = this->shot(packets[i], direction);
        if (!shot) continue;
        // Nothing tells one such message from another: the second would be of a connection that is known.
        if (!has_own_number(shot->flow)) {
          const auto [sent, fresh] = once.try_emplace(std::tuple(shot->table, direction, shot->source, shot->destination, shot->flow), shots.size());
          if (!fresh) {
            about.push_back({i, direction, sent->second});
            continue;
          }
        }
        about.push_back({i, direction, shots.size()});
        shots.push_back(*shot);
      }
    }
    kernel_.start(world_.ipcache(), world_.config());
    const std::vector<kernel_judge::Seen> seen = kernel_.run(shots);
    std::vector<Sides> out(packets.size());
    for (const About& one : about) out[one.packet].of(one.direction) = word(seen[one.shot]);
    return out;
  }
  std::size_t programs() const { return loaded_.size(); }

 private:
  std::optional<kernel_judge::Shot> shot(const Packet& packet, Direction direction) {
    const judges::Party &from = world_.party(packet.from), &to = world_.party(packet.to);
    const judges::Party& subject = direction == Direction::Egress ? from : to;
    if (!subject.decided) return std::nullopt;
    const std::uint32_t table = world_.decisions().endpoints[*subject.decided].table;
    const ir::DecisionTable& content = world_.decisions().tables[table];
    if (content.incomputable) return std::nullopt;
    if (std::find(loaded_.begin(), loaded_.end(), table) == loaded_.end()) {
      kernel_.load(table, content);
      loaded_.push_back(table);
    }
    const auto address = [&](const judges::Party& party) { return packet.v6 ? party.v6.value() : party.v4.value(); };
    return kernel_judge::Shot{table, direction, address(from), address(to), packet.flow};
  }
  // Of the sender's choice: a port, or the identifier of a request and its reply.
  static bool has_own_number(ir::Flow flow) {
    if (flow.protocol == ir::Protocol::Icmp) return flow.number == 0 || flow.number == 8 || flow.number == 13 || flow.number == 14;
    return flow.protocol != ir::Protocol::Icmpv6 || flow.number == 128 || flow.number == 129;
  }
  static Word word(const kernel_judge::Seen& seen) {
    if (!seen.reported) return {.allowed = seen.passed, .proxied = {}, .reason = {}, .wrong = std::string(seen.passed ? "passed" : "dropped") + " without an event"};
    Word out = word_of_reason(seen.reason);
    if (seen.passed != (seen.reason == 0)) out.wrong = "the program's verdict is not that of its event";
    return out;
  }

  judges::World& world_;
  kernel_judge::Kernel kernel_;
  std::vector<std::uint32_t> loaded_;
};

std::string line(const char* name, const std::string& egress, const std::string& ingress) {
  std::string out = std::string("    ") + name;
  out.resize(18, ' ');
  return out + egress + " | " + ingress + "\n";
}
std::string text(const std::optional<Word>& word) { return word ? to_string(*word) : "-"; }

PairWord both(const Sides& sides) {
  PairWord out{true, false, false};
  for (const auto* side : {&sides.egress, &sides.ingress}) {
    if (!*side) continue;
    out.allowed &= (*side)->allowed;
    out.proxied |= (*side)->proxied.value_or(false);
    out.authenticated |= (*side)->reason == NP_REASON_AUTH_REQUIRED;
  }
  return out;
}

}  // namespace

const char* to_string(Judge judge) {
  switch (judge) {
    case Judge::Interpreter: return "interpreter";
    case Judge::Sets: return "set engine";
    case Judge::Solver: return "solver";
    case Judge::Kernel: return "kernel";
  }
  return "?";
}

void Verdicts::add(const Verdicts& other) {
  packets += other.packets;
  in_kernel += other.in_kernel;
  without_kernel += other.without_kernel;
  questions += other.questions;
  programs += other.programs;
  for (const auto& [word, count] : other.sides) sides[word] += count;
}

std::vector<Disagreement> judge(const judges::Scenario& scenario, judges::World& world, const std::vector<Packet>& packets, kernel_judge::Programs& programs,
                                const Options& options, Verdicts& verdicts) {
  std::unique_ptr<judges::World> wrong;
  if (options.wrong != nullptr) wrong = std::make_unique<judges::World>(scenario, options.wrong->change);
  const auto world_of = [&](Judge judge) -> judges::World& { return wrong && judge == options.who ? *wrong : world; };

  Interpreter interpreter(world_of(Judge::Interpreter));
  Sets sets(world_of(Judge::Sets));
  std::optional<Solver> solver;
  if (options.with_solver) solver.emplace(world_of(Judge::Solver), options.solver_twice_every);
  std::vector<Sides> in_kernel(packets.size());
  if (options.with_kernel) {
    Kernel kernel(world_of(Judge::Kernel), programs);
    in_kernel = kernel.ask(packets);
    verdicts.programs += kernel.programs();
  }

  // Which of several rules that allow decides about proxy and authentication differs at 1.16, where tables do as later
  // versions (docs/semantics.md).
  const bool chooses = world.config().version >= 17;
  std::vector<Disagreement> out;
  for (std::size_t i = 0; i < packets.size() && out.size() < options.most; ++i) {
    const Packet& packet = packets[i];
    const Solver::Sides solved = solver ? solver->ask(packet) : Solver::Sides{};
    const std::array<Sides, kJudges> said{interpreter.ask(packet), sets.ask(packet), Sides{solved.egress, solved.ingress}, in_kernel[i]};
    const PairWord pair = sets.both(packet), expected = both(said[0]);
    const auto may_be_silent = [&](Judge judge, const Packet& about, Direction direction) {
      if (judge == Judge::Kernel) return !options.with_kernel || !about.in_kernel();
      if (judge == Judge::Solver) return !options.with_solver;
      // Without the host firewall nothing is enforced for hosts, and there are no tables that say so.
      const judges::Party& subject = world.party(direction == Direction::Egress ? about.from : about.to);
      if (subject.end.kind == verify::EndKind::Host && !world.config().host_firewall) return true;
      return direction == Direction::Egress && sets.encapsulates(about);
    };
    bool same = chooses ? pair == (expected.allowed ? expected : PairWord{}) : pair.allowed == expected.allowed;
    for (const Direction direction : {Direction::Egress, Direction::Ingress}) {
      auto first = said[0].of(direction);
      if (first) ++verdicts.sides[to_string(*first)];
      if (first && !chooses) first = without_choice(*first);
      for (std::size_t j = 1; j < kJudges; ++j) {
        const auto& other = said[j].of(direction);
        if (first && other) same &= agree(*first, *other);
        else if (first || other) same &= !other && may_be_silent(static_cast<Judge>(j), packet, direction);
      }
      same &= !first || first->wrong.empty();
      const auto &by_table = said[1].of(direction), &by_program = said[3].of(direction);
      same &= !by_table || !by_program || agree(*by_table, *by_program);
    }
    ++verdicts.packets;
    ++(packet.in_kernel() && options.with_kernel ? verdicts.in_kernel : verdicts.without_kernel);
    if (same) continue;
    Disagreement found{packet, "    judge         egress | ingress\n"};
    for (std::size_t j = 0; j < kJudges; ++j) found.said += line(to_string(static_cast<Judge>(j)), text(said[j].egress), text(said[j].ingress));
    found.said += "    both ways, as sets: " + to_string(pair) + "\n";
    out.push_back(std::move(found));
  }
  if (solver) verdicts.questions += solver->questions();
  return out;
}

}  // namespace netpolc::agreement
