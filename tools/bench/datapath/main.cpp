// netpolc-bench-datapath: what a packet costs in netpolc's programs, beside an empty program and a
// generic datapath (baseline.bpf.c). tools/bench.sh datapath runs it; docs/datapath-performance.md
// says how it measures.
//
// Exit: 0; 1 a limit was missed; 2 something failed; 77 not root.
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tools/bench/datapath/report.h"

namespace netpolc::datapath_bench {
namespace {

struct Options {
  int rounds = 21;
  int cpu = -1;
  bool growth = true;
  bool load = true;
};

void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) std::fprintf(stderr, "note: not bound to processor %d\n", cpu);
  setpriority(PRIO_PROCESS, 0, -20);
}

void say(const char* what) {
  if (isatty(STDERR_FILENO)) std::fprintf(stderr, "%s …\n", what);
}

int run(const Options& options) {
  stay_on(options.cpu >= 0 ? options.cpu : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)) - 1);
  say("loading");
  std::vector<LoadCost> costs;
  if (options.load)
    for (const auto& [selectors, ports] : {std::pair{10u, 1u}, {100u, 10u}, {100u, 100u}, {1000u, 10u}})
      costs.push_back(load_cost(selectors, ports));

  const World world = make_world({});
  Empty empty;
  Baseline baseline(world), flooded_baseline(world);
  Netpolc netpolc(world), flooded(world);
  std::vector<Case> cases = paths(world, {&empty, &baseline, &netpolc}, {&empty, &flooded_baseline, &flooded});
  const World world6 = make_world({.v6 = true});
  Netpolc netpolc6(world6);
  std::vector<Case> cases6 = quiet_paths(world6, {&empty, nullptr, &netpolc6});
  std::vector<Growth> grown;
  if (options.growth) grown = growths(empty);

  say("measuring");
  for (int round = 0; round < options.rounds; ++round) {
    run_round(cases);
    run_round(cases6);
    for (Growth& growth : grown) {
      run_round(growth.hot);
      run_round(growth.random);
    }
  }

  std::printf("%d rounds of 100,000 packets; %zu policy entries a direction, %zu addresses\n", options.rounds, world.table.egress.rules.size(), world.addresses.size() - 1);
  int missed = print_paths(cases);
  const std::uint32_t kept = survivors(world, flooded), kept_by_baseline = survivors(world, flooded_baseline);
  missed += kept != 10'000;
  std::printf("established flows after the flood, of 10,000: netpolc %u (%s; %llu newcomers were refused), baseline %u\n", kept,
              kept == 10'000 ? "undisturbed" : "MISSED", static_cast<unsigned long long>(flooded.stat(NP_STAT_REFUSED)), kept_by_baseline);
  print_ipv6(cases, cases6);
  for (const Growth& growth : grown) missed += print_growth(growth);
  missed += print_load(costs);
  if (options.load) print_programs("baseline", baseline_cost());
  if (missed > 0) std::printf("\n%d limits missed\n", missed);
  return missed > 0 ? 1 : 0;
}

}  // namespace
}  // namespace netpolc::datapath_bench

int main(int argc, char** argv) {
  netpolc::datapath_bench::Options options;
  CLI::App app{"what a packet costs"};
  app.add_option("--rounds", options.rounds, "rounds, of which medians and minima are shown")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--cpu", options.cpu, "processor to run on; the last one if not given");
  app.add_flag("!--no-growth", options.growth, "leave out the policies of growing size");
  app.add_flag("!--no-load", options.load, "leave out what programs cost before the first packet");
  CLI11_PARSE(app, argc, argv);
  if (geteuid() != 0) {
    std::fprintf(stderr, "error: loading programs into the kernel needs root\n");
    return 77;
  }
  try {
    return netpolc::datapath_bench::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  }
}
