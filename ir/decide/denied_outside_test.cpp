#include "ir/decide/denied_outside.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

using namespace netpolc::ir;

namespace {

constexpr Protocol kProtocols[] = {Protocol::Any, Protocol::Tcp, Protocol::Udp, Protocol::Sctp, Protocol::Icmp, Protocol::Icmpv6};
constexpr std::uint32_t kWorld = 2, kPartner = 16777217, kFoe = 16777218;
const std::vector<std::uint32_t> kOutside = {kWorld, kPartner, kFoe};

DirectionTable default_deny(std::vector<PeerBit> bits) {
  DirectionTable out;
  out.enforcement = Enforcement::DefaultDeny;
  out.bits = std::move(bits);
  out.rules = {{0, 0}, {0, 1}};
  out.rule_texts = {"one", "other"};
  for (const Protocol protocol : kProtocols) out.classes.push_back({protocol, 0, 65535, {}});
  return out;
}
TableEntry entry(std::uint32_t bit, Action action, L7Parser l7 = L7Parser::None) {
  TableEntry out;
  out.bit = bit;
  out.action = action;
  out.l7 = l7;
  return out;
}
// Partners may come to TCP 443, and nobody may who is denied.
DecisionTable web() {
  DecisionTable out;
  out.ingress = default_deny({{"everyone", {}}, {"cidr partner", {kPartner}}, {"cidr foe", {kFoe}}});
  const TableEntry deny = entry(2, Action::Deny), allow = entry(1, Action::Allow);
  for (L4Class& numbers : out.ingress.classes) numbers.entries = {deny};
  out.ingress.classes[1].last = 442;
  out.ingress.classes.insert(out.ingress.classes.begin() + 2, {{Protocol::Tcp, 443, 443, {deny, allow}}, {Protocol::Tcp, 444, 65535, {deny}}});
  return out;
}

std::string text(const DeniedOutside& groups) {
  std::string out;
  for (const DeniedGroup& group : groups) {
    for (const std::uint32_t identity : group.identities) out += std::to_string(identity) + " ";
    out += group.egress_denied ? "(both):" : ":";
    for (const DeniedRange& range : group.ranges)
      out += " " + std::to_string(static_cast<int>(range.protocol)) + "/" + std::to_string(range.first) + "-" + std::to_string(range.last) + (range.by_rule ? "!" : "");
    out += "\n";
  }
  return out;
}

const DeniedRange* find(const DeniedOutside& groups, std::uint32_t identity, Flow flow, bool& egress_denied) {
  for (const DeniedGroup& group : groups) {
    if (!std::binary_search(group.identities.begin(), group.identities.end(), identity)) continue;
    egress_denied = group.egress_denied;
    for (const DeniedRange& range : group.ranges)
      if (range.protocol == flow.protocol && range.first <= flow.number && flow.number <= range.last) return &range;
  }
  return nullptr;
}

DirectionTable random_direction(std::mt19937& random) {
  const auto pick = [&](unsigned below) { return random() % below; };
  DirectionTable out;
  out.enforcement = static_cast<Enforcement>(pick(3));
  out.bits = {{"everyone", {}}};
  for (unsigned bit = pick(4); bit > 0; --bit) {
    out.bits.push_back({"bit", {}});
    for (const std::uint32_t identity : {1u, kWorld, 300u, kPartner, kFoe})
      if (pick(2)) out.bits.back().identities.push_back(identity);
  }
  out.rules = {{0, 0}};
  if (out.enforcement == Enforcement::None) return out;
  for (const Protocol protocol : kProtocols)
    for (std::uint32_t first = 0; first <= 65535;) {
      const std::uint32_t last = pick(3) ? 65535 : first + pick(65536 - first);
      L4Class numbers{protocol, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last), {}};
      for (std::uint32_t bit = 0; bit < out.bits.size(); ++bit)
        if (pick(2)) numbers.entries.push_back(entry(bit, pick(2) ? Action::Deny : Action::Allow, pick(4) ? L7Parser::None : L7Parser::Http));
      for (TableEntry& it : numbers.entries)
        if (it.action == Action::Deny) it.l7 = L7Parser::None;
      std::stable_sort(numbers.entries.begin(), numbers.entries.end(), [](const auto& a, const auto& b) { return (a.action == Action::Deny) > (b.action == Action::Deny); });
      // as `decide` has it: with default allow everything that nothing denies is allowed by an entry
      if (out.enforcement == Enforcement::DefaultAllow) numbers.entries.push_back(entry(0, Action::Allow));
      out.classes.push_back(numbers);
      first = last + 1;
    }
  return out;
}

bool denied(const SideVerdict& verdict) { return verdict.verdict == Verdict::Deny || verdict.verdict == Verdict::DefaultDeny; }

}  // namespace

