#include "runtime-loader/map_fill.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace netpolc::loader {
namespace {

constexpr std::uint32_t kBatch = 4096;
constexpr std::size_t kWindow = 1u << 20;

// Visits every entry, many with each system call; one at a time where the kernel has no batches for the type.
template <class Visit>
Done each_by_batch(int map, const MapShape& shape, const Visit& visit) {
  // A bucket of a hash comes as a whole: a batch must have room for the largest.
  std::uint32_t room = kBatch;
  std::vector<std::uint8_t> keys(std::size_t{room} * shape.key_size), values(std::size_t{room} * shape.value_size);
  std::vector<std::uint8_t> from(std::max<std::size_t>(shape.key_size, 8)), next(from.size());
  for (bool first = true;;) {
    std::uint32_t count = room;
    const int error = bpf_map_lookup_batch(map, first ? nullptr : from.data(), next.data(), keys.data(), values.data(), &count, nullptr) == 0 ? 0 : errno;
    if (error == ENOSPC && room < (1u << 20)) {
      room *= 4;
      keys.resize(std::size_t{room} * shape.key_size);
      values.resize(std::size_t{room} * shape.value_size);
      continue;
    }
    if (error != 0 && error != ENOENT) return first && (error == EINVAL || error == 524 /* ENOTSUPP */) ? Done(tl::make_unexpected(Failure{FailureKind::Kernel, ""})) : refused("reading a map", error);
    for (std::uint32_t i = 0; i < count; ++i) visit(values.data() + std::size_t{i} * shape.value_size);
    if (error == ENOENT) return {};
    std::swap(from, next);
    first = false;
  }
}

template <class Visit>
Done each_value(int map, const Visit& visit) {
  const auto shape = map_shape(map);
  if (!shape) return tl::make_unexpected(shape.error());
  Done done = each_by_batch(map, *shape, visit);
  if (done || !done.error().message.empty()) return done;
  std::vector<std::uint8_t> key(shape->key_size), next(shape->key_size), value(shape->value_size);
  for (bool first = true; bpf_map_get_next_key(map, first ? nullptr : key.data(), next.data()) == 0; first = false) {
    std::swap(key, next);
    if (bpf_map_lookup_elem(map, key.data(), value.data()) == 0) visit(value.data());
  }
  return errno == ENOENT ? Done() : refused("reading a map", errno);
}

bool is_live(const np_track& track, std::uint32_t now) {
  return ((track.state >> NP_FLOW_PROTOCOL_SHIFT) & 0xff) != 0 && static_cast<std::int32_t>(track.expires - now) >= 0;
}

template <class Bucket>
Result<FlowCount> count_buckets(int map, std::uint32_t now) {
  const auto shape = map_shape(map);
  if (!shape) return tl::make_unexpected(shape.error());
  if (shape->value_size != sizeof(Bucket)) return refused("a table of flows has an unknown shape");
  static_assert(kWindow % sizeof(Bucket) == 0);
  const std::size_t size = std::size_t{shape->max_entries} * sizeof(Bucket);
  FlowCount flows;
  flows.room = std::uint64_t{shape->max_entries} * NP_WAYS;
  for (std::size_t at = 0; at < size; at += kWindow) {
    const std::size_t length = std::min(kWindow, size - at);
    void* window = mmap(nullptr, length, PROT_READ, MAP_SHARED, map, static_cast<off_t>(at));
    if (window == MAP_FAILED) return refused("mapping a table", errno);
    const auto* buckets = static_cast<const Bucket*>(window);
    for (std::size_t i = 0; i < length / sizeof(Bucket); ++i)
      for (const auto& flow : buckets[i].way) flows.alive += is_live(flow.track, now);
    munmap(window, length);
  }
  return flows;
}

}  // namespace

Result<std::uint64_t> count_entries(int map) {
  std::uint64_t count = 0;
  if (const Done done = each_value(map, [&](const std::uint8_t*) { ++count; }); !done) return tl::make_unexpected(done.error());
  return count;
}

Result<FlowCount> count_table(int map, bool bucket6, std::uint32_t now) {
  return bucket6 ? count_buckets<np_bucket6>(map, now) : count_buckets<np_bucket4>(map, now);
}

Result<std::uint64_t> count_fragments(int map, std::uint32_t now) {
  const auto shape = map_shape(map);
  if (!shape) return tl::make_unexpected(shape.error());
  if (shape->value_size != sizeof(np_fragment)) return refused(NP_MAP_FRAGMENTS " has an unknown shape");
  std::uint64_t count = 0;
  const Done done = each_value(map, [&](const std::uint8_t* value) {
    np_fragment fragment{};
    std::memcpy(&fragment, value, sizeof fragment);
    count += static_cast<std::int32_t>(fragment.expires - now) >= 0;
  });
  if (!done) return tl::make_unexpected(done.error());
  return count;
}

Result<std::vector<std::uint64_t>> last_dropped(int drops_map) {
  const auto shape = map_shape(drops_map);
  if (!shape) return tl::make_unexpected(shape.error());
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0 || shape->value_size != sizeof(np_outcomes)) return refused(NP_MAP_DROPS " has an unknown shape");
  std::vector<std::uint64_t> last(shape->max_entries);
  std::vector<np_outcomes> of_cpu(static_cast<std::size_t>(cpus));
  for (std::uint32_t reason = 0; reason < shape->max_entries; ++reason) {
    if (bpf_map_lookup_elem(drops_map, &reason, of_cpu.data()) != 0) return refused("reading " NP_MAP_DROPS, errno);
    for (const np_outcomes& it : of_cpu) last[reason] = std::max<std::uint64_t>(last[reason], it.time);
  }
  return last;
}

}  // namespace netpolc::loader
