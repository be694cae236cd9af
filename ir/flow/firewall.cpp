#include "ir/flow/firewall.h"

#include <algorithm>
#include <array>

namespace netpolc::ir::flow {
namespace {

Direction reverse(Direction direction) { return direction == Direction::Ingress ? Direction::Egress : Direction::Ingress; }

Answer drop(std::uint8_t reason, std::uint32_t identity = 0) { return {.reason = reason, .rules = {}, .identity = identity, .reported = true}; }
Answer pass(Because because) { return {.because = because, .rules = {}}; }

// Path MTU discovery, and what IPv6 does in ARP's place; the hop limit proves that it comes from
// the link (RFC 4861).
bool is_exempt(const Packet& packet) {
  if (packet.is_later_fragment()) return false;
  const Transport& icmp = packet.transport;
  if (packet.protocol == kIcmp) return icmp.icmp_type == 3 && icmp.icmp_code == 4;
  return packet.protocol == kIcmpv6 && icmp.icmp_type >= 133 && icmp.icmp_type <= 136 && icmp.icmp_code == 0 && packet.hop_limit == 255;
}

bool opens(const Packet& packet) { return packet.protocol == kTcp && (packet.transport.tcp_flags & (kSyn | kAck)) == kSyn; }

// Whether there is a request or an opening packet that it can be a reply to.
bool can_reply(const Packet& packet) { return !packet.is_icmp() || answered_type(packet.protocol, packet.transport.icmp_type).has_value(); }

Protocol policy_protocol(std::uint8_t protocol) {
  switch (protocol) {
    case kTcp: return Protocol::Tcp;
    case kUdp: return Protocol::Udp;
    case kSctp: return Protocol::Sctp;
    case kIcmp: return Protocol::Icmp;
    default: return Protocol::Icmpv6;
  }
}

Flow flow_of(const Packet& packet) {
  const std::uint16_t number = packet.is_icmp() ? packet.transport.icmp_type : packet.transport.destination_port;
  return {policy_protocol(packet.protocol), number};
}

bool is_zero(const IpAddress& address) {
  return std::all_of(address.bytes.begin(), address.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

// fe80::/10 and ::, which no router forwards.
bool stays_on_link(const IpAddress& address) {
  return address.v6 && ((address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80) || is_zero(address));
}

constexpr std::uint32_t kHost = 1, kRemoteNode = 6, kApiserver = 7;  // reserved identities of nodes (semantics 3.1)

// What becomes of a node's ICMPv6 whatever policy says (semantics 8.5); New: policy is asked.
Answer of_node_icmpv6(std::uint8_t type) {
  const auto between = [type](int first, int last) { return type >= first && type <= last; };
  if (between(128, 129)) return pass(Because::New);
  const bool needed = between(1, 4) || between(130, 136) || between(141, 143) || between(148, 149) || between(151, 153);
  return needed ? pass(Because::Exempt) : drop(NP_REASON_FORBIDDEN_ICMPV6);
}

}  // namespace

const char* to_string(Because because) {
  static constexpr std::array names{"exempt", "reply", "related", "known", "new", "dropped"};
  return names[static_cast<std::size_t>(because)];
}

std::uint8_t reason_of(const SideVerdict& verdict) {
  switch (verdict.verdict) {
    case Verdict::Deny: return NP_REASON_DENY;
    case Verdict::DefaultDeny: return NP_REASON_DEFAULT_DENY;
    case Verdict::Allow:
    case Verdict::AllowL7: break;
  }
  if (verdict.auth >= AuthMode::Required) return NP_REASON_AUTH_REQUIRED;
  return verdict.verdict == Verdict::AllowL7 ? NP_REASON_L7_NOT_ENFORCED : NP_REASON_FORWARDED;
}

std::uint32_t World::identity_of(const IpAddress& address) const {
  for (int length = address.bits(); length >= 0; --length) {
    IpPrefix prefix{address, static_cast<std::uint8_t>(length)};
    for (int bit = length; bit < address.bits(); ++bit) prefix.address.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80 >> bit % 8));
    if (const auto found = addresses.find(prefix); found != addresses.end()) return found->second;
  }
  return address.v6 ? world6 : world4;
}

bool World::is_nodes(const IpAddress& address) const {
  const auto found = addresses.find(IpPrefix::host(address));
  return found != addresses.end() && found->second == kHost;
}

Firewall::Conversation Firewall::conversation_of(const Headers& packet, Direction direction) {
  const bool from_pod = direction == Direction::Egress;
  const Transport& transport = packet.transport;
  Conversation out{.protocol = packet.protocol,
                   .local = from_pod ? packet.source : packet.destination,
                   .remote = from_pod ? packet.destination : packet.source};
  if (packet.protocol != kIcmp && packet.protocol != kIcmpv6) {
    out.local_port = from_pod ? transport.source_port : transport.destination_port;
    out.remote_port = from_pod ? transport.destination_port : transport.source_port;
    return out;
  }
  const auto answered = answered_type(packet.protocol, transport.icmp_type);
  out.icmp_of_pod = answered ? !from_pod : from_pod;
  out.icmp_type = answered.value_or(transport.icmp_type);
  out.icmp_id = answered || is_query(packet.protocol, transport.icmp_type) ? transport.icmp_id : std::uint16_t{0};
  return out;
}

Firewall::Connection* Firewall::find(const Conversation& conversation, Time now) {
  const auto found = connections_.find(conversation);
  return found == connections_.end() || found->second.expires < now ? nullptr : &found->second;
}

std::size_t Firewall::live_flows(Time now) const {
  return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(), [now](const auto& one) { return one.second.expires >= now; }));
}

