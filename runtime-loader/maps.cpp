#include "runtime-loader/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "runtime-loader/clock.h"

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

template <class Key, class Value, class Visit>
Done each_entry(int map, const Visit& visit) {
  Key key{}, next{};
  const Key* from = nullptr;
  while (bpf_map_get_next_key(map, from, &next) == 0) {
    key = next;
    from = &key;
    Value value{};
    if (bpf_map_lookup_elem(map, &key, &value) == 0) visit(key, value);
  }
  if (errno != ENOENT) return refused("reading a map", errno);
  return {};
}

template <std::size_t Bytes>
Prefix prefix_of(const std::uint8_t (&address)[Bytes], std::uint32_t length) {
  Prefix prefix;
  prefix.address.v6 = Bytes == 16;
  std::memcpy(prefix.address.bytes.data(), address, Bytes);
  prefix.length = static_cast<std::uint8_t>(length);
  return prefix;
}

// A single address, as a key of its own.
template <std::size_t Bytes>
struct Single {
  std::uint8_t address[Bytes];
};

bool is_single(const Prefix& prefix) { return prefix.length == (prefix.address.v6 ? 128 : 32); }

struct Entries {
  std::vector<std::uint8_t> keys, values;
  std::size_t count = 0;
  template <class Key, class Value>
  void add(const Key& key, const Value& value) {
    append(keys, &key, 1);
    append(values, &value, 1);
    ++count;
  }
  Done write(int map, const char* name) const { return update_all(map, count, keys, values, name); }
};

// A whole table in an array, for as long as this lives.
class MappedTable {
 public:
  static Result<MappedTable> open(int map, int protection) {
    const auto shape = map_shape(map);
    if (!shape) return tl::make_unexpected(shape.error());
    MappedTable out;
    out.buckets_ = shape->max_entries;
    out.size_ = std::size_t{shape->value_size} * shape->max_entries;
    out.bytes_ = mmap(nullptr, out.size_, protection, MAP_SHARED, map, 0);
    if (out.bytes_ == MAP_FAILED) return refused("mapping a table", errno);
    return out;
  }
  MappedTable(MappedTable&& other) noexcept : bytes_(std::exchange(other.bytes_, MAP_FAILED)), size_(other.size_), buckets_(other.buckets_) {}
  MappedTable& operator=(MappedTable&&) = delete;
  ~MappedTable() {
    if (bytes_ != MAP_FAILED) munmap(bytes_, size_);
  }
  void clear() { std::memset(bytes_, 0, size_); }
  template <class Bucket>
  Bucket& bucket(std::size_t index) { return static_cast<Bucket*>(bytes_)[index % buckets_]; }
  template <class Bucket>
  void count(FlowCount& flows, std::uint32_t now) const {
    const auto* bucket = static_cast<const Bucket*>(bytes_);
    flows.room += buckets_ * NP_WAYS;
    for (std::size_t i = 0; i < buckets_; ++i)
      for (const auto& flow : bucket[i].way)
        flows.alive += ((flow.track.state >> NP_FLOW_PROTOCOL_SHIFT) & 0xff) != 0 && static_cast<std::int32_t>(flow.track.expires - now) >= 0;
  }

 private:
  MappedTable() = default;
  void* bytes_ = MAP_FAILED;
  std::size_t size_ = 0, buckets_ = 0;
};

Done forget_array(int map) {
  auto table = MappedTable::open(map, PROT_READ | PROT_WRITE);
  if (!table) return tl::make_unexpected(table.error());
  table->clear();
  return {};
}

template <class Number>
void publish_number(Number& at, Number number) {
  std::atomic_ref<Number>(at).store(number, std::memory_order_release);
}

std::uint32_t wire_address(const Address& address) {
  std::uint32_t out = 0;
  std::memcpy(&out, address.bytes.data(), sizeof out);
  return out;
}

np_near* near_entry(np_near_bucket& bucket, std::uint32_t address) {
  for (np_near& entry : bucket.entry)
    if (entry.identity != 0 && entry.address == address) return &entry;
  return nullptr;
}

