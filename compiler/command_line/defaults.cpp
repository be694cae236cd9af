#include "compiler/command_line/defaults.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "compiler/lint/severities.h"
#include "compiler/side_files.h"
#include "frontend/ignored.h"
#include "frontend/yaml/document.h"

namespace netpolc::compiler {
namespace {

namespace fs = std::filesystem;
using frontend::Node;

constexpr const char* kFileName = ".netpolc.yaml";

// The chosen command and those above it: an option belongs to the last that has it.
std::vector<const CLI::App*> chosen(const CLI::App& program) {
  std::vector<const CLI::App*> out{&program};
  for (auto below = program.get_subcommands(); !below.empty(); below = below.front()->get_subcommands()) out.push_back(below.front());
  return out;
}

bool given(const CLI::App& command, const std::string& name) {
  const CLI::Option* option = command.get_option_no_throw(name);
  return option != nullptr && option->count() != 0;
}

// What changes files is asked for where it is to happen, and is no setting.
// Where a bundle or an import goes is not what answers look like, which is said of all commands at once.
bool is_own_output(const OptionEntry& option) { return option.name == "--output" && option.value == "PATH"; }

constexpr const char* kRecording = "recording";  // what `replay` is about, and no manifest

bool is_setting(const OptionEntry& option) {
  for (const char* other : {"--help", "--help-all", "--fix", "--unsafe-fixes", "--write-baseline", "--watch", "--in-kernel"})
    if (option.name == other) return false;
  return true;
}

const OptionEntry* option_of(const CommandEntry& command, const std::string& key) {
  const auto found = std::find_if(command.options.begin(), command.options.end(), [&](const OptionEntry& one) { return is_setting(one) && one.name == "--" + key; });
  return found == command.options.end() ? nullptr : &*found;
}

const CommandEntry* command_of(const CommandEntry& above, const std::string& key) {
  const auto found = std::find_if(above.commands.begin(), above.commands.end(), [&](const CommandEntry& one) { return one.name == key; });
  return found == above.commands.end() ? nullptr : &*found;
}

// What an option may be called in the environment.
std::string variable_of(const std::string& option) {
  std::string out = "NETPOLC_";
  for (const char c : option.substr(2)) out += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

// Of a flag, in the environment.
bool says_no(const std::string& value) { return value == "0" || value == "false" || value == "no" || value == "off"; }

class Settings {
 public:
  Settings(const CLI::App& parsed, DiagSink& sink) : apps_(chosen(parsed)), table_(command_table(parsed)), sink_(sink) {}

  void environment() {
    const CommandEntry* entry = &table_;
    for (std::size_t i = 1; i < apps_.size() && entry != nullptr; ++i) entry = command_of(*entry, apps_[i]->get_name());
    if (entry == nullptr) return;
    for (const OptionEntry& option : entry->options) {
      const char* value = std::getenv(variable_of(option.name).c_str());
      if (value == nullptr || *value == '\0' || !is_setting(option) || is_own_output(option)) continue;
      set(option, option.value.empty() && says_no(value) ? std::vector<std::string>{} : std::vector<std::string>{value});
    }
  }

  void file(const Node& top, const fs::path& directory) {
    directory_ = directory;
    for (const auto& [key, value] : top.entries)  // what is said of a command goes before what is said of all
      if (const CommandEntry* command = command_of(table_, key.text)) section(value, *command, 1);
    for (const auto& [key, value] : top.entries) {
      if (command_of(table_, key.text) != nullptr) continue;
      if (key.text == "files") {
        files(value);
      } else if (key.text == "ignore") {
        ignored(value);
      } else if (anywhere(key.text)) {
        if (const OptionEntry* option = option_of(last(), key.text); option != nullptr && !is_own_output(*option)) from_file(*option, value);
      } else {
        std::vector<std::string> known{"files", "ignore"};
        for (const CommandEntry* one : every_command(table_)) add_names(*one, known);
        unknown(key, known, "no command or option of netpolc is called so");
      }
    }
  }

  std::vector<std::string> words() { return std::move(words_); }

 private:
  const CommandEntry& last() const {
    const CommandEntry* entry = &table_;
    for (std::size_t i = 1; i < apps_.size(); ++i)
      if (const CommandEntry* below = command_of(*entry, apps_[i]->get_name())) entry = below;
    return *entry;
  }
  bool is_chosen(const CommandEntry& command, std::size_t depth) const { return depth < apps_.size() && apps_[depth]->get_name() == command.name; }

  bool anywhere(const std::string& key) const {
    const auto all = every_command(table_);
    return std::any_of(all.begin(), all.end(), [&](const CommandEntry* one) { return option_of(*one, key) != nullptr; });
  }

  static void add_names(const CommandEntry& command, std::vector<std::string>& names) {
    if (!command.name.empty()) names.push_back(command.name);
    for (const OptionEntry& option : command.options)
      if (is_setting(option)) names.push_back(option.name.substr(2));
  }

  void unknown(const Node& key, const std::vector<std::string>& known, std::string why) {
    const std::string better = meant(key.text, known);
    Diagnostic found{.kind = DiagKind::UnknownSetting, .where = key.span, .message = "there is no setting `" + key.text + "`", .label = better.empty() ? std::move(why) : "did you mean `" + better + "`?"};
    if (!better.empty()) found.fix = FixIt{key.span, better};
    sink_.error(std::move(found));
  }

  void wrong(const Node& value, const std::string& what) {
    sink_.error({.kind = DiagKind::UnknownSetting, .where = value.span, .message = "a setting has a value of the wrong kind", .label = "expected " + what});
  }

  // Below `lint:`. Those of other commands are looked over, too: a wrong key is wrong whatever is run.
  void section(const Node& settings, const CommandEntry& command, std::size_t depth) {
    if (!settings.is_mapping()) return wrong(settings, "options of `" + command.name + "`");
    const bool counts = is_chosen(command, depth);
    for (const auto& [key, value] : settings.entries)
      if (const CommandEntry* below = command_of(command, key.text)) section(value, *below, counts ? depth + 1 : apps_.size());
    for (const auto& [key, value] : settings.entries) {
      if (command_of(command, key.text) != nullptr) continue;
      if (const OptionEntry* option = option_of(command, key.text)) {
        if (counts && depth + 1 == apps_.size()) from_file(*option, value);
      } else {
        std::vector<std::string> known;
        add_names(command, known);
        unknown(key, known, "`" + command.name + "` has no such option");
      }
    }
  }

  static std::vector<const Node*> values_of(const Node& value) {
    std::vector<const Node*> out;
    if (!value.is_sequence()) return {&value};
    for (const Node& item : value.items) out.push_back(&item);
    return out;
  }

  void from_file(const OptionEntry& option, const Node& value) {
    if (option.value.empty()) {
      if (!value.is_bool()) return wrong(value, "true or false");
      return set(option, value.bool_value() ? std::vector<std::string>{""} : std::vector<std::string>{});
    }
    std::vector<std::string> texts;
    if (option.value == "CODE=LEVEL" && value.is_mapping()) return severities(option, value);
    for (const Node* one : values_of(value)) {
      if (!one->is_scalar()) return wrong(*one, "a text, or a list of texts");
      texts.push_back(placed(option, one->text));
    }
    set(option, texts);
  }

  // `{NP041: error}`, an option for each.
  void severities(const OptionEntry& option, const Node& levels) {
    std::vector<std::string> texts;
    for (const auto& [code, level] : levels.entries) {
      if (std::string why = lint::wrong_code(code.text); !why.empty())
        sink_.error({.kind = DiagKind::UnknownSetting, .where = code.span, .message = "this sets no level of a finding", .label = std::move(why)});
      else if (!level.is_scalar() || !lint::is_severity(level.text)) wrong(level, "error, warning, note or off");
      texts.push_back(code.text + "=" + level.text);
    }
    set(option, texts);
  }

  // Only where the command line names nothing to read.
  void files(const Node& value) {
    const CLI::App& command = *apps_.back();
    const OptionEntry* option = option_of(last(), "file");
    if (option == nullptr) return;
    for (const CLI::Option* one : command.get_options())
      if (!one->nonpositional() && one->get_group() == option->group && one->get_name() != kRecording && one->count() != 0) return;
    // Of two commits the same files are asked for; what lies on disk belongs to neither.
    const bool of_commits = given(command, "--git") || std::find(set_.begin(), set_.end(), "--git") != set_.end();
    if (!of_commits) return from_file(*option, value);
    for (const Node* one : values_of(value)) {
      if (!one->is_scalar()) return wrong(*one, "a text, or a list of texts");
      words_.push_back(below(one->text));
    }
  }

  // Globs. Codes of findings are ignored by `lint` alone, and there they are said.
  void ignored(const Node& value) {
    for (const Node* one : values_of(value))
      if (one->is_scalar() && one->text.starts_with("NP") && std::all_of(one->text.begin() + 2, one->text.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return wrong(*one, "files, as in .gitignore; findings are ignored below `lint`");
    if (const OptionEntry* option = option_of(last(), "ignore-files")) from_file(*option, value);
  }

  // Paths are relative to the file: whole values, and what follows FORMAT=.
  std::string placed(const OptionEntry& option, const std::string& text) const {
    if (option.value == "PATH" || option.value == "DIR") return below(text);
    if (option.value == "GLOB") return frontend::rooted_glob(text, directory_.string());
    const std::size_t equals = text.find('=');
    if (option.value != "FORMAT[=FILE]" && option.value != "FORM|PATH") return text;
    if (equals != std::string::npos) return text.substr(0, equals + 1) + below(text.substr(equals + 1));
    return option.value == "FORM|PATH" && text.find('.') != std::string::npos ? below(text) : text;
  }
  std::string below(const std::string& path) const { return path == "-" || fs::path(path).is_absolute() ? path : (directory_ / path).lexically_normal().string(); }

  // Said before, on the command line or in what comes first, counts; `false` and an empty list are something that is said, too.
  void set(const OptionEntry& option, const std::vector<std::string>& values) {
    if (given(*apps_.back(), option.name) || std::find(set_.begin(), set_.end(), option.name) != set_.end()) return;
    set_.push_back(option.name);
    for (const std::string& value : values) words_.push_back(option.value.empty() ? option.name : option.name + "=" + value);
  }

  std::vector<const CLI::App*> apps_;
  CommandEntry table_;
  DiagSink& sink_;
  fs::path directory_;
  std::vector<std::string> words_, set_;
};

// As a path from here, where there is one.
std::string near(const std::string& path) {
  std::error_code error;
  const fs::path out = fs::relative(path, error);
  return error || out.empty() ? path : out.string();
}

// What is wrong in it goes to the sink.
Result<void> read_settings(const std::string& path, SourceManager& sources, DiagSink& sink, Settings& settings) {
  auto text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  const FileId file = sources.add(path, std::move(*text));
  const std::size_t before = sink.errors();
  const std::vector<Node> documents = frontend::parse_documents(file, sources, sink);
  if (sink.errors() != before || documents.empty()) return {};
  if (documents.size() == 1 && documents.front().is_mapping()) {
    settings.file(documents.front(), fs::path(path).parent_path());
    return {};
  }
  const Node& wrong = documents.size() > 1 ? documents[1] : documents.front();
  sink.error({.kind = DiagKind::UnknownSetting, .where = Span{file, wrong.span.begin, wrong.span.begin}, .message = "`" + fs::path(path).filename().string() + "` is not one mapping of settings", .label = "expected `option: value`"});
  return {};
}

}  // namespace

std::optional<std::string> configuration_above(const std::string& directory) {
  std::error_code error;
  for (fs::path at = fs::absolute(directory, error).lexically_normal(); !error; at = at.parent_path()) {
    if (fs::exists(at / kFileName, error)) return (at / kFileName).string();
    if (!at.has_relative_path()) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> configuration_of_user() {
  const auto directory = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  fs::path base = directory("XDG_CONFIG_HOME");
  if (!base.is_absolute()) base = directory("HOME") / ".config";  // a relative one is to be ignored, says the specification
  const fs::path file = base / "netpolc" / "config.yaml";
  std::error_code error;
  if (!base.is_absolute() || !fs::exists(file, error)) return std::nullopt;
  return file.string();
}

tl::expected<std::vector<std::string>, std::string> defaults(const CLI::App& parsed, bool colour) {
  SourceManager sources;
  DiagSink sink;
  Settings settings(parsed, sink);
  settings.environment();
  std::vector<std::string> files;  // what comes first counts
  if (const auto path = configuration_above(".")) files.push_back(near(*path));
  if (const auto path = configuration_of_user()) files.push_back(*path);
  for (const std::string& path : files)
    if (const auto read = read_settings(path, sources, sink, settings); !read) return tl::unexpected("netpolc: " + read.error().message + "\n");
  if (sink.errors() == 0) return settings.words();
  std::string said;
  for (const Diagnostic& one : sink.all()) said += render(one, sources, colour);
  return tl::unexpected(said);
}

}  // namespace netpolc::compiler
