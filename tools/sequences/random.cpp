#include "tools/sequences/random.h"

#include <algorithm>
#include <array>

namespace netpolc::sequences {
namespace {

constexpr std::uint32_t kSelf = 100, kFriend = 300, kFoe = 400, kOther = 500, kCidr = kFirstCidrIdentity + 1, kInnerCidr = kFirstCidrIdentity + 2, kCidr6 = kFirstCidrIdentity + 3;
constexpr std::array<std::uint32_t, 11> kIdentities{1, 6, kFriend, kFoe, kOther, kCidr, kInnerCidr, kCidr6, 9, 10, kSelf};
constexpr std::array<std::uint16_t, 4> kPorts{80, 443, 53, 4000};
// 8, 128, 13: also types of requests.
constexpr std::array<std::uint16_t, 5> kIcmpIds{7, 8, 128, 13, 80};
constexpr std::uint32_t kShortest = 15;  // that BPF_PROG_TEST_RUN takes
constexpr std::array kHosts4{"10.0.0.3", "10.0.0.4", "10.1.9.9", "10.1.2.3", "10.2.0.5", "192.0.2.9", "192.168.0.1"};
constexpr std::array kHosts6{"fd00::3", "fd00::4", "fd01::9", "fd01:0:0:1::3", "2001:db8::9", "fd02::1"};
constexpr std::array<std::uint8_t, 12> kTcpFlags{2, 2, 2, 18, 18, 16, 16, 17, 20, 4, 0, 3};

std::uint32_t below(Random& random, std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); }
bool one_in(Random& random, std::uint32_t n) { return below(random, n) == 0; }
template <class T>
const auto& pick(const T& from, Random& random) {
  return from[below(random, static_cast<std::uint32_t>(from.size()))];
}
IpAddress address(const char* text) { return *IpAddress::parse(text); }
IpAddress pod(bool v6) { return address(v6 ? "fd00::1" : "10.0.0.1"); }

Rule random_rule(ir::Direction direction, bool of_many, Random& random) {
  using P = ir::Protocol;
  static constexpr std::array protocols{P::Any, P::Tcp, P::Tcp, P::Udp, P::Sctp, P::Icmp, P::Icmpv6};
  static constexpr std::array says{Rule::Says::Allow, Rule::Says::Allow, Rule::Says::Allow, Rule::Says::Allow, Rule::Says::Deny, Rule::Says::L7};
  Rule out{.direction = direction, .says = pick(says, random), .protocol = pick(protocols, random)};
  const bool icmp = out.protocol == P::Icmp || out.protocol == P::Icmpv6;
  if (out.protocol != P::Any && !one_in(random, 4)) {
    if (icmp) {
      static constexpr std::array<std::uint16_t, 7> types{0, 3, 8, 11, 13, 128, 129};
      out.first = out.last = pick(types, random);
    } else {
      out.first = out.last = of_many && !one_in(random, 4) ? static_cast<std::uint16_t>(below(random, 5000)) : pick(kPorts, random);
      if (one_in(random, 4)) out.last = static_cast<std::uint16_t>(out.first + below(random, 500));
    }
  }
  if (one_in(random, 4)) return out;  // everyone
  if (one_in(random, 5)) out.world = true;
  for (std::uint32_t n = 1 + below(random, 3); n > 0; --n) out.peers.push_back(pick(kIdentities, random));
  std::sort(out.peers.begin(), out.peers.end());
  out.peers.erase(std::unique(out.peers.begin(), out.peers.end()), out.peers.end());
  return out;
}

// Some have so many rules that they become data instead of code.
Policy random_policy(std::uint32_t number, Random& random) {
  const bool many = one_in(random, 12);
  Policy out{.name = "p" + std::to_string(number), .rules = {}};
  out.ingress = !one_in(random, 6);
  out.egress = !one_in(random, 6);
  out.host = out.ingress && one_in(random, 2);
  for (const auto direction : {ir::Direction::Ingress, ir::Direction::Egress})
    if (direction == ir::Direction::Ingress ? out.ingress : out.egress)
      for (std::uint32_t n = 1 + below(random, many ? 150 : 6); n > 0; --n) out.rules.push_back(random_rule(direction, many, random));
  return out;
}

// What comes back, or goes on, if the packet passed.
Packet reversed(Packet packet) {
  std::swap(packet.source, packet.destination);
  std::swap(packet.source_port, packet.destination_port);
  if (packet.protocol == 6) packet.tcp_flags = packet.tcp_flags == 2 ? 18 : packet.tcp_flags;
  if (packet.protocol == 1) packet.icmp_type = packet.icmp_type == 8 ? 0 : packet.icmp_type == 13 ? 14 : packet.icmp_type;
  if (packet.protocol == 58 && packet.icmp_type == 128) packet.icmp_type = 129;
  return packet;
}

class Packets {
 public:
  Packets(Random& random, bool of_node) : random_(random), of_node_(of_node) {}

