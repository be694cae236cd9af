// netpolc-sequences — packet sequences judged by the stateful model (ir/flow) and by programs in this
// machine's kernel: those of the files, then random ones, then mutated packets. See docs/testing.md.
//
// usage: netpolc-sequences [--seconds N] [--fuzz-seconds N] [--seed N] [--mutate] [--only WORDS] FILE…
// Exit code: 0 agreed, 1 a disagreement or an error, 77 no kernel to ask (a failure where CI=true).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "tools/sequences/crowd.h"
#include "tools/sequences/random.h"
#include "tools/sequences/wrongs.h"

namespace netpolc::sequences {
namespace {

constexpr std::size_t kStepsOfACase = 60, kCasesOfAWorld = 100, kFuzzedOfACase = 80;
constexpr int kMostFailures = 200, kExamples = 2;

struct Options {
  std::vector<std::string> files;
  double seconds = 20, fuzz_seconds = 10;
  std::uint64_t seed = 1;
  bool mutate = false;
  std::string only;
};

struct Loaded {
  std::string name;
  Script script;
  std::shared_ptr<Kernel> kernel = nullptr;  // once it was needed
  Kernel& judge() {
    if (!kernel) kernel = std::make_shared<Kernel>(script);
    return *kernel;
  }
};

class Deadline {
 public:
  explicit Deadline(double seconds) : end_(std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds)) {}
  bool is_over() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  std::chrono::time_point<std::chrono::steady_clock, std::chrono::duration<double>> end_;
};

std::vector<Loaded> load(const Options& options) {
  std::vector<Loaded> out;
  for (const std::string& name : options.files) {
    std::ifstream in(name);
    if (!in) throw std::runtime_error(name + ": can't be read");
    std::ostringstream text;
    text << in.rdbuf();
    out.push_back({name, parse_script(name, text.str())});
    if (!options.only.empty()) std::erase_if(out.back().script.cases, [&](const Case& one) { return one.name.find(options.only) == std::string::npos; });
  }
  return out;
}

class Judges {
 public:
  explicit Judges(const Wrong* wrong, bool quiet) : wrong_(wrong), quiet_(quiet) {}
  int failures() const { return failures_; }
  const Tally& tally() const { return tally_; }

  void judge(Kernel& kernel, const Script& script, const Case& one, const std::string& where) {
    const auto difference = run(kernel, script, one, wrong_, tally_);
    if (!difference) return;
    ++failures_;
    if (quiet_) return;
    // One example of a kind: what comes after the first is told apart by nobody.
    if (one.steps[difference->step].line == 0 && ++kinds_[difference->what.substr(0, difference->what.find('\n'))] > kExamples) return;
    const std::size_t line = one.steps[difference->step].line;
    std::cout << where << (line ? ":" + std::to_string(line) : std::string()) << ": case " << one.name << ": " << difference->what << "\n";
    if (line) {
      std::cout << "  at: " << print(one.steps[difference->step], script) << "\n\n";
      return;
    }
    const Shrunk shrunk = shrink(kernel, script, one, *difference, wrong_);
    std::cout << "# the smallest sequence that differs: " << shrunk.difference.what << "\n" << print(shrunk.script, shrunk.smallest) << std::endl;
  }

  void files(std::vector<Loaded>& files) {
    for (Loaded& file : files)
      for (const Case& one : file.script.cases) judge(file.judge(), file.script, one, file.name);
  }

  void random(std::uint64_t seed, double seconds) {
    Deadline deadline(seconds);
    for (std::uint64_t world = 0; !deadline.is_over() && failures_ < limit(); ++world) {
      Random random(seed * 1'000'003 + world);
      const Script script = random_world(random);
      Kernel kernel(script);
      for (std::size_t n = 0; n < kCasesOfAWorld && !deadline.is_over() && failures_ < limit(); ++n)
        judge(kernel, script, random_case(script, random, kStepsOfACase), "random, seed " + std::to_string(seed) + ", world " + std::to_string(world) + ", sequence " + std::to_string(n));
    }
  }

  // Packets of the files, mutated, among those as they are: so that there are flows to hit.
  void fuzz(std::vector<Loaded>& files, std::uint64_t seed, double seconds) {
    std::vector<Loaded*> with_packets;
    for (Loaded& file : files)
      if (!sends(file.script).empty()) with_packets.push_back(&file);
    Deadline deadline(seconds);
    for (std::uint64_t round = 0; !deadline.is_over() && failures_ < limit() && !with_packets.empty(); ++round) {
      Random random(seed * 1'000'003 + round);
      Loaded& file = *with_packets[round % with_packets.size()];
      const std::vector<Send> base = sends(file.script);
      for (int n = 0; n < 60 && !deadline.is_over() && failures_ < limit(); ++n) {
        Case one{.name = "mutated", .steps = {}};
        for (std::size_t i = 0; i < kFuzzedOfACase; ++i) {
          Send send = base[random() % base.size()];
          send.expect.reset();
          if (random() % 4 != 0) {
            Packet raw;
            raw.kind = Packet::Kind::Raw;
            raw.raw = mutate(frame_of(send.packet), random);
            send.packet = raw;
          }
          one.steps.push_back({send});
        }
        judge(file.judge(), file.script, one, file.name + ", mutated, seed " + std::to_string(seed) + ", round " + std::to_string(round));
      }
    }
  }

