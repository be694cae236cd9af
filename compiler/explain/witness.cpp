#include "compiler/explain/witness.h"

#include <algorithm>

#include "compiler/import/match_type.h"
#include "verify/unresolved.h"

namespace netpolc::explain {
namespace {

using ir::Direction;
using ir::Protocol;

constexpr int kSourcePort = 49152;

bool drops(const std::optional<verify::Side>& side) {
  if (!side || side->verdict == nullptr || side->verdict->encapsulation) return false;
  return side->verdict->verdict == ir::Verdict::Deny || side->verdict->verdict == ir::Verdict::DefaultDeny;
}

bool has_ports(Protocol protocol) { return protocol == Protocol::Tcp || protocol == Protocol::Udp || protocol == Protocol::Sctp; }

std::string at(const std::string& name, bool v6, Protocol protocol, int port) {
  return ir::hubble::at(name, v6, has_ports(protocol) ? std::optional(static_cast<std::uint16_t>(port)) : std::nullopt);
}

std::string bare(const std::string& name) { return name.starts_with("entity:") ? name.substr(7) : name; }

// As Hubble has it: reserved identities by name, others by number.
std::string identity(const ir::LabelSet& labels, const ir::Identities& identities) {
  std::string reserved;
  for (const ir::Label& label : labels)
    if (label.source == "reserved" && (reserved.empty() || label.key == "kube-apiserver")) reserved = label.key;
  if (!reserved.empty()) return reserved;
  for (const ir::Identity& one : identities.all())
    if (one.labels == labels) return "ID:" + std::to_string(one.id);
  return "unknown";
}

}  // namespace

std::string Witness::verdict() const {
  return ir::hubble::policy_verdict(match, direction, "DENIED", ir::hubble::summary(flow.protocol, flow.number, ir::hubble::kSyn));
}

std::optional<Witness> first_drop(const verify::PairAnswer& pair, const Sources& sources, const ir::IdentityLock& lock) {
  const bool egress = drops(pair.egress);
  if (!egress && !drops(pair.ingress)) return std::nullopt;
  const verify::Side& side = egress ? *pair.egress : *pair.ingress;
  Witness out;
  out.direction = egress ? Direction::Egress : Direction::Ingress;
  out.flow = pair.flow;
  out.match = ir::hubble::to_string(compiler::import::match_type(*side.verdict, sources.world.policies, pair.flow));
  const auto identities = ir::Identities::build(sources.world.policies, sources.world.cluster, sources.world.resolutions, lock);
  const ir::PeerFacts& seen = sources.judge.encounters().facts(side.peer);
  const bool by_address = side.other->kind != verify::EndKind::Endpoint && seen.address;
  const Protocol protocol = pair.flow.protocol;
  const int own_port = egress ? kSourcePort : pair.flow.number, other_port = egress ? pair.flow.number : kSourcePort;
  const std::string self = at(side.subject, false, protocol, own_port) + " (" + identity(sources.judge.encounters().subject(side.who).labels, identities) + ")";
  const std::string other = at(by_address ? seen.address->to_string() : bare(side.other->name), by_address && seen.address->v6, protocol, other_port) + " (" + identity(seen.labels, identities) + ")";
  out.from = egress ? self : other;
  out.to = egress ? other : self;
  return out;
}

std::vector<std::string> assumed(const verify::Answer& answer, const Why& egress, const ir::PolicySet& policies) {
  std::vector<std::string> out = answer.assuming;
  const verify::PairAnswer& pair = answer.pairs.front();
  if (pair.via.find(" → ") == std::string::npos) return out;
  if (verify::allowed_by_names(pair, policies)) out.push_back(pair.via + ", looked up through the DNS proxy, and not expired");
  if (!egress.nearest) return out;
  const bool other_name = std::any_of(egress.nearest->differences.begin(), egress.nearest->differences.end(), [](const Difference& one) { return one.in == Differs::Name; });
  if (!other_name) return out;
  for (const Difference& one : egress.nearest->differences)
    if (one.in == Differs::Name) out.push_back(pair.via + ", and no address shared with " + one.allowed);
  out.push_back("(toFQDNs is enforced by address: a shared one would be allowed)");
  return out;
}

}  // namespace netpolc::explain
