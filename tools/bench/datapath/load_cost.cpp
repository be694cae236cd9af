#include "tools/bench/datapath/load_cost.h"

#include <chrono>
#include <stdexcept>

#include "codegen-bpf/codegen.h"
#include "runtime-loader/object.h"
#include "tools/bench/datapath/policies.h"

namespace netpolc::datapath_bench {
namespace {

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

constexpr int kLoads = 5;

}  // namespace

LoadCost load_cost(std::uint32_t selectors, std::uint32_t ports) {
  const World world = make_world({.selectors = selectors, .identities = selectors, .ports = ports});
  LoadCost out;
  out.entries = selectors * ports;
  const auto start = std::chrono::steady_clock::now();
  const auto compiled = codegen_bpf::compile(codegen_bpf::emit(world.table));
  out.compile_ms = milliseconds_since(start);
  if (!compiled) throw std::runtime_error(compiled.error().message);

  loader::SharedMaps shared;
  shared.rows = loader::PeerRows::of({&world.peers_in, &world.peers_out});
  LoadOptions with_statistics;
  with_statistics.statistics = true;
  for (int i = 0; i <= kLoads; ++i) {
    const auto before = std::chrono::steady_clock::now();
    const auto object = loader::Object::load(compiled->bytes, "benchmark", shared, world.peers_in, world.peers_out);
    const double took = milliseconds_since(before);
    if (!object) throw std::runtime_error(object.error().message);
    if (i == 0) continue;  // made the shared maps
    if (i == 1 || took < out.load_ms) out.load_ms = took;
    if (i < kLoads) continue;
    for (const char* name : {NP_MAP_PEERS_IN, NP_MAP_PEERS_OUT, NP_MAP_RULES, ".rodata"}) out.memory += memory_of(object->map(name));
    for (const char* name : {NP_PROGRAM_FROM_POD, NP_PROGRAM_TO_POD}) out.memory += memory_of(object->program(name));
  }
  for (const auto& [name, map] : shared.by_name) with_statistics.reuse[name] = map.get();
  out.programs = KernelObject(compiled->bytes, with_statistics).costs();
  return out;
}

std::vector<ProgramCost> baseline_cost() {
  LoadOptions options{{{"ct_tcp", 1024}, {"ct_any", 1024}}, {}};
  options.statistics = true;
  return KernelObject(embedded("baseline"), options).costs();
}

}  // namespace netpolc::datapath_bench