// Into np_near4, or not, if its bucket is full.
void set_near(MappedTable& table, std::uint32_t address, const np_address& who) {
  auto& bucket = table.bucket<np_near_bucket>(np_near_index(address));
  np_near* entry = near_entry(bucket, address);
  for (np_near& each : bucket.entry)
    if (entry == nullptr && each.identity == 0) entry = &each;
  if (entry == nullptr) return;
  static_assert(offsetof(np_near, address) == 0 && offsetof(np_near, row) == 4 && alignof(np_near_bucket) >= 4);
  publish_number(*reinterpret_cast<std::uint64_t*>(entry), std::uint64_t{address} | std::uint64_t{who.row} << 32);
  publish_number(entry->identity, who.identity);
}

void remove_near(MappedTable& table, std::uint32_t address) {
  if (np_near* entry = near_entry(table.bucket<np_near_bucket>(np_near_index(address)), address)) publish_number(entry->identity, std::uint32_t{0});
}

// At random: whatever was interrupted or taken back in between, no flow bears it yet.
std::uint32_t other_generation(std::uint32_t former) {
  std::uint32_t generation = 0;
  while (generation == 0 || generation == former)
    generation = (getrandom(&generation, sizeof generation, 0) == sizeof generation ? generation : former + 1) & ~NP_FROM_HOST;
  return generation;
}

}  // namespace

Result<MapShape> map_shape(int map) {
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(map, &info, &length) != 0) return refused("reading the shape of a map", errno);
  return MapShape{info.type, info.key_size, info.value_size, info.max_entries};
}

Result<std::uint32_t> map_id(int map) {
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(map, &info, &length) != 0) return refused("asking about a map", errno);
  return info.id;
}

Done fill_peers(int map, const PeerBits& peers, const PeerRows& rows) {
  const auto shape = map_shape(map);
  if (!shape) return tl::make_unexpected(shape.error());
  const std::size_t size = shape->value_size / 8;
  std::size_t words = size;
  while (NP_ROW_WORDS(words) > size) --words;
  const std::vector<std::uint64_t> everyone = peer_row(std::vector<std::uint64_t>(words));
  std::vector<std::uint32_t> keys(shape->max_entries);
  std::vector<std::uint64_t> values;
  for (std::uint32_t row = 0; row < keys.size(); ++row) {
    keys[row] = row;
    values.insert(values.end(), everyone.begin(), everyone.end());
  }
  for (const auto& [identity, bits] : peers) {
    const std::uint32_t row = rows.row(identity);
    if (row >= keys.size()) return refused("the peers of a program: row " + std::to_string(row) + " is beyond the map");
    const std::vector<std::uint64_t> own = peer_row(bits);
    if (row != 0) std::copy(own.begin(), own.end(), values.begin() + static_cast<std::ptrdiff_t>(row * size));
  }
  std::vector<std::uint8_t> key_bytes, value_bytes;
  append(key_bytes, keys.data(), keys.size());
  append(value_bytes, values.data(), values.size());
  return update_all(map, keys.size(), key_bytes, value_bytes, "the peers of a program");
}

Done fill_rows(int map, const PeerRows& rows) {
  Entries entries;
  for (const auto& [identity, row] : rows.by_identity()) entries.add(identity, row);
  return entries.write(map, NP_MAP_ROWS);
}

Result<PeerRows> read_rows(int map) {
  PeerRows rows;
  const Done done = each_entry<std::uint32_t, std::uint32_t>(map, [&](std::uint32_t identity, std::uint32_t row) { rows.set(identity, row); });
  if (!done) return tl::make_unexpected(done.error());
  return rows;
}

Done fill_addresses(const AddressMaps& maps, const AddressIdentities& addresses, const PeerRows& rows) {
  Entries single4, single6, prefix4, prefix6;
  // Backwards, since a prefix comes before those inside it.
  for (auto it = addresses.rbegin(); it != addresses.rend(); ++it) {
    const auto& [prefix, identity] = *it;
    const np_address who{identity, rows.row(identity)};
    if (!is_single(prefix)) {
      if (prefix.address.v6) prefix6.add(key6(prefix), who);
      else prefix4.add(key4(prefix), who);
    } else if (prefix.address.v6) {
      Single<16> key{};
      std::memcpy(key.address, prefix.address.bytes.data(), sizeof key.address);
      single6.add(key, who);
    } else {
      Single<4> key{};
      std::memcpy(key.address, prefix.address.bytes.data(), sizeof key.address);
      single4.add(key, who);
    }
  }
  if (const Done done = single4.write(maps.addresses4, NP_MAP_ADDRESSES4); !done) return done;
  if (maps.near4 >= 0 && single4.count != 0) {
    auto table = MappedTable::open(maps.near4, PROT_READ | PROT_WRITE);
    if (!table) return tl::make_unexpected(table.error());
    for (const auto& [prefix, identity] : addresses)
      if (is_single(prefix) && !prefix.address.v6) set_near(*table, wire_address(prefix.address), {identity, rows.row(identity)});
  }
  if (const Done done = single6.write(maps.addresses6, NP_MAP_ADDRESSES6); !done) return done;
  if (const Done done = prefix4.write(maps.ipcache4, NP_MAP_IPCACHE4); !done) return done;
  return prefix6.write(maps.ipcache6, NP_MAP_IPCACHE6);
}

