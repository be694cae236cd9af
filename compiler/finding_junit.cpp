// Findings as JUnit's XML.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "compiler/finding_formats.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::json;

// As a character of an attribute or a text; what XML has no character for is a question mark.
std::string xml(std::string_view text) {
  const std::string sound = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);  // UTF-8 that is sound
  std::string out;
  for (const char c : Json::parse(sound).get<std::string>()) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      case '\t': out += "&#9;"; break;
      case '\r': out += "&#13;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

std::string junit_case(const Diagnostic& found, Severity fails, const std::string& file, const SourceManager& sources) {
  const std::string line = found.where ? ":" + std::to_string(sources.locate(found.where->file, found.where->begin).line) : "";
  const std::string head = "    <testcase classname=\"" + xml(file) + "\" name=\"" + xml(diag_code(found.kind) + " " + file + line) + "\">\n";
  const std::string text = xml(render(found, sources));
  const std::string said = found.severity <= fails ? "      <failure type=\"" + std::string(to_string(found.severity)) + "\" message=\"" + xml(found.message) + "\">" + text + "</failure>\n"
                                                   : "      <system-out>" + text + "</system-out>\n";
  return head + said + "    </testcase>\n";
}

std::string junit_suite(const std::string& name, const std::vector<const Diagnostic*>& findings, Severity fails, const SourceManager& sources) {
  const auto failed = std::count_if(findings.begin(), findings.end(), [&](const Diagnostic* one) { return one->severity <= fails; });
  std::string out = "  <testsuite name=\"" + xml(name) + "\" tests=\"" + std::to_string(std::max<std::size_t>(findings.size(), 1)) + "\" failures=\"" + std::to_string(failed) + "\">\n";
  for (const Diagnostic* one : findings) out += junit_case(*one, fails, name, sources);
  if (findings.empty()) out += "    <testcase classname=\"" + xml(name) + "\" name=\"" + xml("lint " + name) + "\"/>\n";
  return out + "  </testsuite>\n";
}

}  // namespace

std::string junit(const std::vector<const Diagnostic*>& findings, Severity fails, const SourceManager& sources) {
  std::map<FileId, std::vector<const Diagnostic*>> by_file;
  for (std::uint32_t file = 0; file < sources.size(); ++file) by_file[{file}];
  std::vector<const Diagnostic*> elsewhere;
  for (const Diagnostic* one : findings) (one->where ? by_file[one->where->file] : elsewhere).push_back(one);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"netpolc lint\">\n";
  for (const auto& [file, some] : by_file) out += junit_suite(sources.path(file), some, fails, sources);
  if (!elsewhere.empty()) out += junit_suite("input", elsewhere, fails, sources);
  return out + "</testsuites>\n";
}

}  // namespace netpolc::compiler
