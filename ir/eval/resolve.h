// ir/eval/resolve.h — a rule's peers and ports with every name looked up: services, CIDR
// groups, DNS names, entities, named ports (semantics reference 1.5, 1.6, 1.9, 3.2, 5.9).
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/eval/match.h"

namespace netpolc::ir::eval {

// Named ports known to the judged side: (name, protocol) → number. Names with several numbers
// for one protocol do not resolve.
class NamedPorts {
 public:
  void add(const std::vector<NamedPort>& ports);
  std::optional<std::uint16_t> find(const std::string& name, Protocol protocol) const;

 private:
  std::map<std::pair<std::string, Protocol>, std::optional<std::uint16_t>> table_;
};

// A redirect's precedence: higher wins, 0 is none (section 5.4).
struct Redirect {
  int rank = 0;
  L7Parser parser = L7Parser::None;
};
Redirect redirect_of(const L7& l7);

// A port match with one protocol. `any_protocol`: L3-only, every protocol and port.
struct ResolvedPort {
  bool any_protocol = false;
  Protocol protocol = Protocol::Any;
  std::uint16_t first = 0, last = 0;
  std::string peer_name;  // egress from 1.20 on: looked up at the peer
  Redirect redirect;
  const L7* l7 = nullptr;  // of the rule; none where it has no ports, or denies
  const PortMatch* match = nullptr;  // as written; none where the rule has no ports
  // Bits of the policy map's key that an entry for `number` fixes: 0, 8 or 8 + port bits (section 5.4).
  int key_bits(std::uint16_t number) const;
};

struct ResolvedRule {
  RuleRef ref;
  Action action = Action::Allow;
  AuthMode auth = AuthMode::Unset;
  std::vector<ResolvedPeer> peers;  // none: matches nothing
  std::vector<ResolvedPort> ports;
};

struct RuleContext {
  const World& world;
  const std::vector<Requirement>& requirements;  // of from/toRequires (section 2.5)
  const NamedPorts& named_ports;                 // where names are looked up now
};

std::vector<ResolvedPeer> resolve_peers(const Rule& rule, const RuleContext& context);
std::vector<ResolvedPort> resolve_ports(const Rule& rule, const RuleContext& context);
// Whether a service is one that this peer means (section 1.9).
bool service_matches(const ServicePeer& peer, const Service& service);
// The concrete protocols of a port match: `Any` is TCP, UDP and SCTP.
std::vector<Protocol> protocols_of(Protocol protocol);

}  // namespace netpolc::ir::eval
