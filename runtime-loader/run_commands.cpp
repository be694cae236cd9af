// `run`: the daemon.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "runtime-loader/command.h"
#include "runtime-loader/daemon/daemon.h"
#include "runtime-loader/load_flags.h"

namespace netpolc::loader {
namespace {

struct Options : CommonOptions {
  LoadFlags flags;
  std::string watch, feed, metrics, log = "text";
  bool metrics_anywhere = false;
};

// What would make the loaded bundle another if it were loaded again. `own`: the daemon's options, which don't.
std::string words_of(const CLI::App& command, const std::vector<const CLI::Option*>& own) {
  std::string out;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || std::find(own.begin(), own.end(), option) != own.end()) continue;
    out += option->get_name();
    for (const std::string& value : option->results()) out += " " + std::to_string(value.size()) + ":" + value;
    out += "\n";
  }
  return out;
}

int run_command(Options& o, const std::string& load_words, const std::string& version) {
  if (o.watch.empty() && o.feed.empty()) return complain({FailureKind::Input, "nothing to follow: give --watch, --feed or both"});
  if (!o.feed.empty() && !o.feed.starts_with("unix:/")) return complain({FailureKind::Input, "--feed " + o.feed + ": expected unix:PATH, with an absolute path"});
  if (const Done done = o.flags.finish(); !done) return complain(done.error());
  daemon::RunOptions options;
  options.where = o.where();
  options.load = o.flags.load;
  options.load.keep_going = true;  // pods come and go
  options.endpoints = {o.flags.load.fresh, o.flags.load.mode};
  options.load_words = load_words;
  options.watch = o.watch;
  while (options.watch.size() > 1 && options.watch.back() == '/') options.watch.pop_back();
  if (!o.feed.empty()) options.feed = o.feed.substr(5);
  options.metrics = o.metrics;
  options.metrics_anywhere = o.metrics_anywhere;
  options.json_log = o.log == "json";
  options.version = version;
  return daemon::run(options);
}

}  // namespace

void add_run_command(CLI::App& app, const std::string& version, CommandAction& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("run", "the daemon: keep in force what a directory and a socket say, until SIGTERM; what is in force stays when it ends");
  std::vector<const CLI::Option*> own;
  own.push_back(command.add_option("--watch", o->watch, "a directory of bundles: its only one, or DIR/current; and the endpoints in DIR/endpoints.jsonl"));
  own.push_back(command.add_option("--feed", o->feed, "unix:PATH of a socket that endpoints and addresses are told at (docs/daemon.md)"));
  own.push_back(command.add_option("--metrics", o->metrics, "127.0.0.1:PORT for /metrics, /status, /healthz and /readyz"));
  own.push_back(command.add_flag("--metrics-anywhere", o->metrics_anywhere, "--metrics may be at an address that is not loopback's: whoever reaches it sees who is on this node"));
  own.push_back(command.add_option("--log", o->log, "text or json: a line an event on standard error")->check(CLI::IsMember({"text", "json"}))->capture_default_str());
  add_load_flags(command, o->flags);
  add_where(command, *o);
  for (const char* name : {"--root", "--state"}) own.push_back(command.get_option(name));
  command.callback([o, own, version, &command, &chosen] {
    chosen = [o, words = words_of(command, own), version] { return run_command(*o, words, version); };
  });
}

}  // namespace netpolc::loader
