#include "compiler/baseline.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "compiler/finding_formats.h"

namespace netpolc::compiler {
namespace {

constexpr std::size_t kDigits = 16;

Failure failed(const std::string& what, const std::string& path) { return {"baseline " + path + ": " + what}; }

std::vector<const Diagnostic*> all_of(const lint::Findings& findings) {
  std::vector<const Diagnostic*> out;
  for (const Diagnostic& one : findings) out.push_back(&one);
  return out;
}

bool is_fingerprint(const std::string& word) { return word.size() == kDigits && word.find_first_not_of("0123456789abcdef") == std::string::npos; }

}  // namespace

Result<std::set<std::string>> read_baseline(const std::string& path) {
  errno = 0;
  std::ifstream in(path);
  std::set<std::string> out;
  if (!in) return tl::make_unexpected(failed(std::strerror(errno), path));
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::istringstream words(line);
    std::string first;
    if (!(words >> first) || first[0] == '#') continue;
    if (!is_fingerprint(first)) return tl::make_unexpected(failed("line " + std::to_string(number) + " does not begin with a fingerprint", path));
    out.insert(first);
  }
  if (in.bad()) return tl::make_unexpected(failed(std::strerror(errno), path));
  return out;
}

Result<std::size_t> write_baseline(const std::string& path, const lint::Findings& findings, const SourceManager& sources) {
  std::ofstream out(path);
  out << "# Findings that are known: `netpolc lint --baseline` leaves them out.\n";
  const auto names = fingerprints(all_of(findings), sources);
  for (std::size_t i = 0; i < findings.size(); ++i)
    out << names[i] << " " << diag_code(findings[i].kind) << (findings[i].where ? " " + sources.path(findings[i].where->file) : "") << "\n";
  out.close();
  if (!out) return tl::make_unexpected(failed(std::strerror(errno), path));
  return findings.size();
}

std::size_t drop_known(lint::Findings& findings, const std::set<std::string>& known, const SourceManager& sources) {
  if (known.empty()) return 0;
  const auto names = fingerprints(all_of(findings), sources);
  lint::Findings left;
  for (std::size_t i = 0; i < findings.size(); ++i)
    if (known.count(names[i]) == 0) left.push_back(std::move(findings[i]));
  const std::size_t dropped = findings.size() - left.size();
  findings = std::move(left);
  return dropped;
}

}  // namespace netpolc::compiler
