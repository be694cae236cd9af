#include "tools/agreement/parts.h"

namespace netpolc::agreement {
namespace {

Json port(Random& random, const Agent& agent, bool tcp_only) {
  if (agent.extended_protocols && !tcp_only && random.one_in(4))
    return {{"port", "0"}, {"protocol", agent.version >= 20 ? random.text({"VRRP", "IGMP", "GRE", "ESP", "AH", "IPIP", "IPV6"}) : random.text({"VRRP", "IGMP"})}};
  Json out;
  const bool named = random.one_in(4);
  const Range range = random_range(random);
  out["port"] = named ? random.text({"http", "http", "HTTP", "dns", "metrics", "unknown"}) : std::to_string(tcp_only && range.first == 0 ? 80 : range.first);
  if (range.last != range.first && range.first != 0 && (!named || random.one_in(4))) out["endPort"] = range.last;
  if (tcp_only) out["protocol"] = "TCP";
  else if (!random.one_in(5)) out["protocol"] = random.text({"TCP", "TCP", "TCP", "UDP", "UDP", "SCTP", "ANY"});
  return out;
}

// What only a proxy can tell apart. Several kinds on one port conflict, so that most are HTTP.
void add_requests(Random& random, const Agent& agent, const Element& at, Json& item) {
  item["ports"] = Json::array({port(random, agent, true)});
  if (at.ingress || random.one_in(2)) {
    item["rules"]["http"] = random.one_in(3) ? Json::array({Json::object()}) : Json::array({{{"method", random.text({"GET", "POST"})}, {"path", "/x"}}});
    if (random.one_in(8)) item["terminatingTLS"] = {{"secret", {{"namespace", "a"}, {"name", "s"}}}};
    return;
  }
  switch (random.below(5)) {
    case 0:
      item["ports"] = {{{"port", "53"}, {"protocol", random.text({"UDP", "ANY"})}}};
      item["rules"]["dns"] = {{{"matchPattern", "*.example.com"}}};
      break;
    case 1: item["serverNames"] = {"www.example.com"}; break;
    case 2: item["listener"] = {{"envoyConfig", {{"kind", "CiliumClusterwideEnvoyConfig"}, {"name", "e"}}}, {"name", "l"}, {"priority", random.of({10, 20})}}; break;
    case 3:
      if (agent.version <= 19) item["rules"]["kafka"] = {{{"role", "produce"}, {"topic", "t"}}};
      break;
    case 4:
      if (agent.version > 19) break;
      item["rules"]["l7proto"] = "own";
      item["rules"]["l7"] = {{{"key", "value"}}};
      break;
  }
}

Json ports_item(Random& random, const Agent& agent, const Element& at) {
  Json out = Json::object();
  if (!at.deny && !at.of_nodes && random.one_in(3)) {
    add_requests(random, agent, at, out);
    return out;
  }
  if (random.one_in(30)) return out;
  out["ports"] = Json::array();
  for (std::uint32_t n = 1 + random.below(3); n > 0; --n) out["ports"].push_back(port(random, agent, false));
  return out;
}

Json icmp_field(Random& random) {
  switch (random.below(5)) {
    case 0: return {{"type", 8}};
    case 1: return {{"family", "IPv4"}, {"type", random.of({0, 3, 8, 11, 13})}};
    case 2: return {{"family", "IPv6"}, {"type", random.of({1, 128, 129, 160})}};
    case 3: return {{"family", "IPv6"}, {"type", "EchoRequest"}};
    default: return {{"family", "IPv4"}, {"type", random.text({"EchoRequest", "EchoReply", "Timestamp"})}};
  }
}

}  // namespace

Range random_range(Random& random) {
  static const std::vector<Range> ranges{{80, 90}, {79, 81}, {1, 1023}, {1000, 2000}, {1, 65535}, {65530, 65535}, {443, 443}, {90, 80}, {8000, 9000}, {50, 60}};
  if (random.one_in(3)) return random.of(ranges);
  const int single = random.of({80, 80, 443, 53, 53, 8080, 9090, 81, 1, 65535, 0, 85, 8472, 2000});
  return {single, single};
}

void add_ports(Random& random, const Agent& agent, const Element& at, Json& rule) {
  switch (random.below(7)) {
    case 0:
    case 1: break;
    case 2:
    case 3:
    case 4:
    case 5:
      if (agent.version == 16 && rule.contains("toServices")) break;
      rule["toPorts"] = Json::array();
      for (std::uint32_t n = random.one_in(20) ? 0 : 1 + random.below(2); n > 0; --n) rule["toPorts"].push_back(ports_item(random, agent, at));
      break;
    case 6:
      rule["icmps"] = Json::array({{{"fields", Json::array({icmp_field(random)})}}});
      if (random.one_in(2)) rule["icmps"][0]["fields"].push_back(icmp_field(random));
      break;
  }
}

}  // namespace netpolc::agreement