Result<bool> remove_address(const AddressMaps& maps, const Prefix& prefix) {
  const np_lpm4 four = key4(prefix);
  const np_lpm6 six = key6(prefix);
  const bool v6 = prefix.address.v6;
  if (maps.near4 >= 0 && is_single(prefix) && !v6) {
    auto table = MappedTable::open(maps.near4, PROT_READ | PROT_WRITE);
    if (!table) return tl::make_unexpected(table.error());
    remove_near(*table, wire_address(prefix.address));
  }
  const int error = is_single(prefix) ? bpf_map_delete_elem(v6 ? maps.addresses6 : maps.addresses4, prefix.address.bytes.data())
                    : v6              ? bpf_map_delete_elem(maps.ipcache6, &six)
                                      : bpf_map_delete_elem(maps.ipcache4, &four);
  if (error == 0) return true;
  if (errno == ENOENT) return false;
  return refused("removing " + prefix.to_string() + " from the ipcache", errno);
}

Result<AddressIdentities> read_addresses(const AddressMaps& maps) {
  AddressIdentities all;
  const auto prefix = [&](const auto& key, const np_address& who) { all[prefix_of(key.address, key.prefixlen)] = who.identity; };
  const auto single = [&](const auto& key, const np_address& who) { all[prefix_of(key.address, 8 * sizeof key.address)] = who.identity; };
  Done done = each_entry<Single<4>, np_address>(maps.addresses4, single);
  if (done) done = each_entry<Single<16>, np_address>(maps.addresses6, single);
  if (done) done = each_entry<np_lpm4, np_address>(maps.ipcache4, prefix);
  if (done) done = each_entry<np_lpm6, np_address>(maps.ipcache6, prefix);
  if (!done) return tl::make_unexpected(done.error());
  return all;
}

bool has_cluster_prefixes(const AddressIdentities& addresses) {
  constexpr std::uint32_t local_scope = 1u << 24, world = 2, world_ipv4 = 9, world_ipv6 = 10;  // semantics 3.1, 3.3
  return std::any_of(addresses.begin(), addresses.end(), [&](const auto& entry) {
    const auto& [prefix, identity] = entry;
    return !is_single(prefix) && identity < local_scope && identity != world && identity != world_ipv4 && identity != world_ipv6;
  });
}

// How long a flow with answers is in use after its last packet, in seconds. What isn't TCP is most often one question and
// its answer, and the clients of name servers must not take the room of everybody's new connections.
constexpr std::uint64_t kTcpInUse = 30, kOtherInUse = 4;

void set_lifetimes(np_config& config, const Lifetimes& seconds) {
  for (std::uint32_t what = 0; what < 8; ++what) {
    const std::uint64_t tcp = what & NP_IS_CLOSED ? seconds.tcp_closed : what & NP_IS_ESTABLISHED ? seconds.tcp : seconds.tcp_new;
    config.lifetimes[what] = ticks(what & NP_IS_TCP ? tcp : seconds.other);
    const std::uint32_t used_within = ticks(what & NP_IS_TCP ? kTcpInUse : kOtherInUse);
    config.evictable[what] = config.lifetimes[what] - std::min(config.lifetimes[what], used_within);
  }
}

np_config fresh_config() {
  np_config config{};
  config.ready = 1;
  config.generation = other_generation(0);
  if (getrandom(&config.seed, sizeof config.seed, 0) != sizeof config.seed) config.seed = config.generation;
#if !defined(__x86_64__) && !defined(__i386__)
  config.flags = NP_CONFIG_FENCE;
#endif
  config.event_limit = 1024;
  config.tick_shift = tick_shift();
  set_lifetimes(config, {});
  return config;
}

