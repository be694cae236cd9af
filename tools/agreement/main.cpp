// netpolc-agreement — random policy sets and packets before four judges: the interpreter, the set engine, the solver's
// formula and the compiled program in this machine's kernel. docs/testing.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <random>
#include <thread>

#include "compiler/kernel_judge/kernel.h"
#include "tools/agreement/cover.h"
#include "tools/agreement/shrink.h"
#include "tools/agreement/vectors.h"
#include "tools/agreement/witnesses.h"
#include "tools/agreement/wrongs.h"

namespace netpolc::agreement {
namespace {

struct Arguments {
  std::uint64_t seed = 1;
  std::uint64_t sets = 400;
  std::size_t packets = 250;
  std::uint64_t at_least = 0;
  double seconds = 0;
  unsigned jobs = 0;
  std::string vectors, only;
  std::size_t every = 1;
  bool offline = false, mutate = false, show = false, witnesses = false;
};

struct Outcome {
  std::uint64_t sets = 0, accepted = 0, refused = 0, disagreements = 0;
  Verdicts verdicts;
  Coverage coverage;
  std::vector<std::string> texts;  // of disagreements and failures
  std::uint64_t failures = 0;

  void add(const Outcome& other) {
    sets += other.sets;
    accepted += other.accepted;
    refused += other.refused;
    disagreements += other.disagreements;
    failures += other.failures;
    verdicts.add(other.verdicts);
    for (const auto& [what, n] : other.coverage) coverage[what] += n;
    texts.insert(texts.end(), other.texts.begin(), other.texts.end());
  }
};

using Clock = std::chrono::steady_clock;
double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }
unsigned long long wide(std::uint64_t n) { return n; }

// Everything that is needed to say what a packet meets.
std::string setting_text(const PolicySetting& setting) {
  std::string out = "  Cilium 1." + std::to_string(setting.cluster.cilium_version) + ", config " + setting.cluster.data.at("config").dump() + "\n";
  for (const char* list : {"namespaces", "endpoints", "peers", "services"})
    for (const auto& one : setting.cluster.data.at(list)) out += "  " + one.dump() + "\n";
  if (!setting.cluster.data.at("fqdnIPs").empty()) out += "  names " + setting.cluster.data.at("fqdnIPs").dump() + "\n";
  for (const Json& policy : setting.policies) out += "---\n" + to_yaml(policy);
  return out;
}

std::vector<Disagreement> judge_setting(const PolicySetting& setting, const std::vector<Packet>& packets, kernel_judge::Programs& programs, const Options& options) {
  const judges::Scenario scenario = scenario_of(setting);
  judges::World world(scenario);
  Verdicts ignored;
  return judge(scenario, world, packets, programs, options, ignored);
}

std::string report(PolicySetting setting, const Disagreement& found, kernel_judge::Programs& programs, const Options& options) {
  const auto fails = [&](const std::vector<Json>& policies) {
    PolicySetting smaller = setting;
    smaller.policies = policies;
    try {
      return !judge_setting(smaller, {found.packet}, programs, options).empty();
    } catch (const std::exception&) {
      return false;
    }
  };
  if (!fails(setting.policies)) return "DISAGREEMENT " + setting.cluster.name + ", only among other packets\n  " + to_string(found.packet) + "\n" + found.said + setting_text(setting);
  setting.policies = shrink(setting.policies, fails, 150);
  const auto again = judge_setting(setting, {found.packet}, programs, options);
  return "DISAGREEMENT " + setting.cluster.name + "\n  " + to_string(found.packet) + "\n" + (again.empty() ? found.said : again.front().said) + setting_text(setting);
}

void run_set(std::uint64_t seed, const Arguments& arguments, kernel_judge::Programs& programs, Outcome& out) {
  ++out.sets;
  const PolicySetting setting = random_setting(seed);
  try {
    const judges::Scenario scenario = scenario_of(setting);
    judges::World world(scenario);
    for (const auto& one : world.results()) ++(one.accepted ? out.accepted : out.refused);
    if (arguments.show) std::printf("%s%s", setting_text(setting).c_str(), world.complaints().c_str());
    count(world, out.coverage);
    Random random(seed ^ 0x9e3779b97f4a7c15ULL);
    const auto packets = random_packets(random, world, arguments.packets);
    Options options;
    options.with_kernel = !arguments.offline;
    const auto found = judge(scenario, world, packets, programs, options, out.verdicts);
    out.disagreements += found.size();
    if (!found.empty() && out.texts.size() < 4) out.texts.push_back(report(setting, found.front(), programs, options));
  } catch (const std::exception& error) {
    ++out.failures;
    if (out.texts.size() < 4) out.texts.push_back("FAILED seed " + std::to_string(seed) + ": " + error.what() + "\n" + setting_text(setting));
  }
}

template <class T = Outcome, class F>
std::vector<T> in_parallel(unsigned jobs, F&& work) {
  std::vector<T> outcomes(jobs != 0 ? jobs : std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::thread> threads;
  for (T& outcome : outcomes) threads.emplace_back([&work, &outcome] { work(outcome); });
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

int compare(const Arguments& arguments) {
  const auto begin = Clock::now();
  kernel_judge::Programs programs;
  std::atomic<std::uint64_t> next = 0;
  Outcome all;
  for (const Outcome& outcome : in_parallel(arguments.jobs, [&](Outcome& out) {
         for (std::uint64_t n; n = next++, arguments.seconds > 0 ? since(begin) < arguments.seconds : n < arguments.sets;) run_set(arguments.seed + n, arguments, programs, out);
       }))
    all.add(outcome);
  for (const std::string& text : all.texts) std::printf("%s\n", text.c_str());
  const auto lacking = missing(all.coverage);
  if (arguments.show)
    for (const auto& [what, n] : all.coverage) std::printf("  %8llu %s\n", wide(n), what.c_str());
  // A few sets don't say everything.
  const bool everything = all.sets >= 400;
  if (everything)
    for (const std::string& what : lacking) std::printf("NOT GENERATED %s\n", what.c_str());
  std::printf("%zu kinds of things said, %llu policies, %llu refused; %llu programs loaded, %zu compiled; %llu questions to the solver\n", all.coverage.size(), wide(all.accepted),
              wide(all.refused), wide(all.verdicts.programs), programs.size(), wide(all.verdicts.questions));
  for (const auto& [word, n] : all.verdicts.sides) std::printf("  %10llu sides %s\n", wide(n), word.c_str());
  std::printf("seeds from %llu: %llu policy sets, %llu packets before four judges, %llu before three, %llu disagreements, %.0f s\n", wide(arguments.seed), wide(all.sets),
              wide(all.verdicts.in_kernel), wide(all.verdicts.without_kernel), wide(all.disagreements), since(begin));
  bool good = all.disagreements == 0 && all.failures == 0 && !(everything && !lacking.empty()) && all.refused * 20 < all.accepted;
  if (!arguments.offline && all.verdicts.in_kernel < arguments.at_least) {
    std::printf("fewer than %llu packets before four judges\n", wide(arguments.at_least));
    good = false;
  }
  return good ? 0 : 1;
}

// ---- wrong judges -----------------------------------------------------------------------------------------

// The first set and packets by which the others find out that the set engine has this wrong belief: then the same will do
// for another judge, which costs more to ask.
bool found_out(const Wrong& wrong, Judge who, const Arguments& arguments, kernel_judge::Programs& programs) {
  for (std::uint64_t n = 0; n < arguments.sets; ++n) {
    const std::uint64_t seed = arguments.seed + n;
    const judges::Scenario scenario = scenario_of(random_setting(seed));
    judges::World world(scenario);
    if (!wrong.matters(world)) continue;
    Random random(seed ^ 0x9e3779b97f4a7c15ULL);
    const auto packets = random_packets(random, world, arguments.packets);
    Verdicts ignored;
    Options options{.with_solver = false, .with_kernel = false, .wrong = &wrong, .who = Judge::Sets, .most = 8};
    const auto by_sets = judge(scenario, world, packets, programs, options, ignored);
    if (by_sets.empty()) continue;
    if (who == Judge::Sets) return true;
    std::vector<Packet> telling;
    for (const Disagreement& one : by_sets) telling.push_back(one.packet);
    options.who = who;
    options.with_solver = who == Judge::Solver;
    options.with_kernel = who == Judge::Kernel;
    if (!judge(scenario, world, telling, programs, options, ignored).empty()) return true;
  }
  return false;
}

int mutate(const Arguments& arguments) {
  const auto all = wrongs();
  kernel_judge::Programs programs;
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> tried = 0;
  Outcome total;
  for (const Outcome& outcome : in_parallel(arguments.jobs, [&](Outcome& out) {
         for (std::size_t n; (n = next++) < all.size() * kJudges;) {
           const Wrong& wrong = all[n / kJudges];
           const auto who = static_cast<Judge>(n % kJudges);
           if (who == Judge::Kernel && arguments.offline) continue;
           if (who == Judge::Solver && !wrong.to_solver) continue;
           ++tried;
           try {
             if (found_out(wrong, who, arguments, programs)) continue;
             out.texts.push_back(std::string("NOT FOUND OUT ") + to_string(who) + ": " + wrong.name);
           } catch (const std::exception& error) {
             out.texts.push_back(std::string("FAILED ") + to_string(who) + ": " + wrong.name + ": " + error.what());
           }
         }
       }))
    total.add(outcome);
  for (const std::string& text : total.texts) std::printf("%s\n", text.c_str());
  std::printf("%zu wrong beliefs, %llu judges that have one, %zu not found out\n", all.size(), wide(tried), total.texts.size());
  return total.texts.empty() ? 0 : 1;
}

// ---- witnesses --------------------------------------------------------------------------------------------

constexpr std::size_t kQuestions = 12;  // about a set

int find_witnesses(const Arguments& arguments) {
  const auto begin = Clock::now();
  kernel_judge::Programs programs;
  std::atomic<std::uint64_t> next = 0;
  WitnessTally all;
  for (const WitnessTally& tally : in_parallel<WitnessTally>(arguments.jobs, [&](WitnessTally& out) {
         for (std::uint64_t n; n = next++, arguments.seconds > 0 ? since(begin) < arguments.seconds : n < arguments.sets;) {
           try {
             judge_witnesses(arguments.seed + n, kQuestions, programs, out);
           } catch (const std::exception& error) {
             ++out.failures;
             if (out.texts.size() < 4) out.texts.push_back("FAILED seed " + std::to_string(arguments.seed + n) + ": " + error.what());
           }
         }
       }))
    all.add(tally);
  for (const std::string& text : all.texts) std::printf("%s\n", text.c_str());
  for (const auto& [what, n] : all.sides) std::printf("  %10llu sides %s\n", wide(n), what.c_str());
  std::printf("seeds from %llu: %llu policy sets, %llu questions, %llu witnesses, %llu of them with pods that don't exist, %llu packets (%llu to programs of nodes), %llu disagreements, %.0f s\n", wide(arguments.seed),
              wide(all.sets), wide(all.questions), wide(all.witnesses), wide(all.new_pods), wide(all.packets), wide(all.by_nodes), wide(all.disagreements), since(begin));
  if (all.packets < arguments.at_least) std::printf("fewer than %llu packets\n", wide(arguments.at_least));
  return all.disagreements == 0 && all.failures == 0 && all.packets >= arguments.at_least && (arguments.at_least == 0 || all.by_nodes > 0) ? 0 : 1;
}

// Programs of wrong policies must not agree with every witness.
int mutate_witnesses(const Arguments& arguments) {
  const auto all = wrongs();
  kernel_judge::Programs programs;
  std::atomic<std::size_t> next = 0;
  Outcome total;
  for (const Outcome& outcome : in_parallel(arguments.jobs, [&](Outcome& out) {
         for (std::size_t w; (w = next++) < all.size();) {
           bool noticed = false;
           for (std::uint64_t n = 0; n < arguments.sets && !noticed; ++n) noticed = witnesses_find_out(all[w], arguments.seed + n, kQuestions, programs);
           if (!noticed) out.texts.push_back(std::string("NOT FOUND OUT ") + all[w].name);
         }
       }))
    total.add(outcome);
  for (const std::string& text : total.texts) std::printf("%s\n", text.c_str());
  std::printf("programs with %zu wrong beliefs, %zu not found out by witnesses\n", all.size(), total.texts.size());
  return total.texts.empty() ? 0 : 1;
}

// ---- the vectors --------------------------------------------------------------------------------------------

int judge_all_vectors(const Arguments& arguments) {
  const auto begin = Clock::now();
  std::vector<judges::Scenario> scenarios;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(arguments.vectors))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::size_t n = 0;
  for (const auto& file : files)
    for (judges::Scenario& scenario : judges::read_scenarios(file.string()))
      if (scenario.name.find(arguments.only) != std::string::npos && n++ % arguments.every == 0) scenarios.push_back(std::move(scenario));
  kernel_judge::Programs programs;
  std::atomic<std::size_t> next = 0;
  VectorTally all;
  for (const VectorTally& tally : in_parallel<VectorTally>(arguments.jobs, [&](VectorTally& out) {
         for (std::size_t i; (i = next++) < scenarios.size();) {
           try {
             judge_vectors(scenarios[i], programs, out);
           } catch (const std::exception& error) {
             ++out.disagreements;
             out.texts.push_back("FAILED scenario " + scenarios[i].name + ": " + error.what());
           }
         }
       }))
    all.add(tally);
  for (const std::string& text : all.texts) std::printf("%s\n", text.c_str());
  std::printf("%llu questions to the solver; %llu claims, %llu of them refuted; %llu probes of policies that can't be computed\n", wide(all.questions), wide(all.claims), wide(all.refuted),
              wide(all.left_out));
  std::printf("%llu scenarios, %llu probes before interpreter, set engine and solver, %llu disagreements, %.0f s\n", wide(all.scenarios), wide(all.probes), wide(all.disagreements), since(begin));
  return all.disagreements == 0 && all.scenarios > 0 ? 0 : 1;
}

int run(Arguments arguments) {
  if (!arguments.vectors.empty()) return judge_all_vectors(arguments);
  std::optional<std::string> why;
  if (!arguments.offline) why = kernel_judge::kernel_unavailable();
  if (arguments.witnesses && !why) return arguments.mutate ? mutate_witnesses(arguments) : find_witnesses(arguments);
  if (arguments.witnesses) {
    std::printf("skipped: no program can be run in this kernel: %s\n", why->c_str());
    return 77;
  }
  arguments.offline |= why.has_value();
  const int result = arguments.mutate ? mutate(arguments) : compare(arguments);
  if (!why || result != 0) return result;
  std::printf("skipped: the fourth judge; no program can be run in this kernel: %s\n", why->c_str());
  return 77;
}

}  // namespace
}  // namespace netpolc::agreement

