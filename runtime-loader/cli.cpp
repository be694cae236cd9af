#include "runtime-loader/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <nlohmann/json.hpp>

#include "runtime-loader/command.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/object.h"
#include "runtime-loader/privileges.h"
#include "runtime-loader/unload.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;
using Action = CommandAction;

int unload_command(const CommonOptions& o) {
  const auto report = unload(o.root, o.state);
  if (!report) return complain(report.error());
  if (o.json())
    print(Json{{"detached", report->links}, {"external", report->external}}.dump() + "\n");
  else
    print("unloaded: " + std::to_string(report->links) + " programs detached from " +
          std::to_string(report->interfaces) + " interfaces" +
          (report->external == 0 ? "" : ", and from " + std::to_string(report->external) + " external devices") + "\n");
  if (!report->left_over.empty()) std::fprintf(stderr, "netpol-loader: %s\n", report->left_over.c_str());
  return kGood;
}

void add_unload(CLI::App& app, CommonOptions& o, Action& chosen) {
  CLI::App& unload = *app.add_subcommand("unload", "take everything away: programs, maps, pins and state");
  add_common(unload, o);
  unload.callback([&] { chosen = [&] { return unload_command(o); }; });
}

// It makes namespaces of its own, and pods in them.
constexpr std::string_view kPrivileged = "connectivity";

// Who neither mounts bpffs nor enters a namespace, whatever there is.
bool may_need_admin(std::string_view command) { return command != "check" && command != "monitor" && command != "identity"; }

int parse_and_run(int argc, const char* const* argv) {
  if (argc < 2 || argv[1] != kPrivileged)
    if (const Done done = drop_privileges(); !done) return complain(done.error());
  CLI::App app{"netpol-loader puts bundles of compiled network policies into force on a node.", "netpol-loader"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "netpol-loader " NETPOLC_VERSION);
  app.get_formatter()->column_width(34);
  CommonOptions options;
  Action chosen;
  add_load_commands(app, chosen);
  add_run_command(app, NETPOLC_VERSION, chosen);
  add_generation_commands(app, chosen);
  add_status_commands(app, chosen);
  add_endpoint_commands(app, chosen);
  add_unload(app, options, chosen);
  add_monitor_command(app, chosen);
  add_address_commands(app, chosen);
  add_check_command(app, chosen);
  add_connectivity_commands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kGood : kNoAnswer;
  }
  if (!may_need_admin(app.get_subcommands().front()->get_name()))
    if (const Done done = give_up_admin(); !done) return complain(done.error());
  catch_interrupts();
  silence_libbpf();
  return chosen();
}

}  // namespace

int complain(const Failure& failure) {
  if (interrupted()) {
    std::fprintf(stderr, "netpol-loader: interrupted\n");
    return kInterrupted;
  }
  std::fprintf(stderr, "netpol-loader: %s\n", failure.message.c_str());
  return failure.kind == FailureKind::Input ? kNoAnswer : kInternal;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void add_where(CLI::App& command, CommonOptions& o) {
  command.add_option("--root", o.root, "where maps and links are pinned; each root is an installation of its own")
      ->capture_default_str();
  command.add_option("--state", o.state, "where it is kept what is wanted, what was told, and bundles to go back to (default: /run/netpolc/HASH-OF-ROOT)");
}

void add_common(CLI::App& command, CommonOptions& o) {
  add_where(command, o);
  command.add_option("-o,--output", o.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

int run(int argc, const char* const* argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "netpol-loader: internal error: %s\n", error.what());
    return kInternal;
  }
}

}  // namespace netpolc::loader
