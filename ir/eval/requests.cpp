#include "ir/eval/requests.h"

#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "ir/eval/fqdn.h"
#include "ir/eval/server_names.h"

namespace netpolc::ir::eval {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// A batch asks about the same expressions again and again.
const re2::RE2& compiled(const std::string& regex) {
  constexpr std::size_t kMost = 4096;
  thread_local std::unordered_map<std::string, std::unique_ptr<const re2::RE2>> known;
  if (known.size() > kMost) known.clear();
  auto& out = known[regex];
  if (out == nullptr) out = std::make_unique<const re2::RE2>(regex, re2::RE2::Quiet);
  return *out;
}

// Empty: asks for nothing.
InList matches(const std::string& regex, const std::optional<std::string>& value) {
  if (regex.empty()) return InList::Yes;
  if (!value) return InList::Unknown;
  return re2::RE2::FullMatch(*value, compiled(regex)) ? InList::Yes : InList::No;
}

InList holds(const HeaderCondition& condition, const HttpRequest& request) {
  if (condition.always) return InList::Yes;
  if (condition.unknown) return InList::Unknown;
  if (condition.never) return InList::No;
  if (condition.of != HeaderCondition::Of::Header) {
    if (!condition.value) return InList::Yes;
    if (condition.of == HeaderCondition::Of::Host && !request.host) return InList::Unknown;
    const std::string& text = condition.of == HeaderCondition::Of::Host ? *request.host : condition.of == HeaderCondition::Of::Path ? request.path : request.method;
    return text == *condition.value ? InList::Yes : InList::No;
  }
  for (const auto& [name, value] : request.headers)
    if (name == condition.name) return !condition.value || *condition.value == value ? InList::Yes : InList::No;
  return InList::No;
}

InList both(InList a, InList b) {
  if (a == InList::No || b == InList::No) return InList::No;
  return a == InList::Unknown || b == InList::Unknown ? InList::Unknown : InList::Yes;
}

InList matches(const HttpRule& rule, const HttpRequest& request) {
  InList out = both(matches(rule.path, request.path), both(matches(rule.method, request.method), matches(rule.host, request.host)));
  for (const HeaderCondition& condition : header_conditions(rule)) out = both(out, holds(condition, request));
  return out;
}

// A pattern of nothing but stars is every name, whatever it is made of (section 7.3).
InList matches(const DnsRule& rule, const DnsQuery& query, CiliumVersion version) {
  if (is_every_name(rule.match_pattern)) return InList::Yes;
  const bool by_name = !rule.match_name.empty() && name_matches({rule.match_name, ""}, query.name, version);
  const bool by_pattern = !rule.match_pattern.empty() && name_matches({"", rule.match_pattern}, query.name, version);
  return by_name || by_pattern ? InList::Yes : InList::No;
}

template <typename Rules, typename Judge>
InList any_of(const Rules& rules, const Judge& judge) {
  InList out = InList::No;
  for (const auto& rule : rules) {
    const InList one = judge(rule);
    if (one == InList::Yes) return one;
    if (one == InList::Unknown) out = one;
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

std::string unmodelled(const L7& l7, std::size_t kind, Protocol protocol, CiliumVersion version) {
  if (l7.listener) return "what the listener " + l7.listener->name + " lets pass";
  if (!l7.kafka.empty() || !l7.generic.empty() || l7.parser == L7Parser::Generic) return "what a parser of another protocol lets pass";
  if (l7.terminating_tls || l7.originating_tls) return "what a proxy that terminates TLS lets pass";
  if (!l7.server_names.empty() && protocol != Protocol::Tcp) return "what a proxy makes of server names over " + std::string(to_string(protocol));
  for (const std::string& name : l7.server_names)
    if (!server_name_pattern_is_known(name, version)) return "what a proxy makes of the server name " + name;
  if (kind != kHttpKind) return "";
  for (const HttpRule& rule : l7.http) {
    if (!rule.host.empty() && !compiled(rule.host).ok()) return "what Envoy makes of the host " + rule.host + ", which is no regular expression,";  // Cilium does not look (section 1.7)
    for (const HeaderCondition& condition : header_conditions(rule))
      if (condition.unknown && !condition.always) return condition.name.starts_with(':') ? "the header " + condition.name : "a header's value that is in a Secret";
  }
  return "";
}

bool reads(L7Parser proxy, std::size_t kind) {
  switch (proxy) {
    case L7Parser::Http: return kind == kHttpKind;
    case L7Parser::Dns: return kind == kDnsKind;
    default: return true;
  }
}

InList in_list(const L7& l7, const Request& request, L7Parser proxy, CiliumVersion version) {
  if (proxy == L7Parser::Dns) {
    if (!l7.http.empty()) return InList::No;
    return l7.dns.empty() ? InList::Yes : any_of(l7.dns, [&](const DnsRule& rule) { return matches(rule, std::get<DnsQuery>(request), version); });
  }
  if (!l7.dns.empty() || (proxy == L7Parser::Tls && !l7.http.empty())) return InList::Unknown;  // it is not said what is known of it there
  if (l7.http.empty()) return InList::Yes;
  if (const auto* http = std::get_if<HttpRequest>(&request)) return any_of(l7.http, [&](const HttpRule& rule) { return matches(rule, *http); });
  return InList::No;
}

bool has_server_name(const L7& l7, const Request& request, CiliumVersion version) {
  const auto* hello = std::get_if<TlsHello>(&request);
  if (hello == nullptr) return false;
  const std::string name = canonical_server_name(hello->server_name);
  return std::any_of(l7.server_names.begin(), l7.server_names.end(), [&](const std::string& pattern) { return server_name_matches(pattern, name, version); });
}

}  // namespace netpolc::ir::eval
