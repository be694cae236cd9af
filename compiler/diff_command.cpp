// `netpolc diff`: what two sets of manifests let pass, or one set under two versions of Cilium.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "compiler/commands.h"
#include "compiler/diff/report.h"
#include "compiler/exit_code.h"
#include "compiler/session.h"
#include "verify/diff/diff.h"

namespace netpolc::compiler {
namespace {

struct Options {
  InputOptions input;
  std::vector<std::string> sets;  // A, B
  std::string versions = "1.18", fail_on = "any", output = "text";
};

struct Versions {
  std::string before, after;
};
// "1.18" or "1.18..1.19".
std::optional<Versions> versions_of(const std::string& text) {
  const auto dots = text.find("..");
  const Versions out = dots == std::string::npos ? Versions{text, text} : Versions{text.substr(0, dots), text.substr(dots + 2)};
  const auto known = [](const std::string& one) { return std::find(cilium_versions().begin(), cilium_versions().end(), one) != cilium_versions().end(); };
  return known(out.before) && known(out.after) ? std::optional(out) : std::nullopt;
}

// "" if there is something to compare.
std::string nothing_to_compare(const Options& options, const Versions& versions) {
  const bool two_versions = versions.before != versions.after;
  if (options.sets.size() > 2) return "diff compares two sets: A and B; give what both have with -f";
  if (!two_versions && options.sets.size() < 2) return "diff compares two sets, A and B, or one under two versions, with --cilium-version 1.18..1.19";
  std::vector<std::string> all = options.sets;
  all.insert(all.end(), options.input.files.begin(), options.input.files.end());
  if (two_versions && all.empty()) return "nothing to read: give files or directories";
  // What is read twice must be there twice.
  const bool read_twice = options.sets.size() < 2 || std::find(options.input.files.begin(), options.input.files.end(), "-") != options.input.files.end();
  if (read_twice && std::find(all.begin(), all.end(), "-") != all.end()) return "stdin can be read once: of a comparison it can be A or B, and not what both have";
  return options.sets.size() == 2 && options.sets[0] == "-" && options.sets[1] == "-" ? "stdin can be read once: it can be A or B" : "";
}

std::optional<int> open_set(const Options& options, std::size_t number, const std::string& version, Session& session) {
  InputOptions input = options.input;
  input.cilium_version = version;
  if (!options.sets.empty()) input.files.push_back(options.sets[std::min(number, options.sets.size() - 1)]);
  return open(input, session);
}

bool fails(const verify::Diff& diff, const std::string& on) {
  if (on == "none") return false;
  if (on == "any") return diff.differs();
  const bool opened = on == "opened";
  const auto traffic = [&](const verify::TrafficChange& one) { return opened ? one.opens : one.closes; };
  const auto arrival = [&](const verify::Arrival& one) { return one.came == opened; };
  const auto enforcement = [&](const verify::EnforcementChange& one) { return (one.before == ir::Enforcement::DefaultDeny) == opened; };
  return std::any_of(diff.traffic.begin(), diff.traffic.end(), traffic) || std::any_of(diff.arrivals.begin(), diff.arrivals.end(), arrival) ||
         std::any_of(diff.enforcement.begin(), diff.enforcement.end(), enforcement);
}

// Tables choose between rules that redirect or authenticate as later versions do (docs/semantics.md), so that a difference in
// that alone could be missed.
bool chooses_otherwise(const Session& session) {
  if (session.loaded.cluster.config.version >= 17) return false;
  const auto asks = [](const ir::Rule& rule) {
    return rule.auth != ir::AuthMode::Unset || std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return item.l7.redirects(); });
  };
  const auto& policies = session.loaded.policies.policies;
  return std::any_of(policies.begin(), policies.end(), [&](const ir::Policy& policy) { return std::any_of(policy.rules.begin(), policy.rules.end(), asks); });
}

int run(const Options& options) {
  const auto versions = versions_of(options.versions);
  if (!versions) return complain("--cilium-version " + options.versions + ": expected one of 1.16 to 1.20, or two, such as 1.18..1.19");
  if (const std::string problem = nothing_to_compare(options, *versions); !problem.empty()) return complain(problem);
  Session before, after;
  if (const auto code = open_set(options, 0, versions->before, before)) return *code;
  if (const auto code = open_set(options, 1, versions->after, after)) return *code;
  const auto world = [](const Session& session) { return verify::DiffWorld{session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock}; };
  const verify::Diff diff = verify::diff(world(before), world(after));
  const std::string out = options.output == "json"       ? to_json(diff, before, after)
                          : options.output == "markdown" ? to_markdown(report(diff, before, after))
                                                         : to_text(report(diff, before, after), use_colour(options.input.color, Stream::Out));
  std::fwrite(out.data(), 1, out.size(), stdout);
  const bool unsure = chooses_otherwise(before) || chooses_otherwise(after);
  if (unsure) std::fputs("undecided: Cilium 1.16 chooses otherwise between rules that redirect or authenticate; a difference in that alone may be missing here\n", stderr);
  return fails(diff, options.fail_on) ? kNegative : diff.is_undecided() || unsure ? kUndecided : kGood;
}

}  // namespace

void add_diff(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("diff", "What passes in one set of manifests and not in another, and because of which rules");
  add_reading_options(*command, options->input);
  command->get_option("--file")->description("What both sets have, such as the cluster: a file, a directory, or - for stdin; repeatable");
  command->add_option("sets", options->sets, "A and B: what is before and what is after, files or directories")->group("Input");
  command->add_option("--cilium-version", options->versions, "Whose semantics: 1.16 to 1.20 (default 1.18), or two, 1.18..1.19, for A and B")->group("Input");
  command->add_option("--fail-on", options->fail_on, "none, opened, closed or any: the differences that end with 1")
      ->check(CLI::IsMember({"none", "opened", "closed", "any"}))
      ->capture_default_str()
      ->group("Output");
  command->add_option("-o,--output", options->output, "text, json or markdown")->check(CLI::IsMember({"text", "json", "markdown"}))->group("Output");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::compiler