void Firewall::remember_first_fragment(const Packet& packet, Direction direction, Time now) {
  const Fragment& fragment = *packet.fragment;
  fragments_[{packet.source, packet.destination, fragment.id, fragment.protocol, direction}] = {packet.protocol, packet.transport, now + lifetimes.fragments};
}

// A later fragment is what the first one was, but it opens and ends nothing.
bool Firewall::complete_from_first_fragment(Packet& packet, Direction direction, Time now) {
  const Fragment& fragment = *packet.fragment;
  const auto found = fragments_.find({packet.source, packet.destination, fragment.id, fragment.protocol, direction});
  if (found == fragments_.end() || found->second.expires < now) return false;
  packet.protocol = found->second.protocol;
  packet.transport = found->second.transport;
  packet.transport.tcp_flags = kAck;
  return true;
}

// The error goes to whoever sent the packet that it is about, and that packet was of a live flow.
// Who sends it doesn't matter: any router on the way may.
bool Firewall::is_related(const Packet& packet, Direction direction, Time now) {
  if (!packet.quoted || packet.quoted->source != packet.destination) return false;
  return find(conversation_of(*packet.quoted, reverse(direction)), now) != nullptr;
}

bool Firewall::may_send_from(const IpAddress& source) const {
  if (!(source.v6 ? pod.check6 : pod.check4) || stays_on_link(source)) return true;
  return world.identity_of(source) == pod.identity;
}

bool Firewall::encapsulates(const Packet& packet) const {
  if (packet.protocol != kUdp || world.tunnel_port == 0 || packet.transport.destination_port != world.tunnel_port) return false;
  const auto found = world.addresses.find(IpPrefix::host(packet.destination));
  const std::uint32_t to = found == world.addresses.end() ? 0 : found->second;
  return to == kHost || to == kRemoteNode || to == kApiserver || to >> 24 == 2;
}

bool Firewall::forged_by_pod(const Packet& packet, Direction direction) const {
  return direction == Direction::Egress && !is_node && !may_send_from(packet.source);
}

void Firewall::see(Connection& connection, const Packet& packet, Direction direction, Time now) const {
  if (connection.closed_by_both()) return;  // it lingers no longer for that
  if (packet.protocol == kTcp) {
    if (!(packet.transport.tcp_flags & kSyn)) connection.established = true;
    if (packet.transport.tcp_flags & (kFin | kRst)) (direction == Direction::Egress ? connection.pod_closed : connection.peer_closed) = true;
  }
  const Time lifetime = packet.protocol != kTcp          ? lifetimes.other
                        : connection.closed_by_both() ? lifetimes.closed
                        : connection.established      ? lifetimes.tcp
                                                      : lifetimes.tcp_new;
  connection.expires = now + lifetime;
}

std::uint32_t Firewall::identity_of_remote(const Packet& packet, Direction direction, Origin origin) const {
  if (direction == Direction::Egress) return world.identity_of(packet.destination);
  if (!is_node && origin == Origin::Node) return kHost;
  const std::uint32_t said = world.identity_of(packet.source);
  if (said != kHost) return said;
  return packet.source.v6 ? world.world6 : world.world4;
}

Firewall::Claim Firewall::claim(const IpAddress& source, const IpAddress& destination, Direction direction, Origin origin) const {
  if (direction == Direction::Ingress) {
    const bool has_family = (destination.v6 ? world.world6 : world.world4) != 0;
    if (!has_family || world.is_nodes(destination)) return Claim::Own;
    return destination.v6 && destination.bytes[0] != 0xff && world.is_nodes(source) ? Claim::Forged : Claim::Others;
  }
  if (origin == Origin::Device) return world.is_nodes(source) ? Claim::Masked : Claim::Others;
  return is_zero(source) ? Claim::Others : Claim::Own;
}

