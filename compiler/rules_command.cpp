// `netpolc rules` and `netpolc explain`: what lint looks for, and why.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "compiler/command_line/command_table.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/explain/commands.h"
#include "compiler/lint/rule.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

constexpr std::size_t kWidth = 100;

// Words of `text` on lines of at most `kWidth` bytes; a word of code is not broken.
std::string wrapped(std::string_view text) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (column != 0 && column + 1 + word.size() > kWidth) out += "\n", column = 0;
    if (column != 0) out += " ", ++column;
    out += word;
    column += word.size();
  }
  return out + "\n";
}

int list_rules(const std::string& output) {
  for (const lint::Rule& rule : lint::rules()) {
    const std::string code = diag_code(rule.kind), summary(diag_summary(rule.kind));
    if (output == "jsonl")
      std::printf("%s\n", nlohmann::ordered_json{{"code", code}, {"level", to_string(rule.level)}, {"needs", lint::to_string(rule.needs)}, {"summary", summary}}.dump().c_str());
    else
      std::printf("%s  %-7s  %s\n", code.c_str(), to_string(rule.level), summary.c_str());
  }
  return kGood;
}

void print_example(const char* title, std::string_view text) {
  std::printf("\n%s\n\n", title);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::printf(line.empty() ? "\n" : "    %.*s\n", static_cast<int>(line.size()), line.data());
  }
}

std::string words(const lint::Setting& setting) {
  std::string out = setting.version == lint::Setting{}.version ? "" : "--cilium-version 1." + std::to_string(setting.version);
  if (setting.lax) out += out.empty() ? "--lax" : " --lax";
  if (setting.directory) out += "the directory that they are in";
  return out;
}

void explain_rule(const lint::Rule& rule) {
  std::printf("%s (%s): %s\n\n%s", diag_code(rule.kind).c_str(), to_string(rule.level), std::string(diag_summary(rule.kind)).c_str(), wrapped(rule.why).c_str());
  if (rule.needs != lint::Needs::Policies) std::printf("\nSilent where the input has no %s.\n", lint::to_string(rule.needs));
  if (rule.proved) std::printf("\nAsks the solver, and so only with --proved, or where --select names it.\n");
  if (rule.bad.empty()) return;
  if (const std::string with = words(rule.setting); !with.empty()) std::printf("\nThe examples are read with %s.\n", with.c_str());
  print_example("Found in", rule.bad);
  print_example("Not found in", rule.good);
}

// "np040" is a code, too.
std::string in_capitals(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

int explain_code(const std::string& word) {
  const std::string code = in_capitals(word);
  if (code.empty()) return complain("say what to explain: a code such as NP040, or `netpolc explain --help`");
  if (const lint::Rule* rule = lint::find_rule(std::string_view(code))) {
    explain_rule(*rule);
    return kGood;
  }
  // Codes that are errors only: the message itself says what was seen and what is expected.
  static constexpr DiagKind kAll[] = {
#define NETPOLC_DIAG(name, number, summary) DiagKind::name,
#include "ir/base/diagnostics.def"
#undef NETPOLC_DIAG
  };
  for (const DiagKind kind : kAll) {
    if (diag_code(kind) != code) continue;
    std::printf("%s (error): %s\n", code.c_str(), std::string(diag_summary(kind)).c_str());
    return kGood;
  }
  std::vector<std::string> known{"flow", "policy", "endpoint", "fqdn"};
  for (const DiagKind kind : kAll) known.push_back(diag_code(kind));
  const std::string better = or_meant(word, known);
  return complain("there is no code `" + word + "`" + (better.empty() ? ": `netpolc rules` lists what lint finds" : better));
}

}  // namespace

void add_rules(CLI::App& root, Action& chosen) {
  auto output = std::make_shared<std::string>("text");
  CLI::App* command = root.add_subcommand("rules", "List what lint finds: code, level, summary");
  command->add_option("-o,--output", *output, "text or jsonl")->check(CLI::IsMember({"text", "jsonl"}))->group("Output");
  command->callback([output, &chosen] { chosen = [output] { return list_rules(*output); }; });
}

void add_explain(CLI::App& root, Action& chosen) {
  auto code = std::make_shared<std::string>();
  CLI::App* command = root.add_subcommand("explain", "Say what a code means, or why traffic passes or not");
  command->add_option("code", *code, "NP040, say: what it means and why it matters, with examples");
  explain::add_flow(*command, chosen);
  explain::add_policy(*command, chosen);
  explain::add_endpoint(*command, chosen);
  explain::add_fqdn(*command, chosen);
  command->callback([command, code, &chosen] {
    if (command->get_subcommands().empty()) chosen = [code] { return explain_code(*code); };
  });
}

}  // namespace netpolc::compiler
