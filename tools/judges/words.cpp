#include "tools/judges/words.h"

namespace netpolc::judges {
namespace {

std::string rule_text(const World& world, ir::RuleRef ref) {
  if (ref == ir::synthesized_rule) return "no rule: nobody asks for default deny";
  const ir::Policy& policy = world.policies().policies.at(ref.policy);
  return (policy.ns.empty() ? "" : policy.ns + "/") + policy.name + " " + policy.rules.at(ref.rule).path;
}

std::string verdict_text(const World& world, const ir::SideVerdict& verdict) {
  static constexpr const char* words[] = {"allow", "allow-l7", "deny", "default-deny"};
  static constexpr const char* auths[] = {"", " auth disabled", " auth required", " auth always-fail"};
  std::string out = words[static_cast<int>(verdict.verdict)];
  out += auths[static_cast<int>(verdict.auth)];
  out += std::string(" (") + to_string(verdict.enforcement) + (verdict.localhost_exception ? ", localhost exception)" : ")");
  const char* before = " by ";
  for (const ir::RuleRef rule : verdict.rules) {
    out += before + rule_text(world, rule);
    before = ", ";
  }
  return out;
}

std::string flow_text(ir::Flow flow) {
  const char* name = "other";
  if (flow.protocol == ir::Protocol::Tcp) name = "TCP";
  if (flow.protocol == ir::Protocol::Udp) name = "UDP";
  if (flow.protocol == ir::Protocol::Sctp) name = "SCTP";
  if (flow.protocol == ir::Protocol::Icmp) name = "ICMP";
  if (flow.protocol == ir::Protocol::Icmpv6) name = "ICMPv6";
  return std::string(name) + "/" + std::to_string(flow.number);
}

}  // namespace

const char* to_string(ir::Enforcement enforcement) {
  switch (enforcement) {
    case ir::Enforcement::None: return "none";
    case ir::Enforcement::DefaultAllow: return "default-allow";
    case ir::Enforcement::DefaultDeny: return "default-deny";
  }
  return "";
}

std::string reason_text(std::uint8_t reason) {
  const std::string number = " (" + std::to_string(reason) + ")";
  switch (reason) {
    case NP_REASON_FORWARDED: return "forwarded" + number;
    case NP_REASON_DEFAULT_DENY: return "dropped, default deny" + number;
    case NP_REASON_DENY: return "dropped, deny rule" + number;
    case NP_REASON_AUTH_REQUIRED: return "dropped, authentication required" + number;
    case NP_REASON_L7_NOT_ENFORCED: return "dropped, L7 not enforced" + number;
  }
  return "dropped" + number;
}

std::string describe(const World& world, const Cases& cases, const Case& c) {
  const Cell& cell = cases.cells[c.cell];
  std::string out = "  scenario " + world.scenario().name + ": " + cell.source + " > " + cell.destination + " " + flow_text(c.flow) +
                    (c.direction == ir::Direction::Egress ? ", egress" : ", ingress") + ", peer's identity " + std::to_string(c.peer->identity) + "\n";
  out += std::string("    vector       ") + c.letter + " auth " + c.auth + " " + std::string(c.enforcement) + "\n";
  out += "    interpreter  " + (c.interpreter != nullptr ? verdict_text(world, *c.interpreter) : "can't be computed") + "\n";
  out += "    table        " + (c.table->incomputable ? "can't be computed" : verdict_text(world, c.looked_up)) + "\n";
  return out;
}

std::string describe(const World& world, const Case& c, const Shot& shot, const Seen& seen) {
  std::string out = "    kernel       " + std::string(seen.passed ? "pass" : "drop") + ", " + shot.source.to_string() + " > " + shot.destination.to_string();
  if (!seen.reported) return out + ", no event\n";
  out += ", event: " + reason_text(seen.reason) + ", identity " + std::to_string(seen.identity);
  const ir::DecidedEndpoint& decided = world.decisions().endpoints[*c.subject->decided];
  const auto& own = c.direction == ir::Direction::Egress ? decided.egress_rules : decided.ingress_rules;
  if (seen.rule == NP_NO_RULE) return out + ", no rule\n";
  return out + ", " + (seen.rule < own.size() ? rule_text(world, own[seen.rule]) : "a rule that doesn't exist") + "\n";
}

}  // namespace netpolc::judges
