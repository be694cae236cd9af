// compiler/session.h — what every command starts with: options about input, loaded sources,
// and everything said about them. The only state of a run.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "frontend/load.h"
#include "ir/identity/identities.h"

namespace CLI {
class App;
class Option;
}

namespace netpolc::compiler {

struct InputOptions {
  std::vector<std::string> files;
  std::vector<std::string> positional;
  std::vector<std::string> kustomize;  // directories that `kubectl kustomize` renders
  std::vector<std::string> ignored;    // globs: what lies below named directories and is passed over
  bool lax = false;
  bool keep_going = false;
  std::string cilium_version = "1.18";
  std::string identities;   // lock file
  std::string resolutions;  // what names resolve to
  std::string cilium_config;  // the agents' options, before those among the manifests
  std::string cluster_name;
  std::string color = "auto";
  bool warnings_are_findings = false;  // the command prints them itself, as its result
  bool quiet = false;                  // nothing is said on stderr: the command reads again what it has read
  bool brief = false;                  // of what was read, errors only
  bool verbose = false;                // which options of the agents were assumed, too
  bool waits_for_pipe = true;          // without any path; false where the command has an answer without: a pipe may stay open for ever
};
// Without any path, what is piped in is read, but for `waits_for_pipe`.
void add_input_options(CLI::App& command, InputOptions& options);
bool reads_stdin(const InputOptions& input);
// All of them but for whose semantics they are read, and paths alone.
void add_reading_options(CLI::App& command, InputOptions& options);
// "1.16" to "1.20".
const std::vector<std::string>& cilium_versions();

// An option that may come several times, with one value each: CLI11 would take `[k=v]` for a list of values, and what
// follows for more of them.
CLI::Option* add_repeatable(CLI::App& command, const char* name, std::vector<std::string>& to, const char* help, const std::string& group);

struct Session {
  SourceManager sources;
  DiagSink sink;
  frontend::Loaded loaded;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
};

// Reads everything and says what there is to say on stderr. A value is the exit code to end with.
// A Session is pinned: others keep references into it.
std::optional<int> open(const InputOptions& options, Session& session);
// The same of more than what `options` names: `more` adds what it reads to the session's sources, and comes after the rest.
using ReadMore = std::function<std::vector<frontend::Input>(SourceManager&, DiagSink&)>;
std::optional<int> open(const InputOptions& options, const ReadMore& more, Session& session);

// By file and place; what has no place comes last.
std::vector<const Diagnostic*> in_reading_order(const DiagSink& sink);
std::vector<const Diagnostic*> in_reading_order(std::vector<const Diagnostic*> all);

enum class Stream { Out, Err };
// --color, then NO_COLOR, FORCE_COLOR or CLICOLOR_FORCE, TERM=dumb, then whether the stream is a terminal.
bool use_colour(const std::string& flag, Stream stream);

// "netpolc: MESSAGE" on stderr; returns kNoAnswer.
int complain(const std::string& message);

}  // namespace netpolc::compiler
