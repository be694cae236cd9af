// Rules about requests that a list leaves out, or that no proxy reads, hardly as meant (semantics reference, sections 7.1 and 7.5).
#include <algorithm>
#include <map>

#include "compiler/lint/rule.h"
#include "verify/strings/automaton.h"
#include "verify/strings/regex.h"

namespace netpolc::lint {
namespace {

using verify::strings::Automaton;
using verify::strings::Regex;

// ---- queries -----------------------------------------------------------------------------------
// `*`, `+` or `{2,}`: the author names paths that nobody has listed.
bool is_for_many(const Regex& regex) {
  return (regex.kind == Regex::Kind::Repeat && regex.most == Regex::kNoLimit) ||
         std::any_of(regex.parts.begin(), regex.parts.end(), [](const auto& part) { return is_for_many(*part); });
}

// It says itself that nothing follows.
bool says_end(std::string_view regex) {
  if (regex.empty() || regex.back() != '$') return false;
  regex.remove_suffix(1);
  const std::size_t last = regex.find_last_not_of('\\');
  return (regex.size() - (last == std::string_view::npos ? 0 : last + 1)) % 2 == 0;
}

// It has the sign itself in mind, if only to keep it out: `[^?]`, `\?`.
bool names_query(std::string_view regex) {
  bool in_class = false;
  for (std::size_t i = 0; i < regex.size(); ++i) {
    if (regex[i] == '\\') {
      if (++i < regex.size() && regex[i] == '?') return true;
    } else if (regex[i] == '[') {
      in_class = true;
    } else if (regex[i] == ']') {
      in_class = false;
    } else if (regex[i] == '?' && in_class) {
      return true;
    }
  }
  return false;
}

// A path that it is for, where none that it is for has a query.
std::optional<std::string> path_without_query(const std::string& regex) {
  constexpr std::size_t kMostStates = 10'000;  // nobody writes a path of more
  const auto parsed = verify::strings::parse(regex);
  if (says_end(regex) || names_query(regex) || !parsed || !is_for_many(**parsed)) return std::nullopt;
  auto path = Automaton::of(regex), query = Automaton::of("[^?]*\\?.*");
  if (!path || !query) return std::nullopt;
  const auto with = verify::strings::shortest({{&*path, true}, {&*query, true}}, kMostStates);
  if (!std::holds_alternative<verify::strings::None>(with)) return std::nullopt;
  const auto without = verify::strings::shortest({{&*path, true}}, kMostStates);
  const auto* text = std::get_if<std::string>(&without);
  return text != nullptr && text->rfind('/', 0) == 0 ? std::optional(*text) : std::nullopt;
}

// Expressions are taken apart by recursion, and nobody writes one that is as long as this.
constexpr std::size_t kLongest = 4096;
bool is_long(const ir::HttpRule& http) { return http.path.size() > kLongest || http.method.size() > kLongest; }

// Requests with a query are hardly others.
bool reads(const std::string& method) {
  if (method.empty()) return true;
  auto automaton = Automaton::of(method);
  return automaton && (automaton->matches("GET") || automaton->matches("HEAD"));
}

constexpr const char* kQuery = "?page=2";

// Another entry may be for it, whoever asks.
bool is_listed(const std::vector<ir::HttpRule>& list, const std::string& path) {
  return std::any_of(list.begin(), list.end(), [&](const ir::HttpRule& one) {
    auto automaton = Automaton::of(one.path);
    return one.path.empty() || !automaton || automaton->matches(path);
  });
}

// The same text may stand in the list more than once, for other methods.
Span place_of(const Facts& facts, const ir::PortRule& item, std::size_t index) {
  const frontend::Node* at = facts.places().node_at(item.where);
  for (const char* key : {"rules", "http"}) at = at != nullptr && at->is_mapping() ? at->find(key) : nullptr;
  const bool known = at != nullptr && at->items.size() == item.l7.http.size() && at->items[index].is_mapping();
  const frontend::Node* path = known ? at->items[index].find("path") : nullptr;
  return path != nullptr ? path->span : facts.places().value_of(item.where, "path", item.l7.http[index].path);
}

class Queries {
 public:
  // One finding for a list: its paths are written in one manner.
  void check(const Facts& facts, const ir::PortRule& item, Findings& out) {
    if (std::any_of(item.l7.http.begin(), item.l7.http.end(), is_long)) return;
    for (std::size_t i = 0; i < item.l7.http.size(); ++i) {
      const ir::HttpRule& http = item.l7.http[i];
      if (http.path.empty() || !reads(http.method)) continue;
      const auto path = of(http.path);
      if (!path || is_listed(item.l7.http, *path + kQuery)) continue;
      out.push_back({.kind = DiagKind::PathWithoutQuery,
                     .where = place_of(facts, item, i),
                     .message = "`" + http.path + "` is for no path with a query, such as `" + *path + kQuery + "`",
                     .label = "end it with `(\\?.*)?` to let queries pass, or with `$` to say that none may",
                     .severity = Severity::Note});
      return;
    }
  }

