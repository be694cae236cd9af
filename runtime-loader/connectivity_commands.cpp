// `connectivity test`: the article's checklist on one machine.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "runtime-loader/command.h"
#include "runtime-loader/connectivity/report.h"
#include "runtime-loader/connectivity/run.h"
#include "runtime-loader/files.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/table.h"

namespace netpolc::loader {
namespace {

namespace fs = std::filesystem;

struct TestOptions {
  connectivity::Options run;
  std::string own_bundle, bundle_directory, junit, format = "text";
  std::uint32_t limit = 55, patience = 3;
  bool list = false, keep = false;
};

// Beside the program: PREFIX/bin or PREFIX/sbin has it, PREFIX/share the bundle.
Result<std::string> shipped_bundle(const std::string& asked) {
  if (!asked.empty()) return asked;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path found = program.parent_path().parent_path() / "share" / "netpolc" / "connectivity";
  if (error || !fs::exists(found / "bundle.json", error))
    return bad_input("the bundle that is shipped is not in " + found.string() + ": say where it is with --bundle-dir, or give a bundle of your own");
  return found.string();
}

int show_list(const TestOptions& o) {
  const auto tests = connectivity::list(o.run);
  if (!tests) return complain(tests.error());
  TableRows rows;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const auto& [name, about] : *tests) {
    rows.push_back({name, about});
    json.push_back({{"name", name}, {"about", about}});
  }
  print(o.format == "json" ? json.dump(1) + "\n" : table_text(rows));
  return kGood;
}

void keep_until_interrupted(const connectivity::World& world) {
  std::fprintf(stderr, "netpol-loader: kept until this is interrupted. To look, as root:\n");
  for (const std::string& line : world.how_to_look()) std::fprintf(stderr, "  %s\n", line.c_str());
  while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

int test_command(TestOptions& o) {
  o.run.shipped = o.own_bundle.empty();
  const auto bundle = o.run.shipped ? shipped_bundle(o.bundle_directory) : Result<std::string>(o.own_bundle);
  if (!bundle) return complain(bundle.error());
  o.run.bundle = *bundle;
  o.run.limit = std::chrono::seconds(o.limit);
  o.run.patience = std::chrono::seconds(o.patience);
  if (o.list) return show_list(o);
  const bool text = o.format == "text", utf8 = connectivity::reads_utf8();
  connectivity::Progress progress;
  progress.begun = [&](const connectivity::Outcome& it, const std::vector<std::string>& names) {
    if (text) print(connectivity::head_text(it, names.size()));
  };
  progress.done = [&](const connectivity::TestResult& test, std::size_t number, std::size_t of) {
    if (text) print(connectivity::test_text(test, number, of, utf8));
  };
  progress.failed = [&](const connectivity::World& world) {
    if (o.keep) keep_until_interrupted(world);
  };
  const auto outcome = connectivity::run(o.run, progress);
  if (!outcome) return complain(outcome.error());
  if (outcome->interrupted) return complain({FailureKind::Kernel, "interrupted"});
  print(text ? connectivity::end_text(*outcome, utf8) : connectivity::outcome_json(*outcome));
  if (!o.junit.empty())
    if (const Done done = write_file(o.junit, connectivity::outcome_junit(*outcome)); !done) return complain(done.error());
  return outcome->good() ? kGood : kNegative;
}

}  // namespace

void add_connectivity_commands(CLI::App& app, CommandAction& chosen) {
  const auto o = std::make_shared<TestOptions>();
  CLI::App& group = *app.add_subcommand("connectivity", "try policies with real packets");
  group.require_subcommand(1);
  CLI::App& test = *group.add_subcommand(
      "test", "put a bundle into force between pods, nodes and an outside made of network namespaces, and hold what packets meet against what the bundle says; needs root, "
              "touches nothing of this machine's network");
  test.add_option("BUNDLE", o->own_bundle, "a bundle of your own: some of its pods, and ports that its rules name (default: the one that is shipped)");
  test.add_option("--bundle-dir", o->bundle_directory, "where the bundle that is shipped is (default: share/netpolc/connectivity beside the program)");
  test.add_option("--test", o->run.tests, "run tests whose name this regular expression is found in; !PATTERN leaves them out (repeatable)")->take_all();
  test.add_flag("--list", o->list, "show the tests and run none");
  test.add_option("--junit-file", o->junit, "write results there, too, as JUnit");
  test.add_option("--timeout", o->limit, "seconds for all tests; what is not done by then fails")->check(CLI::Range(1u, 3600u))->capture_default_str();
  test.add_option("--request-timeout", o->patience, "seconds to wait for an answer")->check(CLI::Range(1u, 60u))->capture_default_str();
  test.add_flag("--keep", o->keep, "when tests failed, keep everything until interrupted, and say how to look");
  test.add_option("-o,--output", o->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  test.callback([o, &chosen] { chosen = [o] { return test_command(*o); }; });
}

}  // namespace netpolc::loader
