#include "ir/eval/requests.h"

#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "ir/eval/fqdn.h"

namespace netpolc::ir::eval {
namespace {

using Word = InList::Word;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Compiling takes ten times as long as matching, and a batch asks about the same expressions again and again.
const re2::RE2& compiled(const std::string& regex) {
  constexpr std::size_t kMost = 4096;
  thread_local std::unordered_map<std::string, std::unique_ptr<const re2::RE2>> known;
  if (known.size() > kMost) known.clear();
  auto& out = known[regex];
  if (out == nullptr) out = std::make_unique<const re2::RE2>(regex, re2::RE2::Quiet);
  return *out;
}

// Empty: asks for nothing.
Word matches(const std::string& regex, const std::optional<std::string>& value) {
  if (regex.empty()) return Word::Yes;
  if (!value) return Word::Unknown;
  return re2::RE2::FullMatch(*value, compiled(regex)) ? Word::Yes : Word::No;
}

Word holds(const HeaderCondition& condition, const HttpRequest& request) {
  if (condition.always) return Word::Yes;
  if (condition.unknown) return Word::Unknown;
  if (condition.never) return Word::No;
  if (condition.of != HeaderCondition::Of::Header) {
    if (!condition.value) return Word::Yes;
    if (condition.of == HeaderCondition::Of::Host && !request.host) return Word::Unknown;
    const std::string& text = condition.of == HeaderCondition::Of::Host ? *request.host : condition.of == HeaderCondition::Of::Path ? request.path : request.method;
    return text == *condition.value ? Word::Yes : Word::No;
  }
  for (const auto& [name, value] : request.headers)
    if (name == condition.name) return !condition.value || *condition.value == value ? Word::Yes : Word::No;
  return Word::No;
}

Word both(Word a, Word b) {
  if (a == Word::No || b == Word::No) return Word::No;
  return a == Word::Unknown || b == Word::Unknown ? Word::Unknown : Word::Yes;
}

Word matches(const HttpRule& rule, const HttpRequest& request) {
  Word out = both(matches(rule.path, request.path), both(matches(rule.method, request.method), matches(rule.host, request.host)));
  for (const HeaderCondition& condition : header_conditions(rule)) out = both(out, holds(condition, request));
  return out;
}

// A pattern of nothing but stars is every name, whatever it is made of (section 7.3).
Word matches(const DnsRule& rule, const DnsQuery& query, CiliumVersion version) {
  std::string_view pattern = rule.match_pattern;
  if (pattern.ends_with('.')) pattern.remove_suffix(1);
  if (!pattern.empty() && pattern.find_first_not_of('*') == std::string_view::npos) return Word::Yes;
  const bool by_name = !rule.match_name.empty() && name_matches({rule.match_name, ""}, query.name, version);
  const bool by_pattern = !rule.match_pattern.empty() && name_matches({"", rule.match_pattern}, query.name, version);
  return by_name || by_pattern ? Word::Yes : Word::No;
}

template <typename Rules, typename Judge>
InList any_of(const Rules& rules, const Judge& judge) {
  InList out;
  for (const auto& rule : rules) {
    const Word word = judge(rule);
    if (word == Word::Yes) return {word};
    if (word == Word::Unknown) out.word = word;
  }
  return out;
}

}  // namespace

std::string canonical_name(std::string_view name) {
  std::string out = lower(name);
  if (!out.ends_with('.')) out += '.';
  return out;
}

namespace {

// What headers may be called: RFC 9110, 5.6.2; and what Envoy calls that a request has besides.
void classify(HeaderCondition& condition) {
  using Of = HeaderCondition::Of;
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  const std::string& name = condition.name;
  if (name == "host" || name == ":authority") condition.of = Of::Host;
  else if (name == ":path") condition.of = Of::Path;
  else if (name == ":method") condition.of = Of::Method;
  else if (name.starts_with(':')) condition.unknown = true;
  else condition.never = name.empty() || !std::all_of(name.begin(), name.end(), [&](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kSigns.find(c) != std::string_view::npos; });
}

}  // namespace

std::vector<HeaderCondition> header_conditions(const HttpRule& rule) {
  std::vector<HeaderCondition> out;
  for (const std::string& text : rule.headers) {
    const auto space = text.find(' ');
    std::string name = lower(text.substr(0, space));
    if (name.ends_with(':')) name.pop_back();
    out.push_back({std::move(name), space == std::string::npos ? std::nullopt : std::optional(text.substr(space + 1))});
  }
  for (const HeaderMatch& match : rule.header_matches) {
    HeaderCondition one{lower(match.name), match.value.empty() ? std::nullopt : std::optional(match.value)};
    const bool by_secret = !match.secret_name.empty() && match.value.empty();
    one.always = !match.mismatch.empty() && !by_secret;
    one.unknown = by_secret;
    out.push_back(std::move(one));
  }
  for (HeaderCondition& condition : out) classify(condition);
  return out;
}

std::string unmodelled(const L7& l7, std::size_t kind) {
  if (l7.listener) return "what the listener " + l7.listener->name + " lets pass";
  if (!l7.kafka.empty() || !l7.generic.empty() || l7.parser == L7Parser::Generic) return "what a parser of another protocol lets pass";
  if (!l7.server_names.empty() || l7.terminating_tls || l7.originating_tls) return "TLS: server names and termination";
  if (kind == kHttpKind && !l7.dns.empty()) return "what the DNS proxy makes of HTTP";
  for (const HttpRule& rule : l7.http) {
    if (!rule.host.empty() && !compiled(rule.host).ok()) return "a host that is no regular expression: " + rule.host;  // Cilium does not look (section 1.7)
    for (const HeaderCondition& condition : header_conditions(rule))
      if (condition.unknown && !condition.always) return condition.name.starts_with(':') ? "the header " + condition.name : "a header's value that is in a Secret";
  }
  return "";
}

InList in_list(const L7& l7, const Request& request, CiliumVersion version) {
  if (!unmodelled(l7, request.index()).empty()) return {Word::Unknown};
  if (const auto* http = std::get_if<HttpRequest>(&request))
    return l7.http.empty() ? InList{Word::Yes} : any_of(l7.http, [&](const HttpRule& rule) { return matches(rule, *http); });
  if (!l7.http.empty()) return {Word::No};  // what is no HTTP is closed (section 7.1)
  return l7.dns.empty() ? InList{Word::Yes} : any_of(l7.dns, [&](const DnsRule& rule) { return matches(rule, std::get<DnsQuery>(request), version); });
}

}  // namespace netpolc::ir::eval
