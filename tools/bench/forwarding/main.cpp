// netpolc-bench-forwarding: sends packets from namespace to namespace and times them. Its scripts
// (tools/bench/forwarding.py) make the namespaces, load what is measured, and judge the figures.
//
// usage: netpolc-bench-forwarding run ROUNDS PACKETS CPU <PLANS
//          PLANS: a line each, NAME NODE CLIENTS SERVER FIRST COUNT FLOWS EMPTY EMPTY_SERVER (path.h)
//          prints for each NAME and the nanoseconds a packet of every round
//        netpolc-bench-forwarding objects ROOT
//          prints what the installation of the loader under ROOT holds (objects.h)
//
// All paths are measured in each round, one after the other in an order of chance, so that what else the
// machine does meets all of them. Exit: 0; 2 something failed.
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/bench/forwarding/objects.h"
#include "tools/bench/forwarding/path.h"

namespace netpolc::forwarding_bench {
namespace {

void stay_on(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) throw std::runtime_error("no processor " + std::to_string(cpu));
  setpriority(PRIO_PROCESS, 0, -20);
}

int run(unsigned rounds, std::uint32_t packets, unsigned cpu) {
  std::vector<std::unique_ptr<Path>> paths;
  for (Plan plan; std::cin >> plan.name >> plan.node >> plan.clients >> plan.server >> plan.first >> plan.count >> plan.flows >> plan.empty >> plan.empty_server;)
    paths.push_back(std::make_unique<Path>(plan));
  if (!std::cin.eof() || paths.empty()) throw std::runtime_error("can't read the plans");
  stay_on(cpu);
  for (const auto& path : paths) path->establish();
  std::vector<std::vector<double>> samples(paths.size());
  std::vector<std::size_t> order(paths.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(1);
  for (unsigned round = 0; round < rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t i : order) {
      paths[i]->run(packets / 8);  // what the path before left in the caches
      samples[i].push_back(paths[i]->run(packets));
    }
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    std::printf("%s", paths[i]->name().c_str());
    for (const double sample : samples[i]) std::printf(" %.2f", sample);
    std::printf("\n");
  }
  return 0;
}

}  // namespace
}  // namespace netpolc::forwarding_bench

int main(int argc, char** argv) try {
  using namespace netpolc::forwarding_bench;
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "objects" && argc == 3) return print_objects(argv[2]);
  if (what == "run" && argc == 5) return run(static_cast<unsigned>(std::stoul(argv[2])), static_cast<std::uint32_t>(std::stoul(argv[3])), static_cast<unsigned>(std::stoul(argv[4])));
  std::fprintf(stderr, "usage: netpolc-bench-forwarding run ROUNDS PACKETS CPU <PLANS | objects ROOT\n");
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "netpolc-bench-forwarding: %s\n", error.what());
  return 2;
}
