#include "compiler/session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <tuple>

#include "compiler/assumed_options.h"
#include "compiler/command_line/progress.h"
#include "compiler/complaints.h"
#include "compiler/exit_code.h"
#include "compiler/kustomize.h"
#include "compiler/open_again.h"
#include "compiler/side_files.h"

namespace netpolc::compiler {
namespace {

bool set_in_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

// A terminal would wait for somebody to type; /dev/null has nothing to say.
bool is_piped(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode));
}

void print_diagnostics(const Session& session, const InputOptions& options) {
  constexpr std::size_t kMost = 1000;  // nobody reads more, and each may be long
  const bool colour = use_colour(options.color, Stream::Err);
  std::size_t shown = 0;
  for (const Diagnostic* diagnostic : in_reading_order(session.sink)) {
    if (diagnostic->severity == Severity::Error && shown < kMost) complaints().add(*diagnostic, session.sources);
    if (diagnostic->severity == Severity::Warning && (options.warnings_are_findings || options.brief)) continue;
    if (++shown <= kMost) std::fputs(render(*diagnostic, session.sources, colour).c_str(), stderr);
  }
  if (shown > kMost) std::fprintf(stderr, "netpolc: %zu more diagnostics are not shown\n", shown - kMost);
}

// As Cilium's agent and its Helm chart check it; "": none is given.
bool is_cluster_name(const std::string& name) {
  return name.size() <= 32 && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos && !name.starts_with('-') && !name.ends_with('-');
}

void print_remarks(const Session& session, bool verbose) {
  for (const std::string& remark : session.loaded.remarks) std::fprintf(stderr, "netpolc: %s\n", remark.c_str());
  if (!verbose) return;
  for (const AssumedOption& option : assumed_options(session.loaded)) std::fprintf(stderr, "netpolc: %s\n", to_text(option, session.sources).c_str());
}

void print_summary(const Session& session, const InputOptions& options) {
  const auto& loaded = session.loaded;
  std::string line = "read " + std::to_string(loaded.files) + " files · " + std::to_string(loaded.policies.policies.size()) +
                     " policies · " + std::to_string(loaded.cluster.endpoints.size()) + " endpoints · " +
                     std::to_string(loaded.cluster.services.size()) + " services · Cilium " + options.cilium_version;
  if (loaded.skipped_objects != 0) line += " · " + std::to_string(loaded.skipped_objects) + " objects of other kinds skipped";
  if (session.sink.errors() != 0) line += " · " + std::to_string(session.sink.errors()) + " errors";
  if (session.sink.warnings() != 0) line += " · " + std::to_string(session.sink.warnings()) + " warnings";
  std::fprintf(stderr, "%s\n", line.c_str());
}

// `parsed`: may be null.
std::optional<int> open_with(const InputOptions& options, const ReadMore& more, frontend::ParseCache* parsed, Session& session) {
  std::vector<std::string> paths = options.files;
  paths.insert(paths.end(), options.positional.begin(), options.positional.end());
  if (paths.empty() && options.kustomize.empty() && !more) return complain("nothing to read: give files or directories with -f, or pipe manifests in");
  if (!options.resolutions.empty()) {
    auto resolutions = read_resolutions(options.resolutions);
    if (!resolutions) return complain(resolutions.error().message);
    session.resolutions = std::move(*resolutions);
  }
  if (!options.identities.empty()) {
    auto lock = read_identity_lock(options.identities);
    if (!lock) return complain(lock.error().message);
    session.lock = std::move(*lock);
  }
  const int version = std::stoi(options.cilium_version.substr(2));
  if (options.brief) set_progress("never");
  std::vector<frontend::Input> inputs = during("reading", [&] { return frontend::read_inputs(paths, session.sources, session.sink, frontend::IgnoreRules(options.ignored)); });
  for (const std::string& directory : options.kustomize) {
    const auto rendered = kustomized(directory, session.sources);
    if (!rendered) return complain(rendered.error());
    inputs.push_back({*rendered});
  }
  if (more) {
    const std::vector<frontend::Input> others = during("reading", [&] { return more(session.sources, session.sink); });
    inputs.insert(inputs.end(), others.begin(), others.end());
  }
  if (!is_cluster_name(options.cluster_name)) return complain("--cluster-name `" + options.cluster_name + "` is no name of a cluster: up to 32 of a-z, 0-9 and -, with - neither first nor last");
  frontend::GivenConfig given{.files = {}, .cluster_name = options.cluster_name};
  if (!options.cilium_config.empty())
    for (const frontend::Input& one : frontend::read_inputs({options.cilium_config}, session.sources, session.sink)) given.files.push_back(one.file);
  const frontend::LoadOptions how{.lax = options.lax, .keep_going = options.keep_going, .cilium_version = version, .given = std::move(given)};
  session.loaded = during("reading " + std::to_string(inputs.size()) + " files", [&] {
    return parsed != nullptr ? frontend::load(inputs, how, *parsed, session.sources, session.sink) : frontend::load(inputs, how, session.sources, session.sink);
  });
  if (!options.quiet) {
    print_diagnostics(session, options);
    if (!options.brief) print_remarks(session, options.verbose), print_summary(session, options);
  }
  if (!session.loaded.usable) return kNoAnswer;
  return std::nullopt;
}

}  // namespace

