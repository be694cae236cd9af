#include "ir/identity/fqdn.h"

namespace netpolc::ir {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

std::string canonical(std::string_view name) {
  std::string out;
  for (char c : name) out += lower(c);
  if (out.empty() || out.back() != '.') out += '.';
  return out;
}

// A star takes any run of name characters; it never crosses a dot. Greedy with one point of
// return is enough, as for any glob whose only wildcard is the star.
bool glob(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
      if (name[n - 1] == '.') star = std::string_view::npos;  // no star before this dot can grow past it
    } else if (star != std::string_view::npos && is_name_char(name[resume])) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool is_all(std::string_view pattern) {
  if (!pattern.empty() && pattern.back() == '.') pattern.remove_suffix(1);
  return !pattern.empty() && pattern.find_first_not_of('*') == std::string_view::npos;
}

// "(C+[.])+" or the root alone.
bool proper_name(std::string_view name) {
  if (name == ".") return true;
  bool label = false;
  for (char c : name) {
    if (c == '.' ? !label : !is_name_char(c)) return false;
    label = c != '.';
  }
  return !label;
}

// "**." at the front: one or more labels (from 1.20).
bool deep_glob(std::string_view rest, std::string_view name) {
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    if (proper_name(name.substr(0, dot + 1)) && dot > 0 && glob(rest, name.substr(dot + 1))) return true;
  }
  return false;
}

}  // namespace

bool fqdn_selects(const FqdnPeer& selector, std::string_view name, CiliumVersion version) {
  const std::string asked = canonical(name);
  if (!selector.match_name.empty()) {
    // A star in a name is no wildcard that the schema lets pass, but the engine would expand it.
    return glob(canonical(selector.match_name), asked);
  }
  if (is_all(selector.match_pattern)) return proper_name(asked);
  const std::string pattern = canonical(selector.match_pattern);
  const std::size_t stars = pattern.find_first_not_of('*');
  if (version >= 20 && stars >= 2 && stars != std::string::npos && pattern[stars] == '.') {
    return deep_glob(std::string_view(pattern).substr(stars + 1), asked);
  }
  return glob(pattern, asked);
}

Label fqdn_label(const FqdnPeer& selector) {
  return {"fqdn", selector.match_name.empty() ? selector.match_pattern : selector.match_name, ""};
}

}  // namespace netpolc::ir