 private:
  const std::optional<std::string>& of(const std::string& regex) {
    const auto [entry, fresh] = known_.try_emplace(regex);
    if (fresh) entry->second = path_without_query(regex);
    return entry->second;
  }
  std::map<std::string, std::optional<std::string>> known_;  // the same stands in many policies
};

void find_without_query(const Facts& facts, Findings& out) {
  Queries queries;
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& item : rule.ports) queries.check(facts, item, out);
}

// ---- server names ------------------------------------------------------------------------------
// What a port of an entry with server names is besides TCP; "" if nothing. A named port is of the protocol that its container says.
std::string besides_tcp(const ir::PortMatch& port) {
  if (!port.name.empty() || port.protocol == ir::Protocol::Tcp) return "";
  return port.protocol == ir::Protocol::Any ? "UDP and SCTP" : ir::to_string(port.protocol);
}

void find_not_tcp(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& item : rule.ports) {
        if (item.l7.server_names.empty()) continue;
        const auto port = std::find_if(item.ports.begin(), item.ports.end(), [](const ir::PortMatch& one) { return !besides_tcp(one).empty(); });
        if (port == item.ports.end()) continue;
        const bool any = port->protocol == ir::Protocol::Any;
        const std::string number = port->first == 0 ? "every port" : "port " + std::to_string(port->first);
        out.push_back({.kind = DiagKind::ServerNamesNotTcp,
                       .where = facts.places().key(item.where, "serverNames"),
                       .message = "`serverNames` stand beside " + number + " of " + (any ? "UDP and SCTP as well as TCP" : besides_tcp(*port)) + ", and a proxy reads names of TCP alone",
                       .label = any ? "say `protocol: TCP`: without it a port is of every protocol" : "QUIC is no TLS over TCP: have an entry without `serverNames` for it",
                       .severity = Severity::Warning});
      }
}

}  // namespace

std::vector<Rule> request_rules() {
  return {{DiagKind::PathWithoutQuery, Severity::Note, Needs::Policies, find_without_query,
           "`path` is compared with all of what the request asks for, the query string and all: `/items/[0-9]+` refuses `/items/7?page=2`, "
           "which whoever thinks of paths alone does not expect. End it with `(\\?.*)?`. Said, once for a list, of expressions with a "
           "repetition, which are for paths that nobody has listed, where GET or HEAD are allowed and no other entry has room for a query; a path that is written out is taken "
           "as meant, and so is an end that is marked with `$`, and an expression that names the question mark.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: items, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: items}}
  ingress:
  - toPorts:
    - ports: [{port: "8080", protocol: TCP}]
      rules:
        http: [{method: GET, path: "/items/[0-9]+"}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: items, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: items}}
  ingress:
  - toPorts:
    - ports: [{port: "8080", protocol: TCP}]
      rules:
        http:
        - {method: GET, path: "/items/[^/]+"}
        - {method: GET, path: '/items/[0-9]+/prices(\?.*)?'}
        - {method: GET, path: "/items/[0-9]+/name$"}
        - {method: PUT, path: "/items/[0-9]+"}
        - {method: GET, path: /items}
)"},
          {DiagKind::ServerNamesNotTcp, Severity::Warning, Needs::Policies, find_not_tcp,
           "`serverNames` are looked for in the beginning of TLS over TCP. A port without `protocol` is of UDP and SCTP, too, and Cilium "
           "sends that to the same proxy, which cannot read it: nobody can rely on QUIC (HTTP/3) being held to the names, or on its getting "
           "through. Write `protocol: TCP`, and have an entry of its own for UDP if QUIC is meant to pass.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toEntities: [world]
    toPorts:
    - ports: [{port: "443"}]
      serverNames: [www.example.com]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toEntities: [world]
    toPorts:
    - ports: [{port: "443", protocol: TCP}]
      serverNames: [www.example.com]
    - ports: [{port: "8443"}]
)"}};
}

}  // namespace netpolc::lint
