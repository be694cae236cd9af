// runtime-loader/map_fill.h — how full the maps are, and when something was dropped last. Reads in pieces:
// a table of flows is larger than what the loader may take of a node's memory.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime-loader/installation.h"
#include "runtime-loader/maps.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

// `used`: entries that count now. Of flows and fragments those that have not expired: what has gives way by itself.
struct MapFill {
  std::string map;  // NP_MAP_*; "np_peers" for the rows that all programs' peers maps have
  std::uint64_t used = 0, capacity = 0;
  // Rounded down, so that 100 says that there is no room.
  std::uint32_t percent() const { return capacity == 0 ? 0 : static_cast<std::uint32_t>(used * 100 / capacity); }
};

// Entries of a hash, an LRU hash or an LPM trie. What is written meanwhile may or may not count.
Result<std::uint64_t> count_entries(int map);
// Live flows of one table, and room for how many; `bucket6`: that of IPv6.
Result<FlowCount> count_table(int map, bool bucket6, std::uint32_t now);
// Fragments that are still waited for.
Result<std::uint64_t> count_fragments(int map, std::uint32_t now);

// By reason: when it last was why a packet was dropped, CLOCK_MONOTONIC in ns (it moves with jiffies); 0: never.
Result<std::vector<std::uint64_t>> last_dropped(int drops_map);

}  // namespace netpolc::loader
