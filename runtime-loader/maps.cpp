#include "runtime-loader/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>

namespace netpolc::loader {
namespace {

np_lpm4 key4(const Prefix& prefix) {
  np_lpm4 key{};
  key.prefixlen = prefix.length;
  std::memcpy(key.address, prefix.address.bytes.data(), sizeof key.address);
  return key;
}
np_lpm6 key6(const Prefix& prefix) {
  np_lpm6 key{};
  key.prefixlen = prefix.length;
  std::memcpy(key.address, prefix.address.bytes.data(), sizeof key.address);
  return key;
}

// One system call for many entries; kernels whose map type has no batches get one at a time.
Done update_all(int map, std::size_t count, const std::vector<std::uint8_t>& keys,
                const std::vector<std::uint8_t>& values, const std::string& what) {
  if (count == 0) return {};
  const std::size_t key_size = keys.size() / count, value_size = values.size() / count;
  auto done = static_cast<std::uint32_t>(count);
  if (bpf_map_update_batch(map, keys.data(), values.data(), &done, nullptr) == 0) return {};
  for (std::size_t i = 0; i < count; ++i) {
    if (bpf_map_update_elem(map, keys.data() + i * key_size, values.data() + i * value_size, BPF_ANY) != 0)
      return refused("writing entry " + std::to_string(i) + " of " + std::to_string(count) + " to " + what, errno);
  }
  return {};
}

template <class T>
void append(std::vector<std::uint8_t>& bytes, const T* values, std::size_t count) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(values);
  bytes.insert(bytes.end(), begin, begin + count * sizeof(T));
}

template <class Key, class Visit>
Done each_entry(int map, const Visit& visit) {
  Key key{}, next{};
  const Key* from = nullptr;
  while (bpf_map_get_next_key(map, from, &next) == 0) {
    key = next;
    from = &key;
    std::uint32_t value = 0;
    if (bpf_map_lookup_elem(map, &key, &value) == 0) visit(key, value);
  }
  if (errno != ENOENT) return refused("reading the ipcache", errno);
  return {};
}

template <class Key>
Prefix prefix_of(const Key& key) {
  Prefix prefix;
  prefix.address.v6 = sizeof key.address == 16;
  std::memcpy(prefix.address.bytes.data(), key.address, sizeof key.address);
  prefix.length = static_cast<std::uint8_t>(key.prefixlen);
  return prefix;
}

}  // namespace

Result<MapShape> map_shape(int map) {
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(map, &info, &length) != 0) return refused("reading the shape of a map", errno);
  return MapShape{info.type, info.key_size, info.value_size, info.max_entries};
}

Done fill_peers(int map, const PeerBits& peers) {
  std::vector<std::uint8_t> keys, values;
  for (const auto& [identity, words] : peers) {
    append(keys, &identity, 1);
    append(values, words.data(), words.size());
  }
  return update_all(map, peers.size(), keys, values, "the peers of a program");
}

Done fill_ipcache(int map4, int map6, const AddressIdentities& addresses) {
  std::vector<std::uint8_t> keys4, keys6, values4, values6;
  for (const auto& [prefix, identity] : addresses) {
    if (prefix.address.v6) {
      const np_lpm6 key = key6(prefix);
      append(keys6, &key, 1);
      append(values6, &identity, 1);
    } else {
      const np_lpm4 key = key4(prefix);
      append(keys4, &key, 1);
      append(values4, &identity, 1);
    }
  }
  if (const Done done = update_all(map4, values4.size() / 4, keys4, values4, NP_MAP_IPCACHE4); !done) return done;
  return update_all(map6, values6.size() / 4, keys6, values6, NP_MAP_IPCACHE6);
}

Done set_address(int map4, int map6, const Prefix& prefix, std::uint32_t identity) {
  return fill_ipcache(map4, map6, {{prefix, identity}});
}

Result<bool> remove_address(int map4, int map6, const Prefix& prefix) {
  const np_lpm4 four = key4(prefix);
  const np_lpm6 six = key6(prefix);
  const int error = prefix.address.v6 ? bpf_map_delete_elem(map6, &six) : bpf_map_delete_elem(map4, &four);
  if (error == 0) return true;
  if (errno == ENOENT) return false;
  return refused("removing " + prefix.to_string() + " from the ipcache", errno);
}

Result<AddressIdentities> read_ipcache(int map4, int map6) {
  AddressIdentities all;
  const auto add = [&](const auto& key, std::uint32_t identity) { all[prefix_of(key)] = identity; };
  if (const Done done = each_entry<np_lpm4>(map4, add); !done) return tl::make_unexpected(done.error());
  if (const Done done = each_entry<np_lpm6>(map6, add); !done) return tl::make_unexpected(done.error());
  return all;
}

Done set_config(int map, const np_config& config) {
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(map, &zero, &config, BPF_ANY) != 0) return refused("writing " NP_MAP_CONFIG, errno);
  return {};
}

Done fill_interfaces(int map, const std::map<std::uint32_t, np_interface>& interfaces) {
  std::vector<std::uint8_t> keys, values;
  for (const auto& [ifindex, interface] : interfaces) {
    append(keys, &ifindex, 1);
    append(values, &interface, 1);
  }
  return update_all(map, interfaces.size(), keys, values, NP_MAP_INTERFACES);
}

Result<std::vector<np_counter>> read_counters(int map) {
  const auto shape = map_shape(map);
  if (!shape) return tl::make_unexpected(shape.error());
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0 || shape->value_size != sizeof(np_counter)) return refused("counters have an unknown shape");
  std::vector<np_counter> totals(shape->max_entries), one(static_cast<std::size_t>(cpus));
  for (std::uint32_t slot = 0; slot < shape->max_entries; ++slot) {
    if (bpf_map_lookup_elem(map, &slot, one.data()) != 0) return refused("reading counters", errno);
    for (const np_counter& counter : one) {
      totals[slot].packets += counter.packets;
      totals[slot].bytes += counter.bytes;
    }
  }
  return totals;
}

}  // namespace netpolc::loader