int main(int argc, char** argv) {
  using namespace netpolc::agreement;
  Arguments arguments;
  std::string seed = "1";
  CLI::App app{"Judges random packets under random policy sets four times: interpreter, set engine, solver, and compiled program in the kernel"};
  app.add_option("--seed", seed, "Of the first set; the others follow. `random`: another one every time")->capture_default_str();
  app.add_option("--sets", arguments.sets, "How many policy sets")->capture_default_str();
  app.add_option("--packets", arguments.packets, "... and packets for each")->capture_default_str();
  app.add_option("--seconds", arguments.seconds, "As many sets as fit in this time, instead");
  app.add_option("--at-least", arguments.at_least, "Fail if fewer packets came before four judges");
  app.add_option("--jobs", arguments.jobs, "Threads; as many as processors unless said");
  app.add_option("--vectors", arguments.vectors, "Judge the conformance vectors that lie there instead, without the kernel")->check(CLI::ExistingDirectory);
  app.add_option("--only", arguments.only, "Of those, scenarios whose name has this in it");
  app.add_option("--every", arguments.every, "... and of them each N-th scenario only")->check(CLI::PositiveNumber);
  app.add_flag("--offline", arguments.offline, "Without the kernel");
  app.add_flag("--mutate", arguments.mutate, "Give one judge a wrong belief after the other, and check that the others find out");
  app.add_flag("--witnesses", arguments.witnesses, "Ask the solver random questions instead, and the programs about each witness that it finds; with --mutate, wrong programs");
  app.add_flag("--show", arguments.show, "Print the policy sets and how often each thing was said");
  CLI11_PARSE(app, argc, argv);
  try {
    arguments.seed = seed == "random" ? std::random_device{}() : std::stoull(seed);
    return run(arguments);
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 2;
  }
}
