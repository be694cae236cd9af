#include "frontend/ignored.h"

#include <fnmatch.h>

#include <filesystem>

namespace netpolc::frontend {
namespace {

namespace fs = std::filesystem;
using Parts = std::vector<std::string>;

std::string absolute(const std::string& path) {
  std::error_code error;
  const fs::path out = fs::absolute(path.empty() ? "." : path, error);
  return (error ? fs::path(path) : out).lexically_normal().string();
}

Parts parts_of(const std::string& path) {
  Parts out;
  std::string part;
  for (const char c : path + "/") {
    if (c != '/') {
      part += c;
    } else if (!part.empty()) {
      out.push_back(std::move(part));
      part.clear();
    }
  }
  return out;
}

// A directory's name, as a glob that fits it alone.
std::string literal(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

bool fits(const Parts& glob, std::size_t g, const Parts& path, std::size_t p) {
  if (g == glob.size()) return p == path.size();
  if (glob[g] != "**") return p < path.size() && fnmatch(glob[g].c_str(), path[p].c_str(), 0) == 0 && fits(glob, g + 1, path, p + 1);
  if (g + 1 == glob.size()) return p < path.size();  // what is below, and not the directory itself
  for (std::size_t at = p; at <= path.size(); ++at)
    if (fits(glob, g + 1, path, at)) return true;
  return false;
}

}  // namespace

std::string rooted_glob(const std::string& glob, const std::string& directory) {
  const bool takes_back = glob.starts_with('!');
  std::string rest = glob.substr(takes_back ? 1 : 0);
  const bool at_any_depth = rest.find('/') >= rest.size() - (rest.empty() ? 0 : 1);
  if (rest.starts_with('/')) rest.erase(0, 1);
  if (rest.empty()) return "";
  return (takes_back ? "!" : "") + literal(absolute(directory)) + (at_any_depth ? "/**/" : "/") + rest;
}

// What begins with a slash means the working directory, as in .gitignore; settings have absolute paths, which do so, too.
IgnoreRules::IgnoreRules(const std::vector<std::string>& globs) {
  const auto add = [&](const std::string& glob) {
    Rule rule;
    rule.takes_back = glob.starts_with('!');
    rule.directories_only = glob.ends_with('/');
    for (std::string& part : parts_of(glob.substr(rule.takes_back ? 1 : 0)))
      if (part != "**" || rule.parts.empty() || rule.parts.back() != "**") rule.parts.push_back(std::move(part));
    if (!rule.parts.empty()) rules_.push_back(std::move(rule));
  };
  for (const std::string& one : globs) {
    add(rooted_glob(one, "."));
    if (one.starts_with('/') || one.starts_with("!/")) add(one);
  }
}

bool IgnoreRules::skips(const std::string& path, bool is_directory) const {
  if (rules_.empty()) return false;
  const Parts parts = parts_of(absolute(path));
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule)
    if ((is_directory || !rule->directories_only) && fits(rule->parts, 0, parts, 0)) return !rule->takes_back;
  return false;
}

}  // namespace netpolc::frontend
