#include "compiler/explain/why.h"

#include <algorithm>

#include "compiler/explain/words.h"

namespace netpolc::explain {
namespace {

namespace eval = ir::eval;

std::string asked_name(const verify::End& end) { return end.name.starts_with("fqdn:") ? end.name.substr(5) : ""; }

std::vector<IpAddress> addresses(const verify::End& end, const ir::Cluster& cluster) {
  if (end.kind == verify::EndKind::Node) return cluster.nodes[end.index].addresses;
  std::vector<IpAddress> out;
  if (end.kind != verify::EndKind::Endpoint) return out;
  const auto& pods = cluster.endpoints[end.index].pods;
  for (std::size_t p = 0; p < pods.size(); ++p)
    if (!end.pod || *end.pod == p) out.insert(out.end(), pods[p].addresses.begin(), pods[p].addresses.end());
  return out;
}

// Which level decided: that of the first rule that the verdict names and that matches.
std::optional<std::size_t> deciding_level(const eval::Inspection& inspection, const ir::SideVerdict& verdict) {
  for (const eval::RuleMeeting& meeting : inspection.rules)
    if (meeting.matches() && std::find(verdict.rules.begin(), verdict.rules.end(), meeting.rule->ref) != verdict.rules.end()) return meeting.level;
  return std::nullopt;
}

std::string role(const eval::RuleMeeting& meeting, const ir::SideVerdict& verdict, std::optional<std::size_t> deciding, bool& wins) {
  const bool deny = meeting.rule->action == ir::Action::Deny, allow = meeting.rule->action == ir::Action::Allow;
  if (verdict.encapsulation) return "not asked";
  if (deciding && meeting.level > *deciding) return "not asked: a level before it decided";
  if (!deciding || meeting.level < *deciding) return allow || deny ? "passed over" : "passes on to the next tier";
  switch (verdict.verdict) {
    case ir::Verdict::Deny:
      wins = deny;
      return deny ? "wins" : allow ? "loses: deny beats allow, however narrow the allow is" : "loses to deny";
    case ir::Verdict::Allow:
      wins = allow;
      return allow ? "wins" : "loses to allow";
    case ir::Verdict::AllowL7:
      wins = allow && meeting.redirect.parser == verdict.l7;
      if (wins) return "wins";
      return allow ? (meeting.redirect.rank > 0 ? "loses to a proxy of higher precedence" : "allows it, too; but the proxy goes first") : "loses to allow";
    case ir::Verdict::DefaultDeny: return "";
  }
  return "";
}

std::string not_enforced(const verify::Side& side, ir::Direction direction, const Sources& sources) {
  const ir::Config& config = sources.world.cluster.config;
  const ir::Subject& subject = sources.judge.encounters().subject(side.who);
  if (config.mode == ir::PolicyMode::Never) return "`enable-policy` is `never`: no policy is enforced at all";
  if (subject.is_host && !config.host_firewall) return "the host firewall is off: nothing is enforced for nodes";
  return "no policy selects " + side.subject + " for " + (direction == ir::Direction::Ingress ? "ingress" : "egress") + ", so everything is allowed in this direction";
}

std::string of_proxy(const ir::SideVerdict& verdict, const Why& why, const ir::PolicySet& policies, ir::CiliumVersion version) {
  const bool several = std::any_of(why.matched.begin(), why.matched.end(), [](const Matched& one) { return !one.wins; });
  const std::string name = compiler::l7_name(verdict, policies);
  if (!several) return "a rule with L7 rules allows it: packets go to the proxy (" + name + "), which looks into them";
  if (version < 17) return "packets go to the proxy (" + name + "): Cilium 1.16 takes the narrowest entry, by port, by protocol, by peer alone";
  return "packets go to the proxy (" + name + "): L7 rules beat plain allows of the same traffic";
}

bool any_deny(const Why& why) {
  return std::any_of(why.matched.begin(), why.matched.end(), [](const Matched& one) { return one.action == ir::Action::Deny; });
}

std::string reason(const verify::Side& side, ir::Direction direction, const Why& why, const Sources& sources) {
  const ir::SideVerdict& verdict = *side.verdict;
  const std::string default_deny = "no rule matches, and default deny is on";
  switch (verdict.verdict) {
    case ir::Verdict::Allow:
      if (verdict.localhost_exception) return "the node of a pod always reaches it, unless a deny rule matches (`allow-localhost`)";
      if (verdict.enforcement == ir::Enforcement::None) return not_enforced(side, direction, sources);
      if (verdict.rules.empty()) return "no deny rule matches, and every policy that selects " + side.subject + " leaves default deny off in this direction";
      return std::string(verdict.rules.size() == 1 ? "one rule allows it" : "each of these rules is enough") + (any_deny(why) ? ", and no deny rule is asked before" : ", and no deny rule matches");
    case ir::Verdict::AllowL7: return of_proxy(verdict, why, sources.world.policies, sources.world.cluster.config.version);
    case ir::Verdict::Deny:
      if (verdict.encapsulation) return "only nodes may send to the overlay's port of a node: the packet is dropped before policy is asked";
      if (!std::any_of(why.matched.begin(), why.matched.end(), [](const Matched& one) { return one.wins; })) return default_deny + "; beside rules that pass, it is a rule of its own";
      return "a deny rule matches, and deny beats allow";
    case ir::Verdict::DefaultDeny:
      if (verdict.rules.empty()) return default_deny + " (" + (sources.world.cluster.config.mode == ir::PolicyMode::Always ? "`enable-policy` is `always`" : "endpoints without labels start so") + ")";
      return default_deny + ": other rules would have to allow it";
  }
  return "";
}

struct Seen {
  eval::Inspection inspection;
  const ir::PeerFacts& peer;
};

Seen inspect(const verify::Side& side, ir::Direction direction, ir::Flow flow, const Sources& sources) {
  const ir::PeerFacts& peer = sources.judge.encounters().facts(side.peer);
  return {sources.judge.policy(side.who).inspect(direction, peer, flow), peer};
}

void find_nearest(const verify::Side& side, const Seen& seen, ir::Flow flow, const Sources& sources, Why& out) {
  Asked asked{seen.inspection, seen.peer, flow};
  if (side.other != nullptr) {
    asked.name = asked_name(*side.other);
    asked.addresses = addresses(*side.other, sources.world.cluster);
  }
  out.nearest = nearest(asked, sources.world.policies);
  if (out.nearest) out.fix = fix_of(*out.nearest, asked, sources.world.policies, sources.places);
}

bool is_default_deny(const verify::Side& side) { return side.verdict != nullptr && side.verdict->verdict == ir::Verdict::DefaultDeny; }

}  // namespace

Why why(const verify::Side& side, ir::Direction direction, ir::Flow flow, const Sources& sources) {
  const Seen seen = inspect(side, direction, flow, sources);
  Why out{.seen_as = seen.inspection.labels, .address = seen.peer.address, .matched = {}, .reason = {}, .nearest = {}, .fix = {}};
  const auto deciding = deciding_level(seen.inspection, *side.verdict);
  for (const eval::RuleMeeting& meeting : seen.inspection.rules) {
    if (!meeting.matches()) {
      ++out.others;
      continue;
    }
    Matched one{meeting.rule->ref, meeting.rule->action, meeting.redirect.parser, false, ""};
    one.role = role(meeting, *side.verdict, deciding, one.wins);
    out.matched.push_back(std::move(one));
  }
  std::stable_sort(out.matched.begin(), out.matched.end(), [](const Matched& a, const Matched& b) { return a.wins && !b.wins; });
  out.reason = reason(side, direction, out, sources);
  const bool open = side.verdict->enforcement == ir::Enforcement::None && sources.world.cluster.config.mode != ir::PolicyMode::Never && !sources.judge.encounters().subject(side.who).is_host;
  const bool shut = is_default_deny(side) && !side.verdict->rules.empty();
  out.reason_is_news = !open && !shut;
  if (is_default_deny(side)) find_nearest(side, seen, flow, sources, out);
  return out;
}

Why nearest_to(const std::optional<verify::Side>& side, ir::Direction direction, ir::Flow flow, const Sources& sources) {
  Why out;
  if (side && is_default_deny(*side)) find_nearest(*side, inspect(*side, direction, flow, sources), flow, sources, out);
  return out;
}

}  // namespace netpolc::explain
