#include "compiler/command_line/short_help.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <vector>

namespace netpolc::compiler {
namespace {

using Options = std::vector<std::string>;

// --help and --help-all are shown always. A command that is not here shows all, and more than a dozen of them only until the
// test of the command line says so.
const std::map<std::string, Options>& table() {
  static const Options claim{"--file", "--cilium-version", "--output", "--from", "--to", "--except-from", "--except-to", "--namespace", "--by", "--port", "--http", "--dns"};
  static const Options comparison{"--file", "--cilium-version", "--output", "--before", "--after", "--port", "--without-label"};
  static const std::map<std::string, Options> all{
      {"/verify", {"--file", "--cilium-version", "--output", "--from", "--to", "--namespace", "--port", "--all-ports", "--via", "--queries", "--expect", "--http"}},
      {"/verify/never", claim},
      {"/verify/only", claim},
      {"/verify/isolated", claim},
      {"/verify/requires-l7", claim},
      {"/verify/same", comparison},
      {"/verify/implies", comparison},
      {"/verify/dead", {"--file", "--cilium-version", "--output", "--steps", "--milliseconds"}},
      {"/explain/flow", {"--file", "--cilium-version", "--output", "--wide", "--from", "--to", "--namespace", "--port", "--via", "--http", "--dns", "--sni"}},
      {"/explain/policy", {"--file", "--cilium-version", "--output", "--wide", "--namespace", "--kind", "--list"}},
      {"/explain/endpoint", {"--file", "--cilium-version", "--output", "--wide", "--namespace"}},
      {"/explain/fqdn", {"--file", "--cilium-version", "--cilium-config", "--output", "--namespace", "--resolutions"}},
      {"/suggest/labels", {"--file", "--cilium-version", "--cilium-config", "--output"}},
      {"/identity/list", {"--file", "--cilium-version", "--output", "--selector", "--namespace", "--identities", "--stats", "--header", "--no-headers"}},
      {"/identity/get", {"--file", "--cilium-version", "--output", "--namespace", "--identities", "--header", "--no-headers"}},
      {"/endpoint/list", {"--file", "--cilium-version", "--output", "--selector", "--namespace", "--no-headers"}},
      {"/endpoint/get", {"--file", "--cilium-version", "--output", "--namespace", "--no-headers"}},
      {"/diff", {"--file", "--cilium-version", "--output", "--git", "--config", "--flows", "--no-safety", "--fail-on"}},
      {"/replay", {"--file", "--cilium-version", "--output", "--flows", "--against", "--keep-going", "--fail-on", "--suggest"}},
      {"/test", {"--file", "--cilium-version", "--output", "--namespace", "--filter", "--allow-vacuous", "--no-safety", "--safety-only"}},
      {"/lint", {"--file", "--cilium-version", "--output", "--errors-only", "--select", "--ignore", "--proved", "--fail-on", "--baseline", "--watch", "--fix", "--dry-run"}},
      {"/report", {"--file", "--cilium-version", "--output", "--against", "--git", "--instructions"}},
      {"/import", {"--file", "--output", "--keep-going", "--redact", "--redact-key", "--redact-map"}},
      {"/export/flows", {"--file", "--cilium-version", "--output", "--from", "--to", "--namespace", "--port", "--icmp", "--time"}},
      {"/compile", {"--file", "--cilium-version", "--output", "--emit", "--jobs", "--cache", "--l7", "--host-policies", "--prove"}},
      {"/prove", {"--file", "--cilium-version", "--output", "--jobs", "--steps", "--write"}},
  };
  return all;
}

bool is_help(const CLI::App& command, const CLI::Option* option) { return option == command.get_help_ptr() || option == command.get_help_all_ptr(); }

std::string path_of(const CLI::App& command) { return command.get_parent() == nullptr ? "" : path_of(*command.get_parent()) + "/" + command.get_name(); }

bool has_many(const CLI::App& command) {
  return command.get_options([&](const CLI::Option* one) { return one->nonpositional() && !one->get_group().empty() && !is_help(command, one); }).size() > kMostShown;
}

class Help : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* command, std::string name, CLI::AppFormatMode mode) const override {
    const bool all = mode != CLI::AppFormatMode::Normal || !has_many(*command);
    return make_description(command) + make_usage(command, std::move(name)) + make_positionals(command) + groups(*command, all) +
           make_subcommands(command, CLI::AppFormatMode::Normal) + "\n" + make_footer(command);
  }

 private:
  std::string groups(const CLI::App& command, bool all) const {
    const std::string path = path_of(command);
    std::string out;
    for (const std::string& group : command.get_groups()) {
      const auto shown = command.get_options([&](const CLI::Option* one) {
        return one->nonpositional() && !group.empty() && one->get_group() == group && (all || is_help(command, one) || in_short_help(path, one->get_name(false, false)));
      });
      if (!shown.empty()) out += (out.empty() ? "" : "\n") + make_group(group, false, shown);
    }
    return out;
  }
};

}  // namespace

bool in_short_help(const std::string& command, const std::string& option) {
  const auto found = table().find(command);
  return found == table().end() || std::find(found->second.begin(), found->second.end(), option) != found->second.end();
}

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<Help>(); }

void hide_needless_help(CLI::App& program) {
  if (!has_many(program)) program.get_option("--help-all")->group("");
  for (CLI::App* below : program.get_subcommands([](const CLI::App*) { return true; })) hide_needless_help(*below);
}

}  // namespace netpolc::compiler
