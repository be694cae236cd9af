#include "compiler/explain/fqdn.h"

#include <algorithm>

#include "ir/eval/fqdn.h"
#include "ir/eval/requests.h"

namespace netpolc::explain {
namespace {

namespace eval = ir::eval;

constexpr std::string_view kCharacter = "[-a-zA-Z0-9_]";
constexpr std::size_t kExamples = 4;

bool is_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_'; }

std::vector<std::string> labels_of(std::string_view name) {
  std::vector<std::string> out;
  if (name.ends_with('.')) name.remove_suffix(1);
  while (true) {
    const auto dot = name.find('.');
    out.emplace_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    name.remove_prefix(dot + 1);
  }
}

// From 1.20 on, `**.` in front stands for one or more labels.
bool takes_many_labels(std::string_view pattern, ir::CiliumVersion version) {
  const auto stars = std::min(pattern.find_first_not_of('*'), pattern.size());
  return version >= 20 && stars >= 2 && stars < pattern.size() && pattern[stars] == '.';
}

bool is_pattern(const ir::FqdnPeer& selector) { return selector.match_name.empty(); }

std::string counted(std::size_t count) { return std::to_string(count) + (count == 1 ? " label" : " labels"); }

std::string pattern_regex(std::string_view pattern, ir::CiliumVersion version) {
  std::string out;
  if (takes_many_labels(pattern, version)) {
    pattern.remove_prefix(pattern.find('.') + 1);
    out = "(" + std::string(kCharacter) + "+([.]" + std::string(kCharacter) + "+){0,})[.]";
  }
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '.') out += "[.]";
    else if (pattern[i] != '*') out += pattern[i];
    else if (i == 0 || pattern[i - 1] != '*') (out += kCharacter) += "*";
  }
  return out;
}

// Labels of the pattern against as many of the name; the last ones weigh most.
std::string label_that_differs(const std::vector<std::string>& pattern, const std::vector<std::string>& name, ir::CiliumVersion version) {
  for (std::size_t l = pattern.size(); l-- > 0;)
    if (!eval::name_matches({"", pattern[l]}, name[l], version) && pattern[l] != name[l]) return "`" + name[l] + "` is not `" + pattern[l] + "`";
  return "it is another name";
}

std::string with_stars(const std::string& pattern, const std::string& by) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '*') out += pattern[i];
    else if (i == 0 || pattern[i - 1] != '*') out += by;
  }
  return out;
}

bool is_plain_name(const std::string& name) {
  const auto labels = labels_of(name);
  return std::all_of(labels.begin(), labels.end(), [](const std::string& label) { return !label.empty() && std::all_of(label.begin(), label.end(), is_character); });
}

// What people take a pattern or a name for, and what it is.
std::vector<std::string> candidates(const ir::FqdnPeer& selector) {
  const std::string& text = text_of(selector);
  const std::string plain = with_stars(text, "www");
  std::string upper = plain;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::vector<std::string> out{plain, upper, with_stars(text, "a-b1"), with_stars(text, ""), with_stars(text, "a.b")};
  if (const auto dot = text.find('.'); dot != std::string::npos) out.push_back(with_stars(text.substr(dot + 1), "www"));
  if (is_pattern(selector)) out.push_back(plain + ".org");
  else out.insert(out.end(), {"sub." + plain, "not" + plain, plain + ".org"});
  return out;
}

}  // namespace

std::string bad_name(std::string_view text) {
  const bool characters = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_character(c) || c == '.' || c == '*'; });
  if (!characters || text.size() > 255 || text.starts_with('.') || text.find("..") != std::string_view::npos) return "expected letters, digits, `-`, `_`, `*` and single dots, at most 255";
  return "";
}

ir::FqdnPeer selector_of(const std::string& text) { return text.find('*') == std::string::npos ? ir::FqdnPeer{text, ""} : ir::FqdnPeer{"", text}; }
const std::string& text_of(const ir::FqdnPeer& selector) { return is_pattern(selector) ? selector.match_pattern : selector.match_name; }
const char* field_of(const ir::FqdnPeer& selector) { return is_pattern(selector) ? "matchPattern" : "matchName"; }

std::string regex_of(const ir::FqdnPeer& selector, ir::CiliumVersion version, NamesOf what) {
  const std::string character(kCharacter);
  if (is_pattern(selector) && eval::is_every_name(selector.match_pattern)) return what == NamesOf::DnsRule ? ".*" : "(^(" + character + "+[.])+$)|(^[.]$)";
  return "^" + pattern_regex(eval::canonical_name(text_of(selector)), version) + "$";
}

std::string why_not(const ir::FqdnPeer& selector, const std::string& name, ir::CiliumVersion version) {
  if (eval::name_matches(selector, name, version)) return "";
  if (!is_plain_name(name)) return "it has characters that only a pattern of stars alone matches";
  if (!is_pattern(selector)) return "a `matchName` matches itself only";
  auto pattern = labels_of(eval::canonical_name(selector.match_pattern)), labels = labels_of(eval::canonical_name(name));
  if (takes_many_labels(selector.match_pattern, version)) {
    if (labels.size() < pattern.size()) return "the leading stars stand for one label or more, and there is none";
    labels.erase(labels.begin(), labels.end() - static_cast<std::ptrdiff_t>(pattern.size() - 1));
    pattern.erase(pattern.begin());
    return label_that_differs(pattern, labels, version);
  }
  if (labels.size() > pattern.size()) return "it has " + counted(labels.size()) + ", the pattern " + std::to_string(pattern.size()) + ": a `*` never crosses a dot";
  if (labels.size() < pattern.size()) return "it has " + counted(labels.size()) + ", the pattern " + std::to_string(pattern.size()) + ": every dot has to be there";
  return label_that_differs(pattern, labels, version);
}

std::vector<NameExample> examples(const ir::FqdnPeer& selector, ir::CiliumVersion version) {
  std::vector<NameExample> yes, no;
  std::vector<std::string> seen;
  for (const std::string& name : candidates(selector)) {
    if (!is_plain_name(name) || std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    std::string why = why_not(selector, name, version);
    std::vector<NameExample>& out = why.empty() ? yes : no;
    if (out.size() < kExamples) out.push_back({name, std::move(why)});
  }
  yes.insert(yes.end(), no.begin(), no.end());
  return yes;
}

std::vector<VersionSpan> versions(const ir::FqdnPeer& selector) {
  std::vector<VersionSpan> out;
  for (ir::CiliumVersion version = 16; version <= 20; ++version) {
    const std::string regex = regex_of(selector, version);
    if (!out.empty() && out.back().regex == regex) out.back().last = version;
    else out.push_back({version, version, regex});
  }
  return out;
}

}  // namespace netpolc::explain
