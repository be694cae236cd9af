#include "tools/agreement/vectors.h"

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "frontend/label_filter.h"
#include "verify/claims.h"

namespace netpolc::agreement {
namespace {

constexpr std::size_t kClaims = 24;  // of each scenario

ir::Protocol protocol_of(const std::string& name) {
  for (int p = 0; p <= static_cast<int>(ir::Protocol::Ah); ++p)
    if (name == ir::to_string(static_cast<ir::Protocol>(p))) return static_cast<ir::Protocol>(p);
  throw std::runtime_error("unknown protocol " + name);
}

bool computable(judges::World& world, const judges::Party& party) {
  return !party.decided || !world.decisions().tables[world.decisions().endpoints[*party.decided].table].incomputable;
}

// What the interpreter says of both sides; none: nothing is enforced there, or some policy can't be computed.
std::optional<bool> allowed(judges::World& world, const Packet& packet) {
  auto& judge = world.interpreter();
  bool enforced = false, passes = true;
  for (const verify::Meeting& meeting : judge.encounters().meet(world.party(packet.from).end, world.party(packet.to).end)) {
    const auto side = [&](const std::optional<verify::SubjectId>& subject, ir::Direction direction, verify::FactsId peer) {
      if (!subject) return;
      enforced = true;
      passes &= word_of(judge.verdict(*subject, direction, peer, packet.flow)).allowed;
    };
    side(meeting.source, ir::Direction::Egress, meeting.destination_seen);
    side(meeting.destination, ir::Direction::Ingress, meeting.source_seen);
  }
  return enforced ? std::optional(passes) : std::nullopt;
}

// Names of reserved identities mean several ends to claims.
bool is_one(const judges::World& world, const std::string& name) {
  const auto kind = world.parties().at(name).end.kind;
  return kind == verify::EndKind::Endpoint || kind == verify::EndKind::Address;
}

// The other family's ICMP can't be.
bool can_be(const judges::World& world, const Packet& packet) {
  for (const std::string* name : {&packet.from, &packet.to}) {
    const verify::End& end = world.parties().at(*name).end;
    if (end.kind != verify::EndKind::Address) continue;
    if (packet.flow.protocol == (end.address->v6 ? ir::Protocol::Icmp : ir::Protocol::Icmpv6)) return false;
  }
  return true;
}

}  // namespace

void VectorTally::add(const VectorTally& other) {
  scenarios += other.scenarios;
  probes += other.probes;
  left_out += other.left_out;
  claims += other.claims;
  refuted += other.refuted;
  disagreements += other.disagreements;
  questions += other.questions;
  texts.insert(texts.end(), other.texts.begin(), other.texts.end());
}

Claimed claim_never(judges::World& world, const judges::Scenario& scenario, const Packet& packet) {
  const ir::eval::World content = world.content();
  const frontend::LabelFilter filter(content.cluster.config);
  verify::Claims claims(content, world.interpreter(), [&](const std::string& key) { return filter.keeps({"k8s", key, ""}); });
  verify::Inquiry inquiry;
  inquiry.name = "never";
  inquiry.from = *claims.ends(judges::reference(scenario, packet.from));
  inquiry.to = *claims.ends(judges::reference(scenario, packet.to));
  inquiry.traffic = {packet.flow.protocol, packet.flow.number, packet.flow.number};
  const verify::Finding finding = claims.look_for(inquiry);
  if (std::holds_alternative<verify::NotKnown>(finding)) return Claimed::Undecided;
  const auto* found = std::get_if<verify::Found>(&finding);
  return found == nullptr ? Claimed::Proved : found->witness.besides.empty() ? Claimed::Refuted : Claimed::RefutedIf;
}

void judge_vectors(const judges::Scenario& scenario, kernel_judge::Programs& programs, VectorTally& tally) {
  judges::World world(scenario);
  std::vector<Packet> packets;
  for (const judges::Cell& cell : judges::cells(scenario)) {
    if (!computable(world, world.party(cell.source)) || !computable(world, world.party(cell.destination))) {
      tally.left_out += scenario.probes.size();
      continue;
    }
    for (const judges::Probe& probe : scenario.probes) packets.push_back({cell.source, cell.destination, {protocol_of(probe.protocol), probe.number}, false});
  }
  Verdicts verdicts;
  Options options;
  options.with_kernel = false;
  options.solver_twice_every = 8;
  const auto found = judge(scenario, world, packets, programs, options, verdicts);
  ++tally.scenarios;
  tally.probes += packets.size();
  tally.questions += verdicts.questions;
  tally.disagreements += found.size();
  for (const Disagreement& one : found)
    if (tally.texts.size() < 8) tally.texts.push_back("DISAGREEMENT scenario " + scenario.name + "\n  " + to_string(one.packet) + "\n" + one.said);

  const std::size_t step = std::max<std::size_t>(1, packets.size() / kClaims);
  for (std::size_t i = std::hash<std::string>{}(scenario.name) % step; i < packets.size(); i += step) {
    if (!is_one(world, packets[i].from) || !is_one(world, packets[i].to) || !can_be(world, packets[i])) continue;
    const auto passes = allowed(world, packets[i]);
    if (!passes) continue;
    const Claimed never = claim_never(world, scenario, packets[i]);
    ++tally.claims;
    tally.refuted += never == Claimed::Refuted;
    if (never == (*passes ? Claimed::Refuted : Claimed::Proved)) continue;
    if (never == Claimed::RefutedIf && !*passes) continue;
    ++tally.disagreements;
    if (tally.texts.size() < 8)
      tally.texts.push_back("DISAGREEMENT scenario " + scenario.name + "\n  " + to_string(packets[i]) + "\n    interpreter   " + (*passes ? "allowed" : "denied") +
                            "\n    claim `never` " + (never == Claimed::Undecided ? "undecided" : never == Claimed::Proved ? "proved" : "refuted") + "\n");
  }
}

}  // namespace netpolc::agreement
