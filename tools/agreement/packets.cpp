#include "tools/agreement/packets.h"

#include <algorithm>
#include <set>

namespace netpolc::agreement {
namespace {

using P = ir::Protocol;

// Own ports of packets (tools/judges/kernel.cpp): nobody is asked about these, so that no packet answers another.
constexpr int kFirstOwn = 34000, kLastOwn = 65000;

bool has_ports(P protocol) { return protocol == P::Tcp || protocol == P::Udp || protocol == P::Sctp; }

class Chooser {
 public:
  Chooser(Random& random, judges::World& world) : random_(random), world_(world) {
    for (const ir::Policy& policy : world.policies().policies)
      for (const ir::Rule& rule : policy.rules)
        for (const ir::PortRule& item : rule.ports)
          for (const ir::PortMatch& match : item.ports) {
            mentioned_.push_back(match);
            if (item.l7.redirects()) redirected_.push_back(match);
          }
    for (const auto& [name, party] : world.parties()) all_.push_back(name);
  }

  Packet next() {
    for (;;) {
      Packet out{random_.of(all_), random_.of(all_), flow(), random_.one_in(2)};
      if (out.flow.protocol == P::Icmp) out.v6 = false;
      if (out.flow.protocol == P::Icmpv6) out.v6 = true;
      if (out.from != out.to && fits(out)) return out;
    }
  }
  // Whether there is anybody to ask.
  bool possible() const {
    return std::any_of(all_.begin(), all_.end(), [&](const std::string& name) { return judged(world_.parties().at(name)); });
  }

 private:
  bool judged(const judges::Party& party) const {
    return party.decided && !world_.decisions().tables[world_.decisions().endpoints[*party.decided].table].incomputable;
  }
  bool fits(const Packet& packet) const {
    const judges::Party &from = world_.parties().at(packet.from), &to = world_.parties().at(packet.to);
    for (const judges::Party* party : {&from, &to}) {
      if (!(packet.v6 ? party->v6 : party->v4)) return false;
      if (party->decided && !judged(*party)) return false;
    }
    if (!from.decided && !to.decided) return false;
    // The program of a host is here run as that of a pod, which it only is not to the overlay.
    const std::uint16_t overlay = world_.config().tunnel_port;
    return !(from.end.kind == verify::EndKind::Host && packet.flow == ir::Flow{P::Udp, overlay});
  }

  ir::Flow flow() {
    if (!redirected_.empty() && random_.one_in(3)) return near(random_.of(redirected_));
    if (!mentioned_.empty() && !random_.one_in(3)) return near(random_.of(mentioned_));
    switch (random_.below(12)) {
      case 0: return {P::Icmp, icmp_type(random_.of({0, 3, 8, 8, 11, 13, 40}))};
      case 1: return {P::Icmpv6, icmp_type(random_.of({1, 128, 128, 129, 160}))};
      case 2: return {random_.of({P::Gre, P::Vrrp, P::Esp, P::Any}), 0};
      case 3: return {P::Sctp, number()};
      case 4:
      case 5:
      case 6: return {P::Udp, number()};
      default: return {P::Tcp, number()};
    }
  }

  ir::Flow near(const ir::PortMatch& match) {
    const P protocol = match.protocol == P::Any || (has_ports(match.protocol) && random_.one_in(8)) ? random_.of({P::Tcp, P::Udp, P::Sctp}) : match.protocol;
    if (protocol == P::Icmp || protocol == P::Icmpv6) return {protocol, icmp_type(random_.one_in(4) ? match.first + 1 : match.first)};
    if (!has_ports(protocol)) return {protocol, 0};
    if (!match.name.empty() || match.last == 0) return {protocol, number()};
    const int bound = random_.one_in(2) ? match.first : match.last;
    return {protocol, free_of_own(bound + random_.of({0, 0, 0, -1, 1}))};
  }

  // The datapath answers for neighbour discovery itself.
  std::uint16_t icmp_type(int type) const { return static_cast<std::uint16_t>(type >= 133 && type <= 136 ? 128 : type); }
  std::uint16_t number() {
    if (random_.one_in(4)) return free_of_own(static_cast<int>(random_.below(65536)));
    return static_cast<std::uint16_t>(random_.of({80, 80, 85, 443, 53, 53, 8080, 9090, 1, 65535, 8472, 81}));
  }
  static std::uint16_t free_of_own(int number) {
    number = std::clamp(number, 0, 65535);
    return static_cast<std::uint16_t>(number >= kFirstOwn && number < kLastOwn ? number - kFirstOwn : number);
  }

  Random& random_;
  judges::World& world_;
  std::vector<ir::PortMatch> mentioned_, redirected_;
  std::vector<std::string> all_;
};

}  // namespace

bool Packet::in_kernel() const { return has_ports(flow.protocol) || flow.protocol == P::Icmp || flow.protocol == P::Icmpv6; }

std::string to_string(const Packet& packet) {
  return packet.from + " > " + packet.to + " " + ir::to_string(packet.flow.protocol) + "/" + std::to_string(packet.flow.number) + (packet.v6 ? " over IPv6" : " over IPv4");
}

std::vector<Packet> random_packets(Random& random, judges::World& world, std::size_t count) {
  Chooser chooser(random, world);
  std::vector<Packet> out;
  if (chooser.possible())
    while (out.size() < count) out.push_back(chooser.next());
  return out;
}

}  // namespace netpolc::agreement
