// Rules about L7 lists: what other rules let pass beside them (semantics reference, sections 5.6 and 7.1), and slips in regular
// expressions.
#include <algorithm>
#include <cctype>

#include "compiler/lint/edits.h"
#include "compiler/lint/judged.h"
#include "compiler/lint/rule.h"
#include "ir/eval/eval.h"
#include "ir/eval/requests.h"

namespace netpolc::lint {
namespace {

// ---- shadowed ----------------------------------------------------------------------------------
// No list names such a request unless it names all.
const ir::Request kOddRequest = ir::HttpRequest{"NETPOLC-LINT", "/netpolc/lint/\x7f", "lint.netpolc.invalid", {}};

bool is_selective(const ir::PortRule& item, ir::CiliumVersion version) {
  return !item.l7.http.empty() && ir::eval::in_list(item.l7, kOddRequest, ir::L7Parser::Http, version) == ir::eval::InList::No;
}

bool lets_all_pass(const ir::PortRule& item) { return !item.l7.redirects() && !item.ports.empty(); }

bool is_plain(const ir::Rule& rule) {
  return rule.action == ir::Action::Allow && rule.peer_kind != ir::PeerKind::Nobody &&
         (rule.any_l4 ? rule.peer_kind == ir::PeerKind::Listed : std::any_of(rule.ports.begin(), rule.ports.end(), lets_all_pass));
}

Bits everyone(const Facts& facts) {
  Bits out = facts.workloads();
  for (const char* name : {"world", "world-ipv4", "world-ipv6", "remote-node"}) out |= facts.select({{{"reserved", name, ir::Operator::Exists, {}}}});
  return out;
}

// Identities that a rule lists by their labels, or everyone's; none where it also has peers of another kind.
std::optional<Bits> listed_peers(const Facts& facts, const ir::Rule& rule) {
  if (rule.peer_kind != ir::PeerKind::Listed) return everyone(facts);
  Bits out = facts.nobody();
  for (const ir::Peer& peer : rule.peers) {
    const auto* labels = std::get_if<ir::LabelPeer>(&peer);
    if (labels == nullptr) return std::nullopt;
    out |= facts.select(labels->selector);
  }
  return both(out, facts.workloads());
}

class Shadows {
 public:
  explicit Shadows(const Facts& facts) : facts_(facts), judged_(facts) {
    for (std::uint32_t p = 0; p < facts.policies().size(); ++p)
      for (std::uint32_t r = 0; r < facts.policies()[p].rules.size(); ++r)
        if (is_plain(facts.policies()[p].rules[r])) plain_.push_back({p, r});
  }

  // A plain rule that lets all requests of all listed peers pass on every port of the item; of ranges the ends are asked about.
  std::optional<ir::RuleRef> of(std::size_t policy, const ir::Rule& rule, const ir::PortRule& item) {
    std::optional<ir::RuleRef> by;
    for (const ir::PortMatch& port : item.ports) {
      if (!port.name.empty()) return std::nullopt;
      for (const std::uint16_t number : {port.first, port.last})
        if (!(by = of(policy, rule, ir::Flow{ir::Protocol::Tcp, number}))) return std::nullopt;
    }
    return by;
  }

 private:
  // The same on one port, of one subject: the interpreter says so.
  std::optional<ir::RuleRef> of(std::size_t policy, const ir::Rule& rule, ir::Flow flow) {
    const auto peers = listed_peers(facts_, rule);
    if (!peers || !any(*peers)) return std::nullopt;
    std::optional<ir::RuleRef> by;
    bool all = true;
    const auto subject = first(facts_.subjects(policy));
    if (!subject || !has_plain_rule_beside(policy, rule)) return std::nullopt;
    const Judged::One& judged = judged_.at(*subject);
    if (judged.policy->incomputable()) return std::nullopt;
    peers->each([&](std::size_t peer) {
      if (!all) return;
      const auto let = lets_pass(judged, rule, facts_.identity(peer), flow);
      all = let.has_value();
      if (let && !by) by = let;
    });
    return all ? by : std::nullopt;
  }

  bool has_plain_rule_beside(std::size_t policy, const ir::Rule& rule) const {
    return std::any_of(plain_.begin(), plain_.end(), [&](ir::RuleRef ref) {
      return facts_.policies()[ref.policy].rules[ref.rule].direction == rule.direction && any(both(facts_.subjects(ref.policy), facts_.subjects(policy)));
    });
  }

