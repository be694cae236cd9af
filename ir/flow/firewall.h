// ir/flow/firewall.h — what the two programs of a pod or node mean, executed: the stateful model that programs in
// the kernel are measured against (section 8 of the semantics reference). One packet at a time, slow
// and obvious: connections and addresses are ordered maps, an entry lives exactly as long as it
// should, nothing is ever evicted, and policy is asked about every forward packet, so that a change
// of policy or addresses counts from the next packet on without anybody being told.
//
//   Firewall firewall;
//   firewall.world.addresses[prefix] = identity;
//   firewall.policy = {.ingress = true, .egress = false, .ask = …};
//   Answer answer = firewall.judge(Direction::Ingress, Origin::Device, frame, now);
//
// Pure but for its own state; no clock. Units of time are the caller's: those of `lifetimes`.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "ir/flow/packet.h"
#include "ir/map_layout.h"
#include "ir/verdict.h"

namespace netpolc::ir::flow {

using Time = std::uint64_t;

// How long something lives after the packet that was last; at that very time it still does.
struct Lifetimes {
  Time tcp = 8000, tcp_new = 60, closed = 10, other = 60, fragments = 60;
};

// Who has which address: the longest prefix says so, and where there is none it is the world.
struct World {
  std::map<IpPrefix, std::uint32_t> addresses;
  std::uint32_t world4 = 9, world6 = 10;  // 0: the cluster doesn't have this family
  std::uint16_t tunnel_port = 0;           // UDP, of the overlay between nodes; 0: none
  std::uint32_t identity_of(const IpAddress& address) const;
  // Is it one of the node's own? Those are single addresses.
  bool is_nodes(const IpAddress& address) const;
};

// Which source addresses the pod may use: those with its identity, for the families named here.
struct Pod {
  std::uint32_t identity = 0;
  bool check4 = false, check6 = false;
  bool audit = false;  // what policy denies passes, and is reported
};

struct Decision {
  std::uint8_t reason = NP_REASON_FORWARDED;  // NP_REASON_*
  std::vector<std::uint32_t> rules;           // any of them may be said to have decided; empty: no rule did
  bool operator==(const Decision&) const = default;
};
// How a packet came to where it is judged: the node that all this is on made it, or it came in through
// a device. Whoever has the identity of the host is only believed to be it in the former case (8.6).
enum class Origin : std::uint8_t { Node, Device };

// What the judge of one direction says about the other side and a port or ICMP type.
struct Policy {
  bool ingress = false, egress = false;  // enforced
  std::function<Decision(Direction, std::uint32_t identity, Flow)> ask;
  bool enforces(Direction direction) const { return direction == Direction::Ingress ? ingress : egress; }
};
// A verdict as the reason that is given for it; `rules` are left to the caller, who numbers them.
std::uint8_t reason_of(const SideVerdict& verdict);

enum class Because : std::uint8_t {
  Exempt,   // none of policy's business
  Reply,    // of a live flow that the other side opened
  Related,  // an error about a live flow
  Known,    // of a live flow, and policy agrees
  New,      // opened a flow
  Dropped,
};
const char* to_string(Because because);

struct Answer {
  Because because = Because::Dropped;
  std::uint8_t reason = NP_REASON_FORWARDED;  // where audited, why it would have been dropped
  std::vector<std::uint32_t> rules;           // see Decision
  std::uint32_t identity = 0;                 // of the other side; 0 where nobody asked
  bool asked = false;                         // policy was; the rule's counter counts the packet
  bool audited = false;                       // policy denied, audit mode let it pass
  bool reported = false;                      // an event is due: drops, audited packets, new flows
  bool passes() const { return because != Because::Dropped; }
};

class Firewall {
 public:
  World world;
  Pod pod;
  bool is_node = false;  // the endpoint is the node, and of `pod` only `audit` counts
  Policy policy;
  Lifetimes lifetimes;
  bool ready = true;

  // `direction` is the endpoint's: Egress is what it sends. `origin` tells nothing where packets come
  // from the pod, or to the node. `now` never goes back.
  Answer judge(Direction direction, Origin origin, Bytes frame, Time now);
  std::size_t live_flows(Time now) const;

 private:
  // One conversation of the pod, the same for packets of both directions. ICMP has no ports: a
  // request, its type and identifier, and whose it is; messages that ask nothing are their sender's.
  struct Conversation {
    std::uint8_t protocol = 0;
    IpAddress local, remote;
    std::uint16_t local_port = 0, remote_port = 0;
    bool icmp_of_pod = false;
    std::uint8_t icmp_type = 0;
    std::uint16_t icmp_id = 0;
    auto operator<=>(const Conversation&) const = default;
  };
  struct Connection {
    bool opened_by_pod = false, opened_by_peer = false;
    bool established = false;  // TCP: something other than SYN was seen
    bool pod_closed = false, peer_closed = false;
    Time expires = 0;
    bool is_open_by(Direction direction) const { return direction == Direction::Egress ? opened_by_pod : opened_by_peer; }
    bool closed_by_any() const { return pod_closed || peer_closed; }
    bool closed_by_both() const { return pod_closed && peer_closed; }
  };
  struct FragmentKey {
    IpAddress source, destination;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;
    Direction direction = Direction::Ingress;
    auto operator<=>(const FragmentKey&) const = default;
  };
  struct FirstFragment {
    std::uint8_t protocol = 0;
    Transport transport;
    Time expires = 0;
  };

  static Conversation conversation_of(const Headers& packet, Direction direction);
  Connection* find(const Conversation& conversation, Time now);
  bool complete_from_first_fragment(Packet& packet, Direction direction, Time now);
  void remember_first_fragment(const Packet& packet, Direction direction, Time now);
  bool is_related(const Packet& packet, Direction direction, Time now);
  bool may_send_from(const IpAddress& source) const;
  bool encapsulates(const Packet& packet) const;
  bool forged_by_pod(const Packet& packet, Direction direction) const;
  std::uint32_t identity_of_remote(const Packet& packet, Direction direction, Origin origin) const;
  // Whose a packet is that passes a device of the node. Masked: others send it under the node's
  // address, and what answers it must pass.
  enum class Claim : std::uint8_t { Others, Masked, Own, Forged };
  Claim claim(const IpAddress& source, const IpAddress& destination, Direction direction, Origin origin) const;
  bool enforces_any() const { return policy.ingress || policy.egress; }
  Answer judge_unreadable(const Unreadable& packet, Direction direction, Origin origin) const;
  Answer judge_packet(const Packet& packet, Direction direction, Origin origin, bool masked, Time now);
  Answer judge_forward(const Packet& packet, Direction direction, Origin origin, bool masked, Connection* known, Time now);
  void see(Connection& connection, const Packet& packet, Direction direction, Time now) const;

  std::map<Conversation, Connection> connections_;
  std::map<FragmentKey, FirstFragment> fragments_;
};

}  // namespace netpolc::ir::flow
