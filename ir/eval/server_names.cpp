#include "ir/eval/server_names.h"

#include <algorithm>
#include <vector>

namespace netpolc::ir::eval {
namespace {

using Labels = std::vector<std::string_view>;

Labels split(std::string_view name) {
  Labels out;
  for (;;) {
    const auto dot = name.find('.');
    out.push_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    name.remove_prefix(dot + 1);
  }
}

bool name_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

// `reached[i]`: what was read of the pattern matches the first i of the name. Linear in both.
using Reached = std::vector<bool>;

bool label_matches(std::string_view pattern, std::string_view label) {
  Reached reached(label.size() + 1, false);
  reached[0] = true;
  for (const char p : pattern) {
    if (p == '*') {
      for (std::size_t i = 0; i < label.size(); ++i) reached[i + 1] = reached[i + 1] || reached[i];
      continue;
    }
    for (std::size_t i = label.size(); i > 0; --i) reached[i] = reached[i - 1] && label[i - 1] == p;
    reached[0] = false;
  }
  return reached[label.size()];
}

// `**` is one or more labels.
bool labels_match(const Labels& pattern, const Labels& name) {
  Reached reached(name.size() + 1, false);
  reached[0] = true;
  for (const std::string_view label : pattern) {
    Reached next(name.size() + 1, false);
    for (std::size_t i = 0; i < name.size(); ++i)
      next[i + 1] = label == "**" ? reached[i] || next[i] : reached[i] && label_matches(label, name[i]);
    reached = std::move(next);
  }
  return reached[name.size()];
}

}  // namespace

std::string canonical_server_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_server_name(std::string_view name) {
  const std::string canonical = canonical_server_name(name);
  const Labels labels = split(canonical);
  return std::all_of(labels.begin(), labels.end(), [](std::string_view label) { return !label.empty() && std::all_of(label.begin(), label.end(), name_character); });
}

bool server_name_pattern_is_known(std::string_view pattern, CiliumVersion version) {
  const Labels labels = split(pattern);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string_view label = labels[i];
    if (label.empty() || !std::all_of(label.begin(), label.end(), [](char c) { return c == '*' || name_character(c); })) return false;
    if (label.find("**") != std::string_view::npos && label != "**") return false;
    const bool leading = i == 0 && labels.size() > 1 && (label == "*" || label == "**");
    if (version < 20 && !leading && label.find('*') != std::string_view::npos) return false;
  }
  return true;
}

bool server_name_matches(std::string_view pattern, std::string_view name, CiliumVersion version) {
  if (version < 18) return pattern == name;
  return pattern == "*" || labels_match(split(pattern), split(name));
}

}  // namespace netpolc::ir::eval