  Send next() {
    Send out = sent_.empty() || one_in(random_, 3) ? fresh() : following(pick(sent_, random_));
    if (one_in(random_, 12)) out.neighbour = !out.neighbour;
    out.origin = origin(out.direction);
    if (out.packet.kind == Packet::Kind::Ip) {
      if (!out.packet.about) sent_.push_back(out);
      decorate(out.packet);
    }
    return out;
  }

 private:
  ir::flow::Origin origin(ir::Direction direction) {
    using ir::flow::Origin;
    if (of_node_) return direction == ir::Direction::Egress && !one_in(random_, 3) ? Origin::Node : Origin::Device;
    return direction == ir::Direction::Ingress && one_in(random_, 4) ? Origin::Node : Origin::Device;
  }

  Send fresh() {
    Send out{.direction = one_in(random_, 2) ? ir::Direction::Egress : ir::Direction::Ingress};
    Packet& packet = out.packet;
    if (one_in(random_, 60)) {
      packet.kind = Packet::Kind::Arp;
      return out;
    }
    const bool v6 = one_in(random_, 2);
    static constexpr std::array<std::uint8_t, 8> protocols{6, 6, 6, 17, 17, 132, 1, 1};
    packet.protocol = pick(protocols, random_);
    if (packet.protocol == 1 && v6) packet.protocol = 58;
    if (one_in(random_, 40)) packet.protocol = pick(std::array<std::uint8_t, 5>{47, 1, 58, 59, 50}, random_);
    const IpAddress other = address(v6 ? pick(kHosts6, random_) : pick(kHosts4, random_));
    const bool out_of_pod = out.direction == ir::Direction::Egress;
    packet.source = out_of_pod ? pod(v6) : other;
    packet.destination = out_of_pod ? other : pod(v6);
    if (one_in(random_, 40)) packet.source = address(v6 ? pick(std::array{"fd00::2", "fe80::5", "::", "fd00::1"}, random_) : pick(std::array{"10.0.0.2", "10.0.0.1", "0.0.0.0"}, random_));
    if (of_node_ && one_in(random_, 10)) packet.destination = other;
    packet.source_port = pick(kPorts, random_);
    packet.destination_port = pick(kPorts, random_);
    packet.tcp_flags = pick(kTcpFlags, random_);
    packet.icmp_id = pick(kIcmpIds, random_);
    if (packet.protocol == 1) packet.icmp_type = pick(std::array<std::uint8_t, 9>{8, 8, 8, 0, 13, 14, 3, 11, 9}, random_);
    if (packet.protocol == 58) packet.icmp_type = pick(std::array<std::uint8_t, 10>{128, 128, 128, 129, 1, 2, 133, 134, 135, 136}, random_);
    if (packet.is_icmp() && one_in(random_, 4)) packet.icmp_code = static_cast<std::uint8_t>(below(random_, 6));
    return out;
  }

  // Again, the other way, an error about it, or its later fragments.
  Send following(Send before) {
    const bool v6 = before.packet.source.v6;
    Packet& packet = before.packet;
    const auto turn = [&] { before.direction = before.direction == ir::Direction::Egress ? ir::Direction::Ingress : ir::Direction::Egress; };
    switch (below(random_, 8)) {
      case 0:
      case 1:
      case 2:
        packet = reversed(packet);
        turn();
        break;
      case 3: {
        Packet error;
        error.protocol = v6 ? 58 : 1;
        error.icmp_type = v6 ? pick(std::array<std::uint8_t, 4>{1, 2, 3, 4}, random_) : pick(std::array<std::uint8_t, 4>{3, 3, 11, 12}, random_);
        error.icmp_code = static_cast<std::uint8_t>(below(random_, 5));
        error.source = one_in(random_, 2) ? packet.destination : address(v6 ? pick(kHosts6, random_) : pick(kHosts4, random_));
        error.destination = one_in(random_, 10) ? packet.destination : packet.source;
        Packet quoted = packet;
        quoted.cut = one_in(random_, 5) ? std::optional<std::uint32_t>(20 + below(random_, 40)) : std::nullopt;
        error.about = std::make_shared<Packet>(quoted);
        packet = error;
        turn();
        break;
      }
      case 4:
        packet.fragmented = true;
        packet.fragment_id = 1 + below(random_, 3);
        packet.offset = static_cast<std::uint16_t>(one_in(random_, 3) ? 0 : 1 + below(random_, 3));
        packet.more = packet.offset == 0 || one_in(random_, 2);
        packet.data = 24;
        break;
      default: break;
    }
    if (packet.protocol == 6) packet.tcp_flags = one_in(random_, 3) ? pick(kTcpFlags, random_) : packet.tcp_flags == 2 ? 16 : packet.tcp_flags;
    return before;
  }

