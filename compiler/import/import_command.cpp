// `netpolc import`: of a live dump just what netpolc reads, as small files.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/exit_code.h"
#include "compiler/import/commands.h"
#include "compiler/import/files.h"
#include "compiler/import/redact.h"
#include "compiler/session.h"
#include "frontend/archive/compressed.h"
#include "frontend/yaml/write.h"

namespace netpolc::compiler {
namespace {

struct Options {
  InputOptions input;
  std::string output, key, map;
  bool redact = false;
};

std::string size_text(std::size_t bytes) {
  const auto tenths = [](std::size_t value, std::size_t unit) { return std::to_string(value / unit) + "." + std::to_string(value % unit * 10 / unit); };
  if (bytes < 10000) return std::to_string(bytes) + " B";
  return bytes < 10000000 ? tenths(bytes, 1000) + " kB" : tenths(bytes, 1000000) + " MB";
}

void say(const Options& options, const Session& session, const frontend::Kept& kept, std::size_t written) {
  if (options.input.brief) return;
  std::size_t read = 0;
  for (std::uint32_t file = 0; file < session.sources.size(); ++file) read += session.sources.text(FileId{file}).size();
  const std::string where = options.output.empty() ? "" : " to " + options.output;
  std::fprintf(stderr, "wrote %zu objects%s · %s of %s\n", kept.objects.size(), where.c_str(), size_text(written).c_str(), size_text(read).c_str());
  if (kept.rejected != 0) std::fprintf(stderr, "netpolc: rejected policies that are left out: %zu\n", kept.rejected);
  if (kept.comments_lost != 0) std::fprintf(stderr, "netpolc: policies that lost their comments, as fields that had to go stand among others: %zu\n", kept.comments_lost);
}

// What is written must be read as what was kept.
bool reads_back(const std::string& text, const frontend::Kept& kept) {
  SourceManager sources;
  DiagSink sink;
  const auto documents = frontend::parse_documents(sources.add("imported", text), sources, sink);
  return sink.errors() == 0 && std::equal(documents.begin(), documents.end(), kept.objects.begin(), kept.objects.end(),
                                          [](const frontend::Node& read, const frontend::KeptObject& object) { return frontend::same_tree(read, object.node); });
}

// None where it is done. Nothing of the key is said.
std::optional<int> redact(const Options& options, frontend::Kept& kept) {
  const std::string key = options.key.empty() ? import::random_key() : options.key;
  if (key.empty()) return complain("there is no randomness for a key: give one with --redact-key");
  const import::Redaction done = import::Redactor(key).redact(kept);
  if (done.collision) return complain("two words would get one name: give another --redact-key, or none");
  for (const std::string& warning : done.warnings)
    if (!options.input.brief) std::fprintf(stderr, "netpolc: %s\n", warning.c_str());
  if (options.map.empty()) return std::nullopt;
  const auto written = import::write_secret_file(options.map, nlohmann::ordered_json(done.renamed).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  return written ? std::nullopt : std::optional(complain(written.error().message));
}

int run(const Options& options) {
  if (!options.redact && !(options.key.empty() && options.map.empty())) return complain("--redact-key and --redact-map say how --redact is done: add that");
  if (options.output.ends_with(".json")) return complain("-o " + options.output + ": what is written is YAML; call it .yaml");
  if (frontend::is_compressed(options.output) || frontend::is_archive(options.output)) return complain("-o " + options.output + ": what is written is not compressed; call it .yaml, or give a directory");
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  frontend::Kept kept = frontend::keep(session.sources, session.loaded);
  if (kept.objects.empty()) return complain("nothing of what was read is anything that netpolc looks at");
  if (options.redact)
    if (const auto code = redact(options, kept)) return *code;
  const std::string whole = import::as_one_file(kept);
  if (!reads_back(whole, kept)) {
    std::fputs("netpolc: internal error: what would be written is not what was read\n", stderr);
    return kInternal;
  }
  Result<bool> written = true;
  if (options.output.empty()) std::fwrite(whole.data(), 1, whole.size(), stdout);
  else if (import::is_file_name(options.output)) written = import::write_file(options.output, whole);
  else written = import::write_directory(options.output, import::as_files(kept));
  if (!written) return complain(written.error().message);
  say(options, session, kept, whole.size());
  return kGood;
}

}  // namespace

void add_import(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("import", "Write what netpolc reads of a dump, and nothing else, as small files");
  add_input_options(*command, options->input);
  command->get_option("paths")->description("A dump, such as `kubectl get -A -o json` prints or a sysdump; the same as -f");
  command->get_option("--keep-going")->description("Leave rejected policies out, which are reported");
  command->add_option("-o,--output", options->output, "A directory, which gets a file for each kind of thing, or one file (.yaml); stdout if it isn't given")->type_name("PATH")->group("Output");
  command->add_flag("--redact", options->redact, "Other names and addresses, and the same verdicts: for a stranger")->group("Output");
  command->add_option("--redact-key", options->key, "With --redact: the same key gives the same names (a random one, that nobody learns)")->group("Output");
  command->add_option("--redact-map", options->map, "With --redact: write what was renamed to what, as JSON, to keep")->type_name("PATH")->group("Output");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::compiler