  std::optional<ir::RuleRef> lets_pass(const Judged::One& judged, const ir::Rule& rule, const ir::Identity& peer, ir::Flow flow) const {
    const ir::PeerFacts facts{peer.labels, std::nullopt, false, std::nullopt};
    const ir::Verdict connection = judged.policy->judge(rule.direction, facts, flow).verdict;
    if (connection != ir::Verdict::Allow && connection != ir::Verdict::AllowL7) return std::nullopt;
    const ir::RequestVerdict verdict = judged.policy->judge(rule.direction, facts, flow, kOddRequest);
    if (verdict.word != ir::RequestVerdict::Word::Allowed) return std::nullopt;
    for (const ir::RuleRef ref : verdict.rules)
      if (const auto known = judged.among_all(ref); known && is_plain(facts_.policies()[known->policy].rules[known->rule])) return known;
    return std::nullopt;
  }

  const Facts& facts_;
  std::vector<ir::RuleRef> plain_;
  Judged judged_;
};

void find_shadowed(const Facts& facts, Findings& out) {
  Shadows shadows(facts);
  for (std::size_t p = 0; p < facts.policies().size(); ++p) {
    const ir::Policy& policy = facts.policies()[p];
    for (const ir::Rule& rule : policy.rules) {
      if (rule.action != ir::Action::Allow) continue;
      for (const ir::PortRule& item : rule.ports) {
        if (!is_selective(item, facts.cluster().config.version)) continue;
        const auto by = shadows.of(p, rule, item);
        if (!by) continue;
        const ir::Policy& other = facts.policies()[by->policy];
        out.push_back({.kind = DiagKind::L7Shadowed,
                       .where = facts.places().key(item.where, "http"),
                       .message = "this list keeps no request out: another rule lets all of them pass",
                       .label = "a rule for the same port and peers without a list wins",
                       .notes = {{other.rules[by->rule].where, "by `" + other.rules[by->rule].path + "` of `" + (other.ns.empty() ? "" : other.ns + "/") + other.name + "`"}},
                       .severity = Severity::Warning});
      }
    }
  }
}

// ---- dots --------------------------------------------------------------------------------------
bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

// Dots between words, outside of classes, neither escaped nor repeated: hardly any character is meant.
std::vector<std::size_t> literal_dots(const std::string& regex) {
  std::vector<std::size_t> out;
  bool in_class = false;
  for (std::size_t i = 0; i < regex.size(); ++i) {
    if (regex[i] == '\\') ++i;
    else if (regex[i] == '[') in_class = true;
    else if (regex[i] == ']') in_class = false;
    else if (regex[i] == '.' && !in_class && i > 0 && i + 1 < regex.size() && is_word(regex[i - 1]) && is_word(regex[i + 1])) out.push_back(i);
  }
  return out;
}

std::string escaped(std::string regex, const std::vector<std::size_t>& dots) {
  for (auto at = dots.rbegin(); at != dots.rend(); ++at) regex.insert(*at, "\\");
  return regex;
}

void check_dots(const Facts& facts, Span inside, const char* field, const std::string& regex, Severity severity, Findings& out) {
  const auto dots = literal_dots(regex);
  if (dots.empty()) return;
  std::string other = regex;
  other[dots.front()] = 'x';
  const Span where = facts.places().value_of(inside, field, regex);
  Diagnostic found{.kind = DiagKind::UnescapedDot, .where = where,
                   .message = "a dot in `" + std::string(field) + "` stands for any character: `" + regex + "` matches `" + other + "`, too",
                   .label = "a dot is `\\.`", .severity = severity};
  // In double quotes YAML has a backslash of its own.
  const bool doubled = facts.places().sources().text(where.file)[where.begin] == '"';
  if (const auto text = written_as(facts, where, regex, escaped(regex, dots)); text && !doubled) found.fix = FixIt{where, *text};
  out.push_back(std::move(found));
}

// Of a host this lets others in; of a path it hardly ever matters.
void find_dots(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& item : rule.ports)
        for (const ir::HttpRule& http : item.l7.http) {
          check_dots(facts, item.where, "host", http.host, Severity::Warning, out);
          check_dots(facts, item.where, "path", http.path, Severity::Note, out);
        }
}

// ---- what no request has -----------------------------------------------------------------------
bool is_lower_case(const std::string& method) {
  return method.find_first_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos && method.find_first_not_of("abcdefghijklmnopqrstuvwxyz|()") == std::string::npos;
}

// A letter that must be there and must be the first.
bool lacks_slash(const std::string& path) {
  return !path.empty() && is_word(path[0]) && path.find('|') == std::string::npos && (path.size() == 1 || std::string_view("*?{").find(path[1]) == std::string_view::npos);
}

template <typename Visit>
void each_http(const Facts& facts, const Visit& visit) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& item : rule.ports)
        for (const ir::HttpRule& http : item.l7.http) visit(item, http);
}

