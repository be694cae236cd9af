// netpolc-judges — every probe of the conformance vectors, judged by the vector, the reference
// interpreter, the decision table, and the compiled program on a real packet in this machine's
// kernel (BPF_PROG_TEST_RUN). docs/testing.md.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "tools/judges/mutants.h"

namespace netpolc::judges {
namespace {

struct Options {
  std::string directory;
  std::string only;
  std::size_t every = 1;
  unsigned jobs = 0;
  bool offline = false;
  bool mutate = false;
};

struct MutantTally {
  std::uint64_t noticed = 0, missed = 0;
};

struct Outcome {
  Tally tally;
  std::map<std::string, MutantTally> mutants;  // by kind
  std::vector<std::string> missed, failures;
};

std::vector<Scenario> read_all(const Options& options) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options.directory))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Scenario> out;
  std::size_t n = 0;
  for (const auto& file : files)
    for (Scenario& scenario : read_scenarios(file.string()))
      if (scenario.name.find(options.only) != std::string::npos && n++ % options.every == 0) out.push_back(std::move(scenario));
  return out;
}

void mutate(World& world, const Cases& cases, Programs& programs, Outcome& outcome) {
  for (const Mutant& mutant : find_mutants(world, cases)) {
    Tally tally;
    judge_in_kernel(world, cases, programs, &mutant, tally);
    // Some change who decided and not what: that is to be noticed as well.
    const bool noticed = std::any_of(tally.kinds.begin(), tally.kinds.end(), [](const auto& kind) { return kind.first.starts_with("kernel: "); });
    ++(noticed ? outcome.mutants[mutant.kind].noticed : outcome.mutants[mutant.kind].missed);
    if (!noticed) outcome.missed.push_back("scenario " + world.scenario().name + ", table " + std::to_string(mutant.table) + ": " + mutant.text);
  }
}

void judge(Scenario scenario, const Options& options, Programs& programs, Outcome& outcome) {
  const std::string name = scenario.name;
  try {
    World world(std::move(scenario));
    const Cases cases = make_cases(world);
    if (options.mutate) return mutate(world, cases, programs, outcome);
    judge_offline(world, cases, outcome.tally);
    if (!options.offline) judge_in_kernel(world, cases, programs, nullptr, outcome.tally);
  } catch (const std::exception& error) {
    outcome.failures.push_back("scenario " + name + ": " + error.what());
  }
}

void merge(Outcome& into, const Outcome& from) {
  into.tally.add(from.tally);
  for (const auto& [kind, tally] : from.mutants) {
    into.mutants[kind].noticed += tally.noticed;
    into.mutants[kind].missed += tally.missed;
  }
  into.missed.insert(into.missed.end(), from.missed.begin(), from.missed.end());
  into.failures.insert(into.failures.end(), from.failures.begin(), from.failures.end());
}

Outcome judge_all(std::vector<Scenario> scenarios, const Options& options, Programs& programs) {
  const unsigned jobs = options.jobs != 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  std::vector<Outcome> outcomes(jobs);
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (Outcome& outcome : outcomes)
    threads.emplace_back([&] {
      for (std::size_t i; (i = next++) < scenarios.size();) judge(std::move(scenarios[i]), options, programs, outcome);
    });
  for (std::thread& thread : threads) thread.join();
  Outcome all;
  for (const Outcome& outcome : outcomes) merge(all, outcome);
  return all;
}

unsigned long long wide(std::uint64_t n) { return n; }

void print_judged(const Outcome& all, Programs& programs, bool offline) {
  const Tally& t = all.tally;
  for (const std::string& text : t.examples) std::printf("DISAGREEMENT %s", text.c_str());
  for (const auto& [kind, count] : t.kinds) std::printf("%llu disagreements, %s\n", wide(count), kind.c_str());
  if (!offline) {
    std::printf("programs: %llu loaded, %llu distinct ones compiled\n", wide(t.tables), wide(programs.size()));
    std::printf("packets: %llu IPv4, %llu IPv6; an event, a counter and a verdict each\n", wide(t.packets4), wide(t.packets6));
    for (const auto& [reason, count] : t.reasons) std::printf("  %10llu %s\n", wide(count), reason.c_str());
    std::printf("judged without a packet, by interpreter and table:\n");
    for (int reason = 1; reason < kNoPacketReasons; ++reason)
      std::printf("  %10llu %s\n", wide(t.without_packet[static_cast<std::size_t>(reason)]), to_string(static_cast<NoPacket>(reason)));
    std::printf("probes with a packet at every end that has policies: %llu of %llu\n", wide(t.probes_in_kernel), wide(t.probes));
  }
  std::printf("%llu scenarios, %llu pairs, %llu probes, %llu judgements, %llu packets, %llu disagreements\n", wide(t.scenarios), wide(t.cells), wide(t.probes),
              wide(t.cases), wide(t.packets4 + t.packets6), wide(t.disagreements));
}

bool print_mutants(const Outcome& all) {
  for (const std::string& text : all.missed) std::printf("NOT NOTICED %s\n", text.c_str());
  std::uint64_t noticed = 0, missed = 0;
  for (const auto& [kind, tally] : all.mutants) {
    std::printf("%s wrong: %llu tables, noticed in %llu\n", kind.c_str(), wide(tally.noticed + tally.missed), wide(tally.noticed));
    noticed += tally.noticed;
    missed += tally.missed;
  }
  std::printf("%llu wrong tables, %llu noticed, %llu not\n", wide(noticed + missed), wide(noticed), wide(missed));
  return missed == 0 && noticed > 0;
}

int run(const Options& options) {
  if (!options.offline) {
    if (const auto why = kernel_judge::kernel_unavailable()) {
      std::printf("skipped: no program can be run in this kernel: %s\n", why->c_str());
      return 77;
    }
  }
  const auto begin = std::chrono::steady_clock::now();
  auto scenarios = read_all(options);
  if (scenarios.empty()) {
    std::printf("no scenario found in %s\n", options.directory.c_str());
    return 2;
  }
  Programs programs;
  const Outcome all = judge_all(std::move(scenarios), options, programs);
  for (const std::string& text : all.failures) std::printf("FAILED %s\n", text.c_str());
  bool good = all.failures.empty();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%.1f s\n", seconds);
  if (options.mutate) {
    good &= print_mutants(all);
  } else {
    print_judged(all, programs, options.offline);
    good &= all.tally.disagreements == 0;
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace netpolc::judges

int main(int argc, char** argv) {
  netpolc::judges::Options options;
  CLI::App app{"Judges every probe of the conformance vectors four times: vector, interpreter, table, and compiled program in the kernel"};
  app.add_option("directory", options.directory, "Where the vectors lie (below it, every .json)")->required()->check(CLI::ExistingDirectory);
  app.add_option("--only", options.only, "Scenarios whose name has this in it");
  app.add_option("--every", options.every, "Of those, each N-th only")->check(CLI::PositiveNumber);
  app.add_option("--jobs", options.jobs, "Threads; as many as processors unless said");
  app.add_flag("--offline", options.offline, "Without the kernel");
  app.add_flag("--mutate", options.mutate, "Load wrong tables instead and check that it is noticed");
  CLI11_PARSE(app, argc, argv);
  try {
    return netpolc::judges::run(options);
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 2;
  }
}
