// The commands that show what is in force: `status`, `policy get` and `metrics`.
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <thread>

#include "runtime-loader/command.h"
#include "runtime-loader/duration.h"
#include "runtime-loader/health.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/metrics.h"
#include "runtime-loader/policy_output.h"
#include "runtime-loader/status.h"

namespace netpolc::loader {
namespace {

struct StatusOptions : CommonOptions {
  bool brief = false, verbose = false;
  std::string wait;
};

// Looks again until all is well or the time is over.
Result<Status> awaited_status(const StatusOptions& o, std::uint32_t seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  for (;;) {
    auto found = status(o.root, o.state);
    if (seconds == 0 || (found && is_all_well(components(*found))) || Clock::now() >= end || interrupted()) return found;
    std::this_thread::sleep_for(std::min<Clock::duration>(std::chrono::milliseconds(250), end - Clock::now()));
  }
}

int status_command(const StatusOptions& o) {
  std::uint32_t seconds = 0;
  if (!o.wait.empty()) {
    const auto given = parse_duration(o.wait);
    if (!given) return complain({FailureKind::Input, "--wait: " + given.error().message});
    seconds = *given;
  }
  const auto found = awaited_status(o, seconds);
  if (!found) return complain(found.error());
  print(o.json() ? status_json(*found) : status_text(*found, o.brief) + (o.verbose ? details_text(*found) : ""));
  if (interrupted()) return kInterrupted;
  const std::vector<Component> all = components(*found);
  return (seconds == 0 ? is_healthy(all) : is_all_well(all)) ? kGood : kNegative;
}

void add_status(CLI::App& app, CommandAction& chosen) {
  const auto o = std::make_shared<StatusOptions>();
  CLI::App& command = *app.add_subcommand("status", "one word a component, and why some aren't ok; exit 1 where one fails or nothing is loaded");
  CLI::Option* brief = command.add_flag("--brief", o->brief, "the words alone, without reasons");
  command.add_flag("-v,--verbose", o->verbose, "attachments, maps, the counters of every rule and drops too")->excludes(brief);
  command.add_flag("--wait{60s}", o->wait, "until all is ok, for at most so long (--wait=5m); then exit 1 where it isn't");
  add_common(command, *o);
  command.callback([o, &chosen] { chosen = [o] { return status_command(*o); }; });
}

struct PolicyOptions : CommonOptions {
  std::string endpoint;
};

int policy_command(const PolicyOptions& o) {
  const auto found = status(o.root, o.state);
  if (!found) return complain(found.error());
  if (!found->installed) return complain({FailureKind::Input, "nothing is loaded under " + found->root});
  OnlyEndpoint only;
  if (!o.endpoint.empty()) {
    const auto endpoint = endpoint_of(*found, o.endpoint);
    if (!endpoint) return complain(endpoint.error());
    only = *endpoint;
  }
  print(o.json() ? policies_json(*found, only) : policies_text(*found, only));
  return kGood;
}

void add_policy(CLI::App& app, CommandAction& chosen) {
  const auto o = std::make_shared<PolicyOptions>();
  CLI::App& policy = *app.add_subcommand("policy", "the rules that are in force");
  policy.require_subcommand(1);
  CLI::App& get = *policy.add_subcommand("get", "every rule with its place in the policies and what it counted");
  get.add_option("ENDPOINT", o->endpoint, "NAMESPACE/POD as attached, of the bundle, or an interface (default: all that are attached)");
  add_common(get, *o);
  get.callback([o, &chosen] { chosen = [o] { return policy_command(*o); }; });
}

int metrics_command(const CommonOptions& o) {
  const auto found = status(o.root, o.state);
  print(metrics_text(found));
  return found ? kGood : complain(found.error());
}

void add_metrics(CLI::App& app, CommandAction& chosen) {
  const auto o = std::make_shared<CommonOptions>();
  CLI::App& command = *app.add_subcommand("metrics", "once what a daemon serves at /metrics: for a node exporter's textfile collector");
  add_where(command, *o);
  command.callback([o, &chosen] { chosen = [o] { return metrics_command(*o); }; });
}

}  // namespace

void add_status_commands(CLI::App& app, CommandAction& chosen) {
  add_status(app, chosen);
  add_policy(app, chosen);
  add_metrics(app, chosen);
}

}  // namespace netpolc::loader
