#include "verify/unresolved.h"

#include <algorithm>
#include <set>

#include "ir/eval/fqdn.h"
#include "ir/eval/inspect.h"

namespace netpolc::verify {
namespace {

bool of_names(const ir::Rule& rule) {
  return std::any_of(rule.peers.begin(), rule.peers.end(), [](const ir::Peer& peer) { return std::holds_alternative<ir::FqdnPeer>(peer); });
}

// Whether some DNS rule of the subject's policies lets it look up the name.
bool looks_up(const ir::Subject& subject, const std::string& name, const ir::eval::World& world) {
  for (const ir::Policy& policy : world.policies.policies) {
    if (!ir::eval::selects(policy, subject)) continue;
    for (const ir::Rule& rule : policy.rules) {
      if (rule.direction != ir::Direction::Egress || rule.action != ir::Action::Allow) continue;
      for (const ir::PortRule& item : rule.ports)
        for (const ir::DnsRule& dns : item.l7.dns)
          if (ir::eval::name_matches({dns.match_name, dns.match_pattern}, name, world.cluster.config.version)) return true;
    }
  }
  return false;
}

}  // namespace

std::string dns_key(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (out.ends_with('.')) out.pop_back();
  return out;
}

bool may_be_inside(std::string_view name) {
  const std::string key = dns_key(name);
  if (key.find('*') != std::string::npos) return true;  // a pattern: its names are anywhere, and need not fare alike
  return key.find('.') == std::string::npos || key.ends_with(".svc") || key.find(".svc.") != std::string::npos || key.ends_with(".cluster.local");
}

std::vector<IpAddress> wherever(const ir::eval::World& world, const Directory& directory) {
  std::set<IpAddress> taken;
  for (const auto& [name, addresses] : world.resolutions) taken.insert(addresses.begin(), addresses.end());
  std::vector<IpAddress> out;
  for (const End& end : directory.outside({}))
    if (end.address && taken.count(*end.address) == 0) out.push_back(*end.address);
  // What most names are at first: an answer shows the first of those that fare alike.
  static const IpAddress v4 = *IpAddress::parse("192.0.2.1"), v6 = *IpAddress::parse("2001:db8::1");
  std::stable_partition(out.begin(), out.end(), [](const IpAddress& one) { return one == v4 || one == v6; });
  return out;
}

bool allowed_by_names(const PairAnswer& pair, const ir::PolicySet& policies) {
  if (pair.word != Word::Allowed || !pair.egress || pair.egress->verdict == nullptr || pair.egress->verdict->rules.empty()) return false;
  const auto& rules = pair.egress->verdict->rules;
  return std::all_of(rules.begin(), rules.end(), [&](ir::RuleRef ref) {
    const auto& policy = policies.policies[ref.policy];
    return ref.rule < policy.rules.size() && of_names(policy.rules[ref.rule]);
  });
}

void about_the_name(Answer& answer, const std::string& name, const ir::eval::World& world, Judge& judge) {
  if (answer.pairs.empty()) return;  // the other end means nothing that is known
  const std::string shown = "fqdn:" + name;
  const auto about = [&](const PairAnswer& pair) { return pair.from == shown || pair.to == shown; };
  bool by_names = false;
  for (PairAnswer& pair : answer.pairs) {
    if (!about(pair)) continue;
    const auto same_ends = [&](const PairAnswer& other) { return other.from == pair.from && other.to == pair.to && other.flow == pair.flow; };
    const auto arrow = pair.via.find(" → ");
    if (std::count_if(answer.pairs.begin(), answer.pairs.end(), same_ends) == 1) pair.via.clear();
    else if (arrow != std::string::npos) pair.via = "if it is at " + pair.via.substr(arrow + std::string_view(" → ").size()) + " or alike";
    if (!allowed_by_names(pair, world.policies)) continue;
    if (looks_up(judge.encounters().subject(pair.egress->who), name, world)) {
      by_names = true;
      continue;
    }
    pair.word = Word::Undecided;
    pair.reason = "toFQDNs allows `" + name + "`, but no DNS rule lets " + pair.from +
                  " look it up through the proxy, so nothing tells Cilium its addresses (netpolc explain NP040, NP044); or say what it resolves to with --resolutions";
  }
  conclude(answer);
  answer.assuming.push_back(name + " is at an address outside the cluster, and shares it with no other name that policies mean");
  if (by_names) answer.assuming.push_back(name + " was looked up through the DNS proxy, and what it answered has not expired");
}

}  // namespace netpolc::verify
