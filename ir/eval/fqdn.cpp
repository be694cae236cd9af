#include "ir/eval/fqdn.h"

#include <algorithm>
#include <string>

#include "ir/eval/requests.h"

namespace netpolc::ir::eval {
namespace {

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// `reached[i]`: the pattern so far matches the first i characters. Linear in both lengths.
bool glob(std::string_view pattern, std::string_view name) {
  std::vector<bool> reached(name.size() + 1, false);
  reached[0] = true;
  for (char p : pattern) {
    if (p == '*') {
      for (std::size_t i = 0; i < name.size(); ++i) reached[i + 1] = reached[i + 1] || (reached[i] && name_character(name[i]));
    } else {
      for (std::size_t i = name.size(); i > 0; --i) reached[i] = reached[i - 1] && name[i - 1] == p;
      reached[0] = false;
    }
  }
  return reached[name.size()];
}

// One or more labels of the name's characters, then `rest`.
bool labels_then(std::string_view rest, std::string_view name) {
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = at;
    while (at < name.size() && name_character(name[at])) ++at;
    if (at == begin || at == name.size() || name[at] != '.') return false;
    ++at;
    if (glob(rest, name.substr(at))) return true;
  }
}

bool any_name(std::string_view name) {
  if (name == ".") return true;
  bool in_label = false;
  for (char c : name) {
    if (c == '.' ? !in_label : !name_character(c)) return false;
    in_label = c != '.';
  }
  return true;
}

bool pattern_matches(std::string_view pattern, std::string_view name, CiliumVersion version) {
  const auto stars = std::min(pattern.find_first_not_of('*'), pattern.size());
  if (version >= 20 && stars >= 2 && stars < pattern.size() && pattern[stars] == '.') {
    return labels_then(pattern.substr(stars + 1), name);
  }
  return glob(pattern, name);
}

}  // namespace

bool is_every_name(std::string_view pattern) {
  if (pattern.ends_with('.')) pattern.remove_suffix(1);
  return !pattern.empty() && pattern.find_first_not_of('*') == std::string_view::npos;
}

bool name_matches(const FqdnPeer& peer, std::string_view name, CiliumVersion version) {
  const std::string asked = canonical_name(name);
  if (!peer.match_name.empty()) return pattern_matches(canonical_name(peer.match_name), asked, version);
  if (peer.match_pattern.empty()) return false;
  if (is_every_name(peer.match_pattern)) return any_name(asked);
  return pattern_matches(canonical_name(peer.match_pattern), asked, version);
}

std::vector<IpAddress> resolve(const FqdnPeer& peer, const Resolutions& resolutions, CiliumVersion version) {
  std::vector<IpAddress> out;
  for (const auto& [name, addresses] : resolutions) {
    if (name_matches(peer, name, version)) out.insert(out.end(), addresses.begin(), addresses.end());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace netpolc::ir::eval
