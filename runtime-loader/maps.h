// runtime-loader/maps.h — filling and reading maps in the shapes of ir/map_layout.h.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/map_layout.h"
#include "runtime-loader/address.h"
#include "runtime-loader/fd.h"
#include "runtime-loader/result.h"
#include "runtime-loader/rows.h"

namespace netpolc::loader {

// Reserved identity of the node that a pod runs on (semantics 3.1).
inline constexpr std::uint32_t kHostIdentity = 1;

using AddressIdentities = std::map<Prefix, std::uint32_t>;

struct MapShape {
  std::uint32_t type = 0, key_size = 0, value_size = 0, max_entries = 0;
  bool operator==(const MapShape&) const = default;
};
Result<MapShape> map_shape(int map);
Result<std::uint32_t> map_id(int map);

// The maps that together say who an address is.
struct AddressMaps {
  int addresses4 = -1, addresses6 = -1, ipcache4 = -1, ipcache6 = -1;
  int near4 = -1;  // -1 for readers: it has nothing of its own
};

// Every row of the map: bit 0, and what `peers` says of the identities in the row.
Done fill_peers(int map, const PeerBits& peers, const PeerRows& rows);
Done fill_rows(int map, const PeerRows& rows);
Result<PeerRows> read_rows(int map);
// Of prefixes the inner ones before those around them, so that no address is in between another's.
Done fill_addresses(const AddressMaps& maps, const AddressIdentities& addresses, const PeerRows& rows);
// False: there was no such entry.
Result<bool> remove_address(const AddressMaps& maps, const Prefix& prefix);
Result<AddressIdentities> read_addresses(const AddressMaps& maps);
// Is there a prefix that is somebody in the cluster? Then programs must ask for prefixes whatever
// their policy says (NP_CONFIG_PREFIXES).
bool has_cluster_prefixes(const AddressIdentities& addresses);

// How long flows live after their last packet, in seconds; defaults are Cilium's (semantics 8.2).
struct Lifetimes {
  std::uint32_t tcp = 8000, tcp_new = 60, tcp_closed = 10, other = 60;
};
void set_lifetimes(np_config& config, const Lifetimes& seconds);

// As loads begin with: ready, a generation that no flow knows, default lifetimes (semantics 8.2).
np_config fresh_config();
Done set_config(int map, const np_config& config);
Result<np_config> read_config(int map);
// After a change of addresses, rows or peers: every flow is judged anew with its next packet.
Done new_generation(int config_map);
struct FlowCount {
  std::uint64_t alive = 0, room = 0;
};
// Of both tables.
Result<FlowCount> count_flows(int flows4, int flows6);
// Sum over the CPUs, by NP_STAT_*.
Result<std::vector<std::uint64_t>> read_stats(int map);
// Takes every flow and fragment out.
Done forget_flows(int flows4, int flows6, int fragments);
// By ifindex. What is there and not among them stays.
Done fill_interfaces(int map, const std::map<std::uint32_t, np_interface>& interfaces);
// All but those of `keep`.
Done remove_other_interfaces(int map, const std::map<std::uint32_t, np_interface>& keep);
// Sum over the CPUs, by slot.
Result<std::vector<np_counter>> read_counters(int map);

}  // namespace netpolc::loader