void find_lower_case(const Facts& facts, Findings& out) {
  each_http(facts, [&](const ir::PortRule& item, const ir::HttpRule& http) {
    if (!is_lower_case(http.method)) return;
    std::string upper = http.method;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    Diagnostic found{.kind = DiagKind::MethodCase, .where = facts.places().value_of(item.where, "method", http.method),
                     .message = "method `" + http.method + "` matches no request: methods are told apart by case",
                     .label = "clients send `" + upper + "`", .severity = Severity::Warning};
    if (const auto text = written_as(facts, *found.where, http.method, upper)) found.fix = FixIt{*found.where, *text};
    out.push_back(std::move(found));
  });
}

void find_lacking_slash(const Facts& facts, Findings& out) {
  each_http(facts, [&](const ir::PortRule& item, const ir::HttpRule& http) {
    if (!lacks_slash(http.path)) return;
    out.push_back({.kind = DiagKind::PathWithoutSlash, .where = facts.places().value_of(item.where, "path", http.path),
                   .message = "path `" + http.path + "` matches no request: paths begin with a slash, and must match as a whole",
                   .label = "write `/" + http.path + "`, or `.*" + http.path + "` for any path that ends so", .severity = Severity::Warning});
  });
}

}  // namespace

std::vector<Rule> l7_rules() {
  return {
          {DiagKind::L7Shadowed, Severity::Warning, Needs::Workloads, find_shadowed,
           "A connection that some rule allows without a list of requests carries every request: lists of other rules for the same "
           "port and peers keep nothing out. This is how a later, wider rule disables an L7 rule in silence. Narrow the plain "
           "rule's peers or ports, or give it a list, too. Said where all peers of the rule are allowed so; one endpoint is asked "
           "for all that the policy selects.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: prices
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: checkout
  ingress:
  - fromEndpoints: [{matchLabels: {app: cart}}]
    toPorts:
    - ports: [{port: "8080", protocol: TCP}]
      rules:
        http: [{method: GET, path: /prices}]
  - fromEndpoints: [{}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: checkout, namespace: shop, labels: {app: checkout}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: prices
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: checkout
  ingress:
  - fromEndpoints: [{matchLabels: {app: cart}}]
    toPorts:
    - ports: [{port: "8080", protocol: TCP}]
      rules:
        http: [{method: GET, path: /prices}]
  - fromEndpoints: [{}]
    toPorts:
    - ports: [{port: "9090"}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: checkout, namespace: shop, labels: {app: checkout}}
spec: {containers: []}
)"},
          {DiagKind::UnescapedDot, Severity::Warning, Needs::Policies, find_dots,
           "`path`, `method` and `host` of HTTP rules are regular expressions that must match as a whole. A dot in one stands for "
           "any character: `api.example.com` lets `apiXexample.com` pass. Write `api\\.example\\.com`. A warning in `host`, a note "
           "in `path`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toPorts:
    - ports: [{port: "80", protocol: TCP}]
      rules:
        http: [{host: api.example.com}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toPorts:
    - ports: [{port: "80", protocol: TCP}]
      rules:
        http: [{host: 'api\.example\.com'}]
)"},
          {DiagKind::MethodCase, Severity::Warning, Needs::Policies, find_lower_case,
           "`method` is a regular expression that must match the method as it is sent, and methods are sent in capitals. `get` "
           "matches no request.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts:
    - ports: [{port: "80", protocol: TCP}]
      rules:
        http: [{method: get, path: /prices}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts:
    - ports: [{port: "80", protocol: TCP}]
      rules:
        http: [{method: GET, path: /prices}]
)"},
          {DiagKind::PathWithoutSlash, Severity::Warning, Needs::Policies, find_lacking_slash,
           "`path` is a regular expression that must match the whole path, and paths begin with a slash. One that begins with a "
           "letter matches no request.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts:
    - ports: [{port: "80", protocol: TCP}]
      rules:
        http: [{method: GET, path: prices}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts:
    - ports: [{port: "80", protocol: TCP}]
      rules:
        http: [{method: GET, path: .*prices}]
)"}};
}

}  // namespace netpolc::lint