  void decorate(Packet& packet) {
    if (one_in(random_, 12)) packet.tags = static_cast<std::uint8_t>(1 + below(random_, 3));
    if (one_in(random_, 10)) packet.data = static_cast<std::uint16_t>(below(random_, 64));
    if (one_in(random_, 40)) packet.hop_limit = one_in(random_, 2) ? 255 : 64;
    if (one_in(random_, 60)) packet.padding = static_cast<std::uint16_t>(1 + below(random_, 30));
    if (one_in(random_, 60)) packet.length_delta = static_cast<int>(below(random_, 60)) - 40;
    if (one_in(random_, 60)) packet.cut = kShortest + below(random_, 80);
    if (packet.source.v6 && one_in(random_, 8))
      for (std::uint32_t n = 1 + below(random_, one_in(random_, 6) ? 9 : 3); n > 0; --n) packet.extensions.push_back(pick(std::array<std::uint8_t, 6>{0, 43, 60, 51, 60, 44}, random_));
    if (!packet.source.v6 && one_in(random_, 10)) packet.option_words = static_cast<std::uint8_t>(1 + below(random_, 10));
    if (!packet.fragmented && one_in(random_, 25)) {
      packet.fragmented = packet.more = true;
      packet.fragment_id = 1 + below(random_, 3);
    }
  }

  Random& random_;
  bool of_node_;
  std::vector<Send> sent_;
};

Step random_change(const Script& script, Random& random) {
  static constexpr std::array<std::uint32_t, 5> seconds{5, 20, 45, 100, 9000};
  switch (below(random, 6)) {
    case 0:
    case 1: return {Wait{pick(seconds, random)}};
    case 2: return {SetPolicy{below(random, static_cast<std::uint32_t>(script.policies.size()))}};
    case 3: return {SetAudit{one_in(random, 3)}};
    default: {
      static constexpr std::array prefixes{"10.0.0.3/32", "fd00::3/128", "10.1.0.0/16", "fd01::/32", "10.1.2.3/32", "10.0.0.0/24", "10.0.0.1/32"};
      SetAddress change{.prefix = *IpPrefix::parse(pick(prefixes, random)), .identity = std::nullopt};
      if (!one_in(random, 3)) change.identity = pick(kIdentities, random);
      return {change};
    }
  }
}

}  // namespace

Script random_world(Random& random) {
  Script out;
  for (std::uint32_t n = 0; n < 3; ++n) out.policies.push_back(random_policy(n, random));
  out.pod = {.identity = kSelf, .check4 = one_in(random, 2), .check6 = one_in(random, 2)};
  const auto add = [&](const char* prefix, std::uint32_t identity) { out.world.addresses[*IpPrefix::parse(prefix)] = identity; };
  out.node = one_in(random, 4);
  add("10.0.0.1/32", out.node ? 1 : kSelf);
  add("fd00::1/128", out.node ? 1 : kSelf);
  add("10.0.0.3/32", kFriend);
  add("fd00::3/128", kFriend);
  add("10.0.0.4/32", kFoe);
  add("fd00::4/128", kFoe);
  add("192.168.0.1/32", 1);
  add("fd02::1/128", 6);
  add("10.1.0.0/16", kCidr);
  add("10.1.2.0/24", kInnerCidr);
  add("fd01::/32", kCidr6);
  if (one_in(random, 3)) add("10.2.0.0/16", kOther);
  if (one_in(random, 12)) out.world.world6 = 0;
  if (one_in(random, 4)) out.lifetimes = {100 + below(random, 100), 10 + below(random, 30), 1 + below(random, 8), 10 + below(random, 60)};
  return out;
}

Case random_case(const Script& script, Random& random, std::size_t steps) {
  Case out{.name = "random", .steps = {}};
  Packets packets(random, script.node);
  while (out.steps.size() < steps) {
    if (one_in(random, 12)) out.steps.push_back(random_change(script, random));
    else out.steps.push_back({packets.next()});
  }
  return out;
}

Frame mutate(Frame frame, Random& random) {
  const auto size = [&] { return static_cast<std::uint32_t>(frame.size()); };
  // Rarely in the Ethernet header, where nearly everything is the end of it.
  const auto place = [&] { return one_in(random, 10) || size() <= 14 ? below(random, size()) : 14 + below(random, size() - 14); };
  for (std::uint32_t n = 1 + below(random, 3); n > 0; --n) {
    switch (below(random, 6)) {
      case 0: frame[place()] ^= static_cast<std::uint8_t>(1u << below(random, 8)); break;
      case 1: frame[place()] = static_cast<std::uint8_t>(random()); break;
      case 2: frame.resize(kShortest + below(random, size() - kShortest + 1)); break;
      case 3: frame.resize(size() + below(random, 24), static_cast<std::uint8_t>(random())); break;
      case 4: {  // a length field of IPv4 or IPv6, by a little
        const std::size_t at = one_in(random, 2) ? 17 : 19;
        if (at < frame.size()) frame[at] = static_cast<std::uint8_t>(frame[at] + below(random, 17) - 8);
        break;
      }
      default: {  // another protocol, next header or fragment field
        static constexpr std::array<std::uint8_t, 12> values{0, 1, 6, 17, 43, 44, 51, 58, 59, 60, 132, 255};
        const std::size_t at = pick(std::array<std::uint32_t, 6>{20, 21, 22, 23, 54, 56}, random);
        if (at < frame.size()) frame[at] = pick(values, random);
      }
    }
  }
  return frame;
}

}  // namespace netpolc::sequences