// A packet that isn't a reply: may it go this way?
Answer Firewall::judge_forward(const Packet& packet, Direction direction, Origin origin, bool masked, Connection* known, Time now) {
  // Flows of a family that isn't there are from the time before policy came, or others' under the node's address: they
  // go on where policy has no say.
  const bool error = packet.is_icmp() && is_error(packet.protocol, packet.transport.icmp_type);
  const bool settled = known != nullptr && !policy.enforces(direction) && !known->is_open_by(reverse(direction)) && !error;
  if (enforces_any() && !masked && !settled && (packet.source.v6 ? world.world6 : world.world4) == 0) return drop(NP_REASON_UNSUPPORTED_L3);
  if (direction == Direction::Egress && !is_node && encapsulates(packet)) return drop(NP_REASON_ENCAPSULATION);
  const std::uint32_t identity = identity_of_remote(packet, direction, origin);
  const bool asks = policy.enforces(direction) && !masked;
  const Decision decision = asks ? policy.ask(direction, identity, flow_of(packet)) : Decision{};
  Answer answer{.reason = decision.reason, .rules = decision.rules, .identity = identity, .asked = asks};
  if (decision.reason != NP_REASON_FORWARDED) {
    answer.reported = true;
    if (!pod.audit) return answer;
    answer.audited = true;
  }
  if (known == nullptr && direction == Direction::Egress && !is_node && !may_send_from(packet.source)) {
    answer = drop(NP_REASON_INVALID_SOURCE, identity);
    answer.asked = policy.enforces(direction);
    return answer;
  }
  answer.because = known != nullptr ? Because::Known : Because::New;
  answer.reported = answer.audited || known == nullptr;
  if (known == nullptr) known = &(connections_[conversation_of(packet, direction)] = Connection{});
  (direction == Direction::Egress ? known->opened_by_pod : known->opened_by_peer) = true;
  see(*known, packet, direction, now);
  return answer;
}

Answer Firewall::judge_packet(const Packet& packet, Direction direction, Origin origin, bool masked, Time now) {
  Connection* known = find(conversation_of(packet, direction), now);
  // Where a side has closed, SYN begins anew with the same ports.
  if (known != nullptr && opens(packet) && known->closed_by_any()) known = nullptr;
  if (known != nullptr && known->is_open_by(reverse(direction)) && can_reply(packet)) {
    see(*known, packet, direction, now);
    return pass(Because::Reply);
  }
  if (is_related(packet, direction, now)) return forged_by_pod(packet, direction) ? drop(NP_REASON_INVALID_SOURCE) : pass(Because::Related);
  return judge_forward(packet, direction, origin, masked, known, now);
}

Answer Firewall::judge_unreadable(const Unreadable& packet, Direction direction, Origin origin) const {
  if (!enforces_any()) return pass(Because::Exempt);
  const auto& both = packet.addresses;
  if (is_node && ready && (!both || claim(both->source, both->destination, direction, origin) != Claim::Own)) return pass(Because::Exempt);
  return drop(packet.reason);
}

// An endpoint without policy loses only what it sends in another's name; its flows are remembered for
// the policy that may come.
Answer Firewall::judge(Direction direction, Origin origin, Bytes frame, Time now) {
  const auto read = read_frame(frame);
  const bool enforced = enforces_any();
  if (std::holds_alternative<Arp>(read)) return pass(Because::Exempt);
  if (const auto* unreadable = std::get_if<Unreadable>(&read)) return judge_unreadable(*unreadable, direction, origin);
  Packet packet = std::get<Packet>(read);
  if (is_exempt(packet)) return packet.protocol == kIcmp && forged_by_pod(packet, direction) ? drop(NP_REASON_INVALID_SOURCE) : pass(Because::Exempt);
  const Claim whose = is_node && ready ? claim(packet.source, packet.destination, direction, origin) : Claim::Own;
  // Read before it is known whose it is.
  if (packet.fragment && !packet.is_later_fragment()) remember_first_fragment(packet, direction, now);
  if (whose == Claim::Others) return pass(Because::Exempt);
  if (packet.is_later_fragment() && !complete_from_first_fragment(packet, direction, now))
    return enforced && whose == Claim::Own ? drop(NP_REASON_FRAGMENT_NOT_FOUND) : pass(Because::Exempt);
  if (!ready) return enforced ? drop(NP_REASON_NO_CONFIG) : pass(Because::Exempt);
  if (whose == Claim::Forged) return enforced ? drop(NP_REASON_INVALID_SOURCE) : pass(Because::Exempt);
  if (is_node && whose == Claim::Own && enforced && packet.protocol == kIcmpv6) {
    const Answer answer = of_node_icmpv6(packet.transport.icmp_type);
    if (answer.because != Because::New) return answer;
  }
  return judge_packet(packet, direction, origin, whose == Claim::Masked, now);
}

}  // namespace netpolc::ir::flow