std::vector<const Diagnostic*> in_reading_order(const DiagSink& sink) {
  std::vector<const Diagnostic*> out;
  for (const auto& diagnostic : sink.all()) out.push_back(&diagnostic);
  return in_reading_order(std::move(out));
}

std::vector<const Diagnostic*> in_reading_order(std::vector<const Diagnostic*> out) {
  std::stable_sort(out.begin(), out.end(), [](const Diagnostic* a, const Diagnostic* b) {
    if (!a->where || !b->where) return a->where.has_value() && !b->where.has_value();
    return std::tie(a->where->file, a->where->begin) < std::tie(b->where->file, b->where->begin);
  });
  return out;
}

bool use_colour(const std::string& flag, Stream stream) {
  if (flag != "auto") return flag == "always";
  if (set_in_environment("NO_COLOR")) return false;
  if (set_in_environment("FORCE_COLOR")) return true;
  if (set_in_environment("CLICOLOR_FORCE") && std::string(std::getenv("CLICOLOR_FORCE")) != "0") return true;
  const char* terminal = std::getenv("TERM");
  if (terminal != nullptr && std::string(terminal) == "dumb") return false;
  return isatty(stream == Stream::Out ? STDOUT_FILENO : STDERR_FILENO) != 0;
}

int complain(const std::string& message) {
  complaints().add(message);
  const auto quiet = without_progress();
  std::fprintf(stderr, "netpolc: %s\n", message.c_str());
  return kNoAnswer;
}

const std::vector<std::string>& cilium_versions() {
  static const std::vector<std::string> all{"1.16", "1.17", "1.18", "1.19", "1.20"};
  return all;
}

void add_reading_options(CLI::App& command, InputOptions& options) {
  const std::string group = "Input";
  command.add_option("-f,--file", options.files, "A file, a directory (recursive), an archive such as a sysdump, or - for stdin; repeatable")
      ->type_name("PATH")
      ->allow_extra_args(false)
      ->group(group);
  add_repeatable(command, "-k,--kustomize", options.kustomize, "A directory that `kubectl kustomize` renders; repeatable", group)->type_name("DIR");
  add_repeatable(command, "--ignore-files", options.ignored, "What is passed over below named directories, as in .gitignore; repeatable", group)->type_name("GLOB");
  command.add_flag("--lax", options.lax, "Unknown fields in policies are warnings")->group(group);
  command.add_flag("--keep-going", options.keep_going, "Report rejected policies and go on without them")->group(group);
  command.add_option("--cilium-config", options.cilium_config, "The agents' options: the ConfigMap cilium-config, or values of Cilium's Helm chart; before those among the manifests")
      ->type_name("PATH")
      ->group(group);
  command.add_option("--cluster-name", options.cluster_name, "What this cluster is called, whatever the options say")->type_name("NAME")->group(group);
  command.add_option("--identities", options.identities, "File that keeps identity numbers stable")->type_name("PATH")->group(group);
  command.add_option("--resolutions", options.resolutions, "JSON file: what DNS names resolve to")->type_name("PATH")->group(group);
  command.add_flag("-v,--verbose", options.verbose, "On stderr, the agents' options that were assumed and matter here")->group("Output");
  command.add_flag("-q,--quiet", options.brief, "On stderr, errors only")->group("Output");
  command.add_option("--color", options.color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group("Output");
  command.add_option_function<std::string>("--progress", set_progress, "auto: on a terminal, what takes long says what it is at; or never")
      ->check(CLI::IsMember({"auto", "never"}))
      ->group("Output");
}

void add_input_options(CLI::App& command, InputOptions& options) {
  add_reading_options(command, options);
  command.add_option("paths", options.positional, "The same as -f")->group("Input");
  command.parse_complete_callback([&options] {
    if (options.waits_for_pipe && options.files.empty() && options.positional.empty() && options.kustomize.empty() && is_piped(STDIN_FILENO)) options.files = {"-"};
  });
  command.add_option("--cilium-version", options.cilium_version, "Whose semantics: 1.16 to 1.20 (default 1.18)")
      ->check(CLI::IsMember(cilium_versions()))
      ->group("Input");
}

bool reads_stdin(const InputOptions& input) {
  const auto is = [](const std::vector<std::string>& paths) { return std::find(paths.begin(), paths.end(), "-") != paths.end(); };
  return is(input.files) || is(input.positional);
}

std::optional<int> open(const InputOptions& options, Session& session) { return open(options, nullptr, session); }

std::optional<int> open(const InputOptions& options, const ReadMore& more, Session& session) { return open_with(options, more, nullptr, session); }

std::optional<int> open_again(const InputOptions& options, frontend::ParseCache& parsed, Session& session) {
  parsed.begin();
  return open_with(options, nullptr, &parsed, session);
}

CLI::Option* add_repeatable(CLI::App& command, const char* name, std::vector<std::string>& to, const char* help, const std::string& group) {
  return command.add_option_function<std::string>(name, [&to](const std::string& value) { to.push_back(value); }, help)->trigger_on_parse()->group(group);
}

}  // namespace netpolc::compiler