Done set_config(int map, const np_config& config) {
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(map, &zero, &config, BPF_ANY) != 0) return refused("writing " NP_MAP_CONFIG, errno);
  return {};
}

Result<np_config> read_config(int map) {
  const std::uint32_t zero = 0;
  np_config config{};
  if (bpf_map_lookup_elem(map, &zero, &config) != 0) return refused("reading " NP_MAP_CONFIG, errno);
  return config;
}

Done new_generation(int config_map) {
  auto config = read_config(config_map);
  if (!config) return tl::make_unexpected(config.error());
  config->generation = other_generation(config->generation);
  return set_config(config_map, *config);
}

Done forget_flows(int flows4, int flows6, int fragments) {
  if (const Done done = forget_array(flows4); !done) return done;
  if (const Done done = forget_array(flows6); !done) return done;
  np_fragment_key key{};
  while (bpf_map_get_next_key(fragments, nullptr, &key) == 0)
    if (bpf_map_delete_elem(fragments, &key) != 0 && errno != ENOENT) return refused("forgetting a fragment", errno);
  return errno == ENOENT ? Done() : refused("reading " NP_MAP_FRAGMENTS, errno);
}

Result<FlowCount> count_flows(int flows4, int flows6) {
  const auto table4 = MappedTable::open(flows4, PROT_READ), table6 = MappedTable::open(flows6, PROT_READ);
  if (!table4) return tl::make_unexpected(table4.error());
  if (!table6) return tl::make_unexpected(table6.error());
  const auto now = current_tick();
  if (!now) return tl::make_unexpected(now.error());
  FlowCount flows;
  table4->count<np_bucket4>(flows, *now);
  table6->count<np_bucket6>(flows, *now);
  return flows;
}

Result<std::vector<std::uint64_t>> read_stats(int map) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return refused("asking for the number of processors", -cpus);
  std::vector<std::uint64_t> totals(NP_STATS), one(static_cast<std::size_t>(cpus));
  for (std::uint32_t stat = 0; stat < NP_STATS; ++stat) {
    if (bpf_map_lookup_elem(map, &stat, one.data()) != 0) return refused("reading " NP_MAP_STATS, errno);
    for (const std::uint64_t count : one) totals[stat] += count;
  }
  return totals;
}

Done fill_interfaces(int map, const std::map<std::uint32_t, np_interface>& interfaces) {
  std::vector<std::uint8_t> keys, values;
  for (const auto& [ifindex, interface] : interfaces) {
    append(keys, &ifindex, 1);
    append(values, &interface, 1);
  }
  return update_all(map, interfaces.size(), keys, values, NP_MAP_INTERFACES);
}

Done remove_other_interfaces(int map, const std::map<std::uint32_t, np_interface>& keep) {
  std::vector<std::uint32_t> gone;
  const Done done = each_entry<std::uint32_t, np_interface>(map, [&](std::uint32_t ifindex, const np_interface&) {
    if (!keep.contains(ifindex)) gone.push_back(ifindex);
  });
  if (!done) return done;
  for (const std::uint32_t ifindex : gone)
    if (bpf_map_delete_elem(map, &ifindex) != 0 && errno != ENOENT) return refused("removing from " NP_MAP_INTERFACES, errno);
  return {};
}

Result<std::vector<np_counter>> read_counters(int map) {
  const auto shape = map_shape(map);
  if (!shape) return tl::make_unexpected(shape.error());
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0 || (shape->value_size != sizeof(np_counter) && shape->value_size != sizeof(np_outcomes))) return refused("counters have an unknown shape");
  std::vector<np_counter> totals(shape->max_entries);
  std::vector<std::uint8_t> values(static_cast<std::size_t>(cpus) * shape->value_size);
  for (std::uint32_t slot = 0; slot < shape->max_entries; ++slot) {
    if (bpf_map_lookup_elem(map, &slot, values.data()) != 0) return refused("reading counters", errno);
    for (std::size_t at = 0; at < values.size(); at += shape->value_size) {
      np_counter counter;
      std::memcpy(&counter, &values[at], sizeof(counter));
      totals[slot].packets += counter.packets;
      totals[slot].bytes += counter.bytes;
    }
  }
  return totals;
}

}  // namespace netpolc::loader
