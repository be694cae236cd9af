#include "tools/bench/datapath/growth.h"

namespace netpolc::datapath_bench {
namespace {

// The verdict alone needs no flows.
constexpr std::uint32_t kFewFlows = 1024;

// Everything grows: identities, addresses, and ports, of which each is open to one of ten selectors.
Shape everything(std::uint32_t size) {
  return {.selectors = 10, .identities = size, .ports = size, .addresses = size, .strangers = false, .one_selector_a_port = true};
}
// Peers that are named one by one: a peer condition for every identity.
Shape selectors(std::uint32_t size) {
  return {.selectors = size, .identities = size, .ports = 1, .addresses = size, .strangers = false};
}
Shape prefixes(std::uint32_t size) {
  Shape out = everything(size);
  out.ports = 10;
  out.prefixes = true;
  return out;
}

Growth grow(const std::string& name, Shape (*shape)(std::uint32_t), bool limited, Subject& empty) {
  Growth out{name, {10, 100, 1000, 10'000}, limited, {}, {}, {}, {}};
  for (const std::uint32_t size : out.sizes) {
    const World world = make_world(shape(size));
    out.baselines.push_back(world.entries.empty() ? nullptr : std::make_unique<Baseline>(world, kFewFlows));
    out.netpolcs.push_back(std::make_unique<Netpolc>(world, kFewFlows));
    const Trio subjects{&empty, out.baselines.back().get(), out.netpolcs.back().get()};
    out.hot.push_back(verdict_alone(name, world, subjects, true));
    out.random.push_back(verdict_alone(name, world, subjects, false));
  }
  return out;
}

}  // namespace

std::vector<Growth> growths(Subject& empty) {
  std::vector<Growth> out;
  out.push_back(grow("identities and ports", everything, true, empty));
  out.push_back(grow("peer conditions", selectors, false, empty));
  out.push_back(grow("prefixes", prefixes, false, empty));
  return out;
}

}  // namespace netpolc::datapath_bench
