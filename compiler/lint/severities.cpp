#include "compiler/lint/severities.h"

#include <algorithm>
#include <vector>

#include "compiler/lint/rule.h"
#include "frontend/policy/object.h"

namespace netpolc::lint {
namespace {

constexpr std::pair<std::string_view, std::optional<Severity>> kWords[] = {
    {"error", Severity::Error}, {"warning", Severity::Warning}, {"note", Severity::Note}, {"off", std::nullopt}};

const auto* severity_of(const std::string& word) {
  const auto* found = std::find_if(std::begin(kWords), std::end(kWords), [&](const auto& one) { return one.first == word; });
  return found == std::end(kWords) ? nullptr : found;
}

// Of what is always an error.
bool is_rejection(const std::string& code) {
  static constexpr DiagKind kAll[] = {
#define NETPOLC_DIAG(name, number, summary) DiagKind::name,
#include "ir/base/diagnostics.def"
#undef NETPOLC_DIAG
  };
  return std::any_of(std::begin(kAll), std::end(kAll), [&](DiagKind kind) { return diag_code(kind) == code; });
}

}  // namespace

bool is_severity(const std::string& word) { return severity_of(word) != nullptr; }

std::string wrong_code(const std::string& code) {
  if (find_rule(std::string_view(code)) != nullptr) return "";
  if (is_rejection(code)) return "`" + code + "` is no finding: it is always an error";
  std::vector<std::string> codes;
  for (const Rule& rule : rules()) codes.push_back(diag_code(rule.kind));
  const auto better = frontend::policy::nearest(code, {codes.begin(), codes.end()});
  return "no finding has the code `" + code + "`" + (better ? ": did you mean `" + std::string(*better) + "`?" : ", see `netpolc rules`");
}

std::string add_severity(const std::string& text, Severities& to) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return "`" + text + "` is not CODE=LEVEL, such as NP041=error";
  const std::string code = text.substr(0, equals), word = text.substr(equals + 1);
  if (std::string wrong = wrong_code(code); !wrong.empty()) return wrong;
  if (!is_severity(word)) return "`" + word + "` is no level for " + code + ": error, warning, note or off";
  to[find_rule(std::string_view(code))->kind] = severity_of(word)->second;
  return "";
}

}  // namespace netpolc::lint
