#include "tools/sequences/rules.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <stdexcept>

namespace netpolc::sequences {
namespace {

using P = ir::Protocol;

const std::map<std::string, P> kProtocols{{"any", P::Any}, {"tcp", P::Tcp}, {"udp", P::Udp}, {"sctp", P::Sctp}, {"icmp", P::Icmp}, {"icmp6", P::Icmpv6}};
const std::map<std::string, Rule::Says> kSays{{"allow", Rule::Says::Allow}, {"l7", Rule::Says::L7}, {"deny", Rule::Says::Deny}};

std::uint32_t number(std::string_view text, std::uint32_t most) {
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out > most) throw std::runtime_error("`" + std::string(text) + "` isn't a number up to " + std::to_string(most));
  return out;
}

template <class T>
std::string name_of(const std::map<std::string, T>& names, T value) {
  return std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.second == value; })->first;
}

bool matches(const Rule& rule, ir::Flow flow) {
  return rule.protocol == P::Any || (rule.protocol == flow.protocol && rule.first <= flow.number && flow.number <= rule.last);
}

bool is_everyone(const Rule& rule) { return rule.peers.empty() && !rule.world; }

// The order in which entries win.
int precedence(Rule::Says says) {
  switch (says) {
    case Rule::Says::Deny: return 0;
    case Rule::Says::L7: return 1;
    case Rule::Says::Allow: return 2;
  }
  return 3;
}

std::string print_peers(const Rule& rule) {
  std::string out = rule.world ? "world" : "";
  for (const std::uint32_t peer : rule.peers) out += (out.empty() ? "" : ",") + std::to_string(peer);
  return out;
}

std::string print(const Rule& rule) {
  std::string out = name_of(kSays, rule.says) + " " + name_of(kProtocols, rule.protocol);
  if (rule.first == rule.last) out += " " + std::to_string(rule.first);
  else if (rule.first != 0 || rule.last != 65535) out += " " + std::to_string(rule.first) + "-" + std::to_string(rule.last);
  if (!is_everyone(rule)) out += " from " + print_peers(rule);
  return out;
}

// What conditions are called in the table; the compiler reads from it whether prefixes matter.
std::string condition(const Rule& rule) {
  const bool prefixes = std::any_of(rule.peers.begin(), rule.peers.end(), [](std::uint32_t peer) { return peer >= kFirstCidrIdentity || is_world(peer); });
  return (prefixes ? "cidr of " : "identity in ") + print_peers(rule);
}

void add_classes(ir::DirectionTable& out, P protocol, const std::vector<Rule>& rules, const std::vector<std::uint32_t>& bits) {
  std::set<std::uint32_t> starts{0};
  for (const Rule& rule : rules)
    if (rule.protocol == protocol) {
      starts.insert(rule.first);
      starts.insert(rule.last + 1u);
    }
  starts.erase(65536);
  for (auto start = starts.begin(); start != starts.end(); ++start) {
    const std::uint32_t last = std::next(start) == starts.end() ? 65535 : *std::next(start) - 1;
    ir::L4Class one{.protocol = protocol, .first = static_cast<std::uint16_t>(*start), .last = static_cast<std::uint16_t>(last), .entries = {}};
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < rules.size(); ++i)
      if (rules[i].protocol == P::Any || (rules[i].protocol == protocol && matches(rules[i], {protocol, one.first}))) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return std::pair(precedence(rules[a].says), bits[a]) < std::pair(precedence(rules[b].says), bits[b]); });
    std::set<std::uint32_t> spoken;  // a bit's first entry decides
    for (const std::uint32_t i : order)
      if (spoken.insert(bits[i]).second)
        one.entries.push_back({.bit = bits[i],
                               .action = rules[i].says == Rule::Says::Deny ? ir::Action::Deny : ir::Action::Allow,
                               .l7 = rules[i].says == Rule::Says::L7 ? ir::L7Parser::Http : ir::L7Parser::None,
                               .rule = i});
    out.classes.push_back(std::move(one));
  }
}

ir::DirectionTable direction_table(const std::vector<Rule>& rules, bool host, const std::vector<std::uint32_t>& identities) {
  ir::DirectionTable out;
  out.enforcement = ir::Enforcement::DefaultDeny;
  out.localhost_exception = host;
  out.bits = {{"everyone", {}}};
  std::vector<std::uint32_t> bits;  // by rule
  std::map<std::string, std::uint32_t> by_text;
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    out.rules.push_back({0, i});
    out.rule_texts.push_back(print(rules[i]) + " (" + std::to_string(i) + ")");
    if (is_everyone(rules[i])) {
      bits.push_back(0);
      continue;
    }
    const auto [found, fresh] = by_text.try_emplace(condition(rules[i]), static_cast<std::uint32_t>(out.bits.size()));
    bits.push_back(found->second);
    if (!fresh) continue;
    ir::PeerBit bit{found->first, {}};
    for (const std::uint32_t identity : identities)
      if (rules[i].covers(identity)) bit.identities.push_back(identity);
    out.bits.push_back(std::move(bit));
  }
  for (const P protocol : {P::Any, P::Tcp, P::Udp, P::Sctp, P::Icmp, P::Icmpv6}) add_classes(out, protocol, rules, bits);
  return out;
}

}  // namespace

