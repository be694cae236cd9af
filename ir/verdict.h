// ir/verdict.h — what is asked of policy, and the answer: shared by the interpreter
// (ir/eval) and the decision tables (ir/decide), so that the two can be compared.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/cluster.h"
#include "ir/policy.h"

namespace netpolc::ir {

// The side that is judged: a managed endpoint or, with the host firewall, a node's host.
struct Subject {
  LabelSet labels;
  std::string ns;                      // "" for the host endpoint
  std::vector<NamedPort> named_ports;  // its own, for ingress
  bool is_host = false;
};

// The other side, as plain facts. Labels are those that do not come from an address:
// k8s:*, reserved:* (with reserved:world* for external addresses), node labels.
// `address` is set where cidr:, fqdn: and cidrgroup: labels can apply: an external address, or
// a node's when policy-cidr-match-mode includes nodes.
struct PeerFacts {
  LabelSet labels;
  std::optional<IpAddress> address;
  bool unknown = false;  // no identity: only rules for everyone match
  // The peer pod's own, where a caller tells peers apart by them. Verdicts do not: from 1.20 on
  // egress goes by the ports of all endpoints with these labels (section 5.9).
  std::optional<std::vector<NamedPort>> named_ports = std::nullopt;
};

// `number`: destination port, ICMP type, 0 for protocols without.
struct Flow {
  Protocol protocol = Protocol::Tcp;
  std::uint16_t number = 0;
  auto operator<=>(const Flow&) const = default;
};

enum class Verdict : std::uint8_t { Allow, AllowL7, Deny, DefaultDeny };
enum class Enforcement : std::uint8_t { None, DefaultAllow, DefaultDeny };

struct SideVerdict {
  Verdict verdict = Verdict::Allow;
  Enforcement enforcement = Enforcement::None;
  L7Parser l7 = L7Parser::None;      // for AllowL7: the redirect of highest precedence
  AuthMode auth = AuthMode::Unset;   // Required or AlwaysFail where authentication is asked for
  std::vector<RuleRef> rules;        // that decided; for DefaultDeny those that switched it on
  bool localhost_exception = false;  // allowed by section 4.5, not by a rule
  bool encapsulation = false;        // denied by section 8.5 (reason 170), not by a rule; policy itself never says so
};

// An endpoint whose policy cannot be computed: conflicting L7 rules (section 5.6).
struct Incomputable {
  std::string reason;
  std::vector<RuleRef> rules;
};

}  // namespace netpolc::ir