  void crowd() {
    const auto wrong = sequences::crowd(tally_);
    if (!wrong) return;
    ++failures_;
    std::cout << "more flows than there is room for: " << *wrong << "\n";
  }

 private:
  int limit() const { return quiet_ ? 1 : kMostFailures; }
  static std::vector<Send> sends(const Script& script) {
    std::vector<Send> out;
    for (const Case& one : script.cases)
      for (const Step& step : one.steps)
        if (const auto* send = std::get_if<Send>(&step.does); send && frame_of(send->packet).size() > 14) out.push_back(*send);
    return out;
  }

  const Wrong* wrong_;
  bool quiet_;
  int failures_ = 0;
  std::map<std::string, int> kinds_;
  Tally tally_;
};

void say(const char* what, const Tally& tally, const Tally& before) {
  std::cout << what << ": " << tally.cases - before.cases << " sequences, " << tally.packets - before.packets << " packets\n";
}

int judge_all(const Options& options, std::vector<Loaded>& files) {
  Judges judges(nullptr, false);
  Tally before;
  judges.files(files);
  say("written", judges.tally(), before);
  before = judges.tally();
  judges.random(options.seed, options.seconds);
  say("random", judges.tally(), before);
  before = judges.tally();
  judges.fuzz(files, options.seed, options.fuzz_seconds);
  say("mutated", judges.tally(), before);
  before = judges.tally();
  judges.crowd();
  say("crowded", judges.tally(), before);
  for (const auto& [outcome, count] : judges.tally().outcomes) std::printf("%12llu %s\n", static_cast<unsigned long long>(count), outcome.c_str());
  std::cout << judges.tally().cases << " sequences, " << judges.tally().packets << " packets, " << judges.failures() << " disagreements" << std::endl;
  return judges.failures() == 0 ? 0 : 1;
}

// Expectations would notice as well; here the kernel alone must.
void forget_expectations(std::vector<Loaded>& files) {
  for (Loaded& file : files)
    for (Case& one : file.script.cases)
      for (Step& step : one.steps)
        if (auto* send = std::get_if<Send>(&step.does)) send->expect.reset();
}

int judge_wrongs(const Options& options, std::vector<Loaded>& files) {
  forget_expectations(files);
  Judges right(nullptr, false);
  right.files(files);
  if (right.failures() != 0) throw std::runtime_error("the right model differs as well, so the wrong ones prove nothing");
  int missed = 0, all = 0;
  for (const Wrong& wrong : wrongs()) {
    Judges judges(&wrong, true);
    judges.files(files);
    const int written = judges.failures();
    if (written == 0) judges.random(options.seed, options.seconds);
    ++all;
    if (judges.failures() == 0) ++missed;
    std::cout << (judges.failures() == 0 ? "MISSED  " : "noticed ") << wrong.name << " (" << written << " written sequences)\n";
  }
  std::cout << all << " wrong models, " << missed << " missed" << std::endl;
  return missed == 0 ? 0 : 1;
}

int run_all(const Options& options) {
  std::vector<Loaded> files = load(options);
  if (const auto why = kernel_unavailable()) {
    std::cout << "skipped: " << *why << std::endl;
    const char* ci = std::getenv("CI");
    return ci != nullptr && std::string_view(ci) == "true" ? 1 : 77;
  }
  return options.mutate ? judge_wrongs(options, files) : judge_all(options, files);
}

}  // namespace
}  // namespace netpolc::sequences

int main(int count, char** words) {
  using namespace netpolc::sequences;
  Options options;
  CLI::App app{"packet sequences, judged by the stateful model and by the kernel"};
  app.add_option("files", options.files, "sequences, as in testdata/packets");
  app.add_option("--seconds", options.seconds, "of random sequences");
  app.add_option("--fuzz-seconds", options.fuzz_seconds, "of mutated packets");
  app.add_option("--seed", options.seed, "of both");
  app.add_option("--only", options.only, "cases whose name has these words");
  app.add_flag("--mutate", options.mutate, "wrong models instead, each of which must be noticed");
  CLI11_PARSE(app, count, words);
  try {
    return run_all(options);
  } catch (const std::exception& error) {
    std::cerr << "netpolc-sequences: " << error.what() << "\n";
    return 1;
  }
}
