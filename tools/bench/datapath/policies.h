// tools/bench/datapath/policies.h — the worlds that are measured: who has which address and
// identity, and one policy, said twice: as a decision table for netpolc and as the entries of a
// policy map for the baseline.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/decide/table.h"
#include "runtime-loader/maps.h"
#include "runtime-loader/packet.h"
#include "tools/bench/datapath/layout.h"

namespace netpolc::datapath_bench {

inline constexpr std::uint32_t kPodIdentity = 60000, kFirstIdentity = 256;
inline constexpr std::uint16_t kOpenPort = 8080;  // ingress, to everyone

loader::Address pod_address(bool v6 = false);  // of the pod whose programs run
loader::Address peer_address(std::uint32_t peer, bool v6 = false);

inline constexpr std::size_t kPolicyMapEntries = 65'536;  // four times Cilium's default
struct BaselineEntry {
  policy_key key;
  policy_entry entry;
};

struct World {
  ir::DecisionTable table;
  loader::PeerBits peers_in, peers_out;
  std::vector<std::uint32_t> identities;  // by peer
  std::vector<std::uint16_t> ports;       // open ones of both directions
  std::vector<BaselineEntry> entries;  // empty if there are more than a policy map holds
  loader::AddressIdentities addresses;  // the pod's own among them
  bool v6 = false;                      // family of all addresses
};

// `selectors` peer conditions, `ports` ports, a rule for each pair: so many entries a direction.
// Every `identities / selectors` identities hold for one selector. `addresses` peers have these
// identities in turn; the last hundredth of them, if `strangers`, one that no rule names.
struct Shape {
  std::uint32_t selectors = 100, identities = 100, ports = 10, addresses = 10'000;
  bool strangers = true;
  // Peers are known by prefixes of 31 bits, a CIDR each, instead of by their addresses.
  bool prefixes = false;
  // Each port opens to one selector (by turns) instead of all: as many entries as ports.
  bool one_selector_a_port = false;
  bool v6 = false;
};
World make_world(const Shape& shape);

}  // namespace netpolc::datapath_bench