TEST_CASE("what one policy denies from outside, by whom it concerns") {
  CHECK(text(denied_outside(web(), kOutside)) ==
        "2 : 1/0-65535 2/0-65535 3/0-65535 4/0-65535 5/0-65535\n"
        "16777217 : 1/0-442 1/444-65535 2/0-65535 3/0-65535 4/0-65535 5/0-65535\n"
        "16777218 : 1/0-65535! 2/0-65535! 3/0-65535! 4/0-65535! 5/0-65535!\n");
}

TEST_CASE("denied both ways is said, and only where nothing at all may be sent") {
  DecisionTable table = web();
  table.egress = default_deny({{"everyone", {}}, {"cidr partner", {kPartner}}});
  table.egress.classes[2].entries = {entry(1, Action::Allow)};  // UDP
  const DeniedOutside said = denied_outside(table, kOutside);
  REQUIRE(said.size() == 3);
  CHECK(said[0].egress_denied);
  CHECK_FALSE(said[1].egress_denied);
  CHECK(said[2].egress_denied);
}

TEST_CASE("who lets everyone in denies nothing") {
  CHECK(denied_outside({}, kOutside).empty());
  DecisionTable open;
  open.ingress = default_deny({{"everyone", {}}});
  for (L4Class& numbers : open.ingress.classes) numbers.entries = {entry(0, Action::Allow)};
  CHECK(denied_outside(open, kOutside).empty());
  DecisionTable contradictory = web();
  contradictory.incomputable = Incomputable{};
  CHECK(denied_outside(contradictory, kOutside).empty());
}

TEST_CASE("of several policies that counts which all deny") {
  DecisionTable dns;
  dns.ingress = default_deny({{"everyone", {}}, {"cidr foe", {kFoe}}});
  dns.ingress.classes[2].entries = {entry(1, Action::Deny), entry(0, Action::Allow)};  // UDP
  const DeniedOutside one = denied_outside(web(), kOutside), other = denied_outside(dns, kOutside), nothing;
  CHECK(text(denied_by_all({&one, &other})) ==
        "2 : 1/0-65535 3/0-65535 4/0-65535 5/0-65535\n"
        "16777217 : 1/0-442 1/444-65535 3/0-65535 4/0-65535 5/0-65535\n"
        "16777218 : 1/0-65535 2/0-65535! 3/0-65535 4/0-65535 5/0-65535\n");
  CHECK(denied_by_all({&one}) == one);
  CHECK(denied_by_all({}).empty());
  CHECK(denied_by_all({&one, &nothing, &other}).empty());
}

TEST_CASE("random policies: exactly what every look-up denies") {
  std::mt19937 random(7);
  std::size_t listed = 0, both_ways = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<DecisionTable> tables(1 + random() % 3);
    std::vector<DeniedOutside> each;
    for (DecisionTable& table : tables) {
      table.ingress = random_direction(random);
      table.egress = random_direction(random);
      each.push_back(denied_outside(table, kOutside));
    }
    std::vector<const DeniedOutside*> all;
    for (const DeniedOutside& it : each) all.push_back(&it);
    const DeniedOutside said = denied_by_all(all);
    for (int question = 0; question < 200; ++question) {
      const std::uint32_t identity = kOutside[random() % kOutside.size()];
      const Flow flow{kProtocols[1 + random() % 5], static_cast<std::uint16_t>(random() % 4 ? random() : random() % 2 * 65535)};
      const bool expected = std::all_of(tables.begin(), tables.end(), [&](const auto& t) { return denied(look_up(t.ingress, identity, flow)); });
      const bool by_rule = std::all_of(tables.begin(), tables.end(), [&](const auto& t) { return look_up(t.ingress, identity, flow).verdict == Verdict::Deny; });
      bool egress_denied = false;
      const DeniedRange* found = find(said, identity, flow, egress_denied);
      REQUIRE((found != nullptr) == expected);
      if (found) CHECK(found->by_rule == by_rule);
      listed += found != nullptr;
      both_ways += egress_denied;
      if (egress_denied)
        for (const DecisionTable& table : tables) REQUIRE(denied(look_up(table.egress, identity, flow)));
    }
  }
  CHECK(listed > 1000);
  CHECK(both_ways > 100);
}

TEST_CASE("who is outside") {
  Cluster cluster;
  cluster.kube_apiservers = {*netpolc::IpAddress::parse("198.51.100.1")};
  PolicySet policies;
  const auto identities = Identities::build(policies, cluster, {});
  const auto outside = outside_identities(identities);
  CHECK(std::find(outside.begin(), outside.end(), 9u) != outside.end());
  CHECK(std::find(outside.begin(), outside.end(), 1u) == outside.end());
  const std::uint32_t server = identities.of_address(cluster.kube_apiservers[0]);
  CHECK(server > 16777215);
  CHECK(std::find(outside.begin(), outside.end(), server) == outside.end());
}