bool is_world(std::uint32_t identity) { return identity == 2 || identity == 9 || identity == 10; }

bool Rule::covers(std::uint32_t identity) const {
  if (is_everyone(*this)) return true;
  if (world && (is_world(identity) || identity >= kFirstCidrIdentity)) return true;
  return std::binary_search(peers.begin(), peers.end(), identity);
}

std::vector<Rule> Policy::of(ir::Direction direction) const {
  std::vector<Rule> out;
  for (const Rule& rule : rules)
    if (rule.direction == direction) out.push_back(rule);
  return out;
}

ir::flow::Decision decide(const Policy& policy, ir::Direction direction, std::uint32_t identity, ir::Flow flow) {
  std::map<Rule::Says, std::vector<std::uint32_t>> said;
  const std::vector<Rule> rules = policy.of(direction);
  for (std::uint32_t i = 0; i < rules.size(); ++i)
    if (rules[i].covers(identity) && matches(rules[i], flow)) said[rules[i].says].push_back(i);
  if (said.contains(Rule::Says::Deny)) return {NP_REASON_DENY, said[Rule::Says::Deny]};
  if (said.contains(Rule::Says::L7)) return {NP_REASON_L7_NOT_ENFORCED, said[Rule::Says::L7]};
  if (said.contains(Rule::Says::Allow)) return {NP_REASON_FORWARDED, said[Rule::Says::Allow]};
  const bool host = policy.host && direction == ir::Direction::Ingress && identity == 1;
  return {static_cast<std::uint8_t>(host ? NP_REASON_FORWARDED : NP_REASON_DEFAULT_DENY), {}};
}

ir::DecisionTable table_of(const Policy& policy, const std::vector<std::uint32_t>& identities) {
  ir::DecisionTable out;
  out.ingress.bits = out.egress.bits = {{"everyone", {}}};
  if (policy.ingress) out.ingress = direction_table(policy.of(ir::Direction::Ingress), policy.host, identities);
  if (policy.egress) out.egress = direction_table(policy.of(ir::Direction::Egress), false, identities);
  return out;
}

void add_line(Policy& policy, const std::vector<std::string>& words) {
  const bool in = words[0] == "in";
  if (!in && words[0] != "out") throw std::runtime_error("a policy's lines begin with in or out");
  (in ? policy.ingress : policy.egress) = true;
  if (words.size() == 1) return;
  if (in && words.size() == 2 && words[1] == "host") {
    policy.host = true;
    return;
  }
  Rule rule{.direction = in ? ir::Direction::Ingress : ir::Direction::Egress};
  const auto says = kSays.find(words[1]);
  if (says == kSays.end()) throw std::runtime_error("a rule says allow, l7 or deny, not `" + words[1] + "`");
  rule.says = says->second;
  const auto protocol = words.size() > 2 ? kProtocols.find(words[2]) : kProtocols.end();
  if (protocol == kProtocols.end()) throw std::runtime_error("a rule names a protocol: any, tcp, udp, sctp, icmp, icmp6");
  rule.protocol = protocol->second;
  std::size_t at = 3;
  if (at < words.size() && words[at] != "from") {
    const std::size_t dash = words[at].find('-');
    rule.first = static_cast<std::uint16_t>(number(std::string_view(words[at]).substr(0, dash), 65535));
    rule.last = dash == std::string::npos ? rule.first : static_cast<std::uint16_t>(number(std::string_view(words[at]).substr(dash + 1), 65535));
    ++at;
  }
  if (at < words.size()) {
    if (words[at] != "from" || at + 2 != words.size()) throw std::runtime_error("a rule ends with from IDENTITY,…");
    const std::string& list = words[at + 1];
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t comma = std::min(list.find(',', begin), list.size());
      const std::string one = list.substr(begin, comma - begin);
      if (one == "world") rule.world = true;
      else rule.peers.push_back(number(one, 0xffffffff));
      begin = comma + 1;
    }
    std::sort(rule.peers.begin(), rule.peers.end());
  }
  policy.rules.push_back(rule);
}

std::string print(const Policy& policy) {
  std::string out = "policy " + policy.name + "\n";
  for (const auto direction : {ir::Direction::Ingress, ir::Direction::Egress}) {
    const bool in = direction == ir::Direction::Ingress;
    const std::string word = in ? "  in" : "  out";
    if (in ? policy.ingress : policy.egress) out += word + "\n";
    if (in && policy.host) out += word + " host\n";
    for (const Rule& rule : policy.of(direction)) out += word + " " + print(rule) + "\n";
  }
  return out;
}

}  // namespace netpolc::sequences
