#include "compiler/complaints.h"

#include "compiler/explain/json.h"

namespace netpolc::compiler {

void Complaints::clear() { *this = {}; }

void Complaints::add(std::string message) { messages_.push_back(std::move(message)); }

void Complaints::add(const Diagnostic& diagnostic, const SourceManager& sources) {
  Placed one{diag_code(diagnostic.kind), diagnostic.message, "", {}};
  if (diagnostic.where) {
    one.file = sources.path(diagnostic.where->file);
    one.at = sources.locate(diagnostic.where->file, diagnostic.where->begin);
  }
  diagnostics_.push_back(std::move(one));
}

std::string Complaints::json() const {
  if (messages_.empty() && diagnostics_.empty()) return "";
  std::vector<std::string> list;
  for (const Placed& one : diagnostics_) {
    explain::JsonObject object;
    object.text("code", one.code).text("message", one.message);
    if (!one.file.empty()) object.text("file", one.file).number("line", one.at.line).number("column", one.at.column);
    list.push_back(object.take());
  }
  explain::JsonObject error, out;
  error.text("message", messages_.empty() ? diagnostics_.front().message : messages_.front()).list("diagnostics", list);
  return out.text("apiVersion", "netpolc.dev/v1").text("kind", "Error").raw("error", error.take()).take() + "\n";
}

Complaints& complaints() {
  static Complaints all;
  return all;
}

std::string asked_document(const std::vector<std::string>& words) {
  if (words.empty() || words.front() == "compile" || words.front() == "import") return "";  // there it is a path
  for (std::size_t i = 0; i < words.size(); ++i)
    for (const std::string format : {"json", "yaml"}) {
      if (words[i] == "-o" + format || words[i] == "-o=" + format || words[i] == "--output=" + format) return format;
      if ((words[i] == "-o" || words[i] == "--output") && i + 1 < words.size() && words[i + 1] == format) return format;
    }
  return "";
}

}  // namespace netpolc::compiler
