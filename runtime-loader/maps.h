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

namespace netpolc::loader {

// Peer bits by identity; every value has the same number of words.
using PeerBits = std::map<std::uint32_t, std::vector<std::uint64_t>>;
using AddressIdentities = std::map<Prefix, std::uint32_t>;

struct MapShape {
  std::uint32_t type = 0, key_size = 0, value_size = 0, max_entries = 0;
  bool operator==(const MapShape&) const = default;
};
Result<MapShape> map_shape(int map);

Done fill_peers(int map, const PeerBits& peers);
Done fill_ipcache(int map4, int map6, const AddressIdentities& addresses);
Done set_address(int map4, int map6, const Prefix& prefix, std::uint32_t identity);
// False: there was no such entry.
Result<bool> remove_address(int map4, int map6, const Prefix& prefix);
Result<AddressIdentities> read_ipcache(int map4, int map6);
Done set_config(int map, const np_config& config);
// By ifindex.
Done fill_interfaces(int map, const std::map<std::uint32_t, np_interface>& interfaces);
// Sum over the CPUs, by slot.
Result<std::vector<np_counter>> read_counters(int map);

}  // namespace netpolc::loader
