// `rollback` and `commit`: back to the former generation, or on with the new one.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime-loader/command.h"
#include "runtime-loader/generations.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

int rollback_command(const CommonOptions& o) {
  const auto report = roll_back(o.where());
  if (!report) return complain(report.error());
  if (o.json())
    print(Json{{"from", report->from}, {"to", report->to}, {"bundle", report->bundle}, {"endpoints", report->endpoints}, {"blocked", report->blocked}, {"gone", report->gone}}.dump() + "\n");
  else
    print("generation " + std::to_string(report->to) + " is in force again in place of " + std::to_string(report->from) + ": bundle " + report->bundle.substr(0, 12) + ", " +
          std::to_string(report->endpoints) + (report->endpoints == 1 ? " endpoint\n" : " endpoints\n"));
  for (const std::string& it : report->blocked) std::fprintf(stderr, "netpol-loader: blocked: %s\n", it.c_str());
  for (const std::string& it : report->gone) std::fprintf(stderr, "netpol-loader: left out: %s\n", it.c_str());
  return kGood;
}

int commit_command(const CommonOptions& o) {
  const auto report = commit(o.where());
  if (!report) return complain(report.error());
  if (o.json()) print(Json{{"generation", report->generation}, {"bundle", report->bundle}}.dump() + "\n");
  else print("confirmed: generation " + std::to_string(report->generation) + " stays, bundle " + report->bundle.substr(0, 12) + "\n");
  return kGood;
}

void add(CLI::App& app, CommandAction& chosen, const char* name, const char* what, int (*run)(const CommonOptions&)) {
  const auto o = std::make_shared<CommonOptions>();
  CLI::App& command = *app.add_subcommand(name, what);
  add_common(command, *o);
  command.callback([o, run, &chosen] { chosen = [o, run] { return run(*o); }; });
}

}  // namespace

void add_generation_commands(CLI::App& app, CommandAction& chosen) {
  add(app, chosen, "rollback", "the generation before is in force again, with the endpoints and addresses of now", rollback_command);
  add(app, chosen, "commit", "what `load --confirm` put into force stays", commit_command);
}

}  // namespace netpolc::loader
