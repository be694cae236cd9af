#include "compiler/command_line/schemas.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/command_line/command_table.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCommon = "common";
constexpr std::string_view kElsewhere = "common.json#/$defs/";

const char* text_of(const std::string& name) {
  for (const EmbeddedSchema& one : embedded_schemas())
    if (name == one.name) return one.text;
  return nullptr;
}

// References to the common part become references to what is in the schema itself.
void make_local(Json& at, std::set<std::string>& used) {
  if (at.is_object() && at.contains("$ref") && at["$ref"].is_string()) {
    const std::string to = at["$ref"];
    if (to.starts_with(kElsewhere)) {
      used.insert(to.substr(kElsewhere.size()));
      at["$ref"] = "#/$defs/" + to.substr(kElsewhere.size());
    }
  }
  if (!at.is_structured()) return;
  for (auto& below : at) make_local(below, used);
}

int print(const std::string& name) {
  if (name.empty()) {
    for (const std::string& one : schema_names()) std::printf("%s\n", one.c_str());
    return kGood;
  }
  const auto text = schema(name);
  if (!text) {
    const std::string better = or_meant(name, schema_names());
    return complain("there is no schema `" + name + "`" + (better.empty() ? "; `netpolc schema` lists them" : better));
  }
  std::fwrite(text->data(), 1, text->size(), stdout);
  return kGood;
}

}  // namespace

std::vector<std::string> schema_names() {
  std::vector<std::string> out;
  for (const EmbeddedSchema& one : embedded_schemas())
    if (one.name != std::string_view(kCommon)) out.emplace_back(one.name);
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<std::string> schema(const std::string& name) {
  const char* text = name == kCommon ? nullptr : text_of(name);
  if (text == nullptr) return std::nullopt;
  Json out = Json::parse(text);
  Json common = Json::parse(text_of(kCommon))["$defs"];
  std::set<std::string> used, done;
  make_local(out, used);
  while (used != done) {  // what is used may use more
    const std::set<std::string> now = used;
    for (const std::string& one : now)
      if (done.insert(one).second) make_local(common[one], used);
  }
  for (const std::string& one : used) out["$defs"][one] = common[one];
  return out.dump(2) + "\n";
}

void add_schema(CLI::App& root, Action& chosen) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = root.add_subcommand("schema", "Print the JSON Schema of an output");
  command->add_option("name", *name, "Such as DiffResult; nothing: list them");
  command->callback([name, &chosen] { chosen = [name] { return print(*name); }; });
}

}  // namespace netpolc::compiler
