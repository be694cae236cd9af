#include "runtime-loader/grace.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstdint>

#include "runtime-loader/fd.h"

namespace netpolc::loader {

// Whoever exchanges a map inside a map is kept by the kernel until no program uses the former one.
Done wait_for_programs() {
  const Fd inner{bpf_map_create(BPF_MAP_TYPE_ARRAY, "np_grace", sizeof(std::uint32_t), sizeof(std::uint32_t), 1, nullptr)};
  if (!inner) return refused("making a map to wait with", errno);
  bpf_map_create_opts options{};
  options.sz = sizeof options;
  options.inner_map_fd = static_cast<std::uint32_t>(inner.get());
  const Fd outer{bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "np_graces", sizeof(std::uint32_t), sizeof(std::uint32_t), 1, &options)};
  if (!outer) return refused("making a map of maps to wait with", errno);
  const std::uint32_t zero = 0, value = static_cast<std::uint32_t>(inner.get());
  if (bpf_map_update_elem(outer.get(), &zero, &value, BPF_ANY) != 0) return refused("waiting for the programs", errno);
  return {};
}

}  // namespace netpolc::loader
