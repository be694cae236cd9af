// ir/policy.h — what accepted policies say, independent of the kind of object they came
// from. The frontend fills it (validation, defaults and namespace injection are done, see
// semantics reference sections 1, 2.4 and 6); ir/eval and ir/decide read it. After the
// frontend nothing here can be wrong in a way that the policy's author must hear of,
// except conflicts between policies (section 5.6), which belong to an endpoint.
//
// CIDR groups and services stay references (`CidrGroupRef`, `ServiceRef`): they are
// resolved against `Cluster` by whoever needs them.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/base/ip.h"
#include "ir/base/source.h"
#include "ir/labels.h"

namespace netpolc::ir {

enum class Direction : std::uint8_t { Ingress, Egress };
// `Pass` hands the traffic on to the next tier (section 5.10).
enum class Action : std::uint8_t { Allow, Deny, Pass };

// Tiers are asked one after the other (section 5.10). `Default` comes last: what is true when no
// rule of anybody's decides; no policy is in it.
enum class Tier : std::uint8_t { Admin, Normal, Baseline, Default };

// The protocols a policy can name; `Any` in a PortMatch is TCP, UDP and SCTP (section 1.6).
// The extended ones (≥1.19) carry no ports.
enum class Protocol : std::uint8_t { Any, Tcp, Udp, Sctp, Icmp, Icmpv6, Vrrp, Igmp, Gre, Ipip, Ipv6, Esp, Ah };
const char* to_string(Protocol protocol);  // "TCP"

enum class Entity : std::uint8_t { All, World, Cluster, Host, Init, Ingress, Unmanaged, RemoteNode, Health, None, KubeApiserver };

// ---- peers ---------------------------------------------------------------------------------
// from/toEndpoints after injection, from/toNodes (with `reserved:remote-node` Exists added,
// keys as "any:"), KNP pod and namespace selectors.
// `from_requires_scope`: true for from/toEndpoints only: from/toRequires are ANDed to these.
struct LabelPeer {
  Selector selector;
  bool endpoints = true;  // false: from/toNodes, which from/toRequires do not touch
  auto operator<=>(const LabelPeer&) const = default;
};
struct EntityPeer {
  Entity entity = Entity::None;
  auto operator<=>(const EntityPeer&) const = default;
};
struct CidrPeer {
  IpPrefix prefix;
  std::vector<IpPrefix> except;  // sorted, unique
  // Of from/toCIDRSet or ipBlock: before 1.20 the other family's /0 there means the world in a
  // single-stack cluster.
  bool in_set = false;
  auto operator<=>(const CidrPeer&) const = default;
};
struct CidrGroupPeer {  // exactly one of name and selector
  std::string name;
  std::optional<Selector> selector;  // over the group's labels, source "cidrgroup" or "any"
  std::vector<IpPrefix> except;
  auto operator<=>(const CidrGroupPeer&) const = default;
};
struct FqdnPeer {  // exactly one is non-empty; as written (matching lower-cases, section 7.3)
  std::string match_name;
  std::string match_pattern;
  auto operator<=>(const FqdnPeer&) const = default;
};
struct ServicePeer {  // k8sService (name set) or k8sServiceSelector (selector set); namespace "" = any
  std::string name;
  std::optional<Selector> selector;  // sources ignored
  std::string ns;
  auto operator<=>(const ServicePeer&) const = default;
};
using Peer = std::variant<LabelPeer, EntityPeer, CidrPeer, CidrGroupPeer, FqdnPeer, ServicePeer>;

// Section 1.5. `Nobody`: a present-but-empty list voids the element. `Unspecified`: no L3
// member: everyone when there is an L4 part, nothing without. `Listed`: the union of `peers`.
// `toServices` that resolve to nothing behave as Unspecified (QUIRK, section 1.9): whoever
// resolves services applies that rule.
enum class PeerKind : std::uint8_t { Unspecified, Nobody, Listed };

// ---- L4 --------------------------------------------------------------------------------------
// A port range, a named port, or an ICMP type. Port 0 (first == last == 0) is every port of
// `protocol` (for ICMP type 0 too: QUIRK, section 1.8). For `name` non-empty, first/last are 0
// except `last` = endPort for the version-dependent quirk (section 1.6).
struct PortMatch {
  Protocol protocol = Protocol::Any;
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  std::string name;  // lower case
  auto operator<=>(const PortMatch&) const = default;
};

// ---- L7: carried in full, not interpreted before its enforcement ------------------------------
struct HeaderMatch {
  std::string name, value, secret_namespace, secret_name, mismatch;
  auto operator<=>(const HeaderMatch&) const = default;
};
struct HttpRule {
  std::string path, method, host;
  std::vector<std::string> headers;
  std::vector<HeaderMatch> header_matches;
  auto operator<=>(const HttpRule&) const = default;
};
struct DnsRule {
  std::string match_name, match_pattern;
  auto operator<=>(const DnsRule&) const = default;
};
struct KafkaRule {
  std::string role, api_key, api_version, client_id, topic;
  auto operator<=>(const KafkaRule&) const = default;
};
using GenericRule = std::map<std::string, std::string>;

// The parser a redirect goes to. `Tls`: serverNames or TLS contexts without HTTP. `Crd`: a listener.
enum class L7Parser : std::uint8_t { None, Http, Dns, Kafka, Generic, Tls, Crd };

struct TlsContext {
  std::string secret_namespace, secret_name, trusted_ca, certificate, private_key;
  auto operator<=>(const TlsContext&) const = default;
};
struct Listener {
  std::string kind, config_name, name;  // envoyConfig.kind after defaulting
  std::string config_namespace;         // of the policy for a namespaced CiliumEnvoyConfig
  std::uint16_t priority = 0;           // 0: default
  // A CCNP that names a namespaced CiliumEnvoyConfig: accepted, but no selected endpoint's
  // policy can be computed (section 1.7).
  bool unusable = false;
  auto operator<=>(const Listener&) const = default;
};
struct L7 {
  L7Parser parser = L7Parser::None;  // of the rules: Http, Dns, Kafka, Generic, or None
  std::string generic_name;          // l7proto
  std::vector<HttpRule> http;
  std::vector<DnsRule> dns;
  std::vector<KafkaRule> kafka;
  std::vector<GenericRule> generic;
  std::vector<std::string> server_names;  // sorted, unique
  std::optional<TlsContext> terminating_tls, originating_tls;
  std::optional<Listener> listener;
  auto operator<=>(const L7&) const = default;
  // A rule list of length 0 asks for nothing (`http: []`).
  bool redirects() const {
    return !http.empty() || !dns.empty() || !kafka.empty() || !generic.empty() || !server_names.empty() ||
           terminating_tls || originating_tls || listener || parser == L7Parser::Generic;
  }
};

// One toPorts item or one icmps item.
struct PortRule {
  std::vector<PortMatch> ports;  // none: contributes nothing (section 1.6)
  L7 l7;
  Span where;
};

enum class AuthMode : std::uint8_t { Unset, Disabled, Required, AlwaysFail };

// ---- rules -----------------------------------------------------------------------------------
// One element of ingress, ingressDeny, egress or egressDeny; of a ClusterNetworkPolicy's rule, one peer.
struct Rule {
  Direction direction = Direction::Ingress;
  Action action = Action::Allow;
  PeerKind peer_kind = PeerKind::Unspecified;
  std::vector<Peer> peers;            // as written; several lists of a KNP rule become several Rules
  std::vector<Selector> requires_all;  // from/toRequires as injected (≤1.18)
  // L4: when `any_l4` every protocol and port; else the union of `ports` (none: nothing).
  bool any_l4 = true;
  std::vector<PortRule> ports;
  AuthMode auth = AuthMode::Unset;
  // The place in a ClusterNetworkPolicy's list: earlier rules are asked first. 0 in the Normal tier.
  std::uint16_t order = 0;
  std::string path;  // "egress[0]", "specs[1].ingressDeny[2]": what users are shown
  Span where;        // of the element
};

enum class PolicyKind : std::uint8_t { CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, NetworkPolicy, ClusterNetworkPolicy };
const char* to_string(PolicyKind kind);

// One spec: a subject and its rules. An object with `specs` gives several, sharing kind,
// namespace and name. `default_deny[d]` is DD(d) of section 4.2; it says something only where
// the spec has rules of that direction.
struct Policy {
  PolicyKind kind = PolicyKind::CiliumNetworkPolicy;
  std::string ns;  // "" for clusterwide
  std::string name;
  Selector subject;            // after injection
  bool subject_is_node = false;  // nodeSelector: the host endpoint only; else never the host endpoint
  bool default_deny_ingress = false;
  bool default_deny_egress = false;
  // Rules of one level, (tier, priority, Rule::order), are judged together; lower levels first.
  // Only a ClusterNetworkPolicy is outside the Normal tier, and it never denies by default.
  Tier tier = Tier::Normal;
  std::uint16_t priority = 0;
  std::vector<Rule> rules;
  Span where;  // of the spec
};

// Order of arrival is kept for display; it never changes a verdict. (Levels do, and are data of their own.)
struct PolicySet {
  std::vector<Policy> policies;
};

struct RuleRef {  // policies[policy].rules[rule]
  std::uint32_t policy = 0;
  std::uint32_t rule = 0;
  auto operator<=>(const RuleRef&) const = default;
};

}  // namespace netpolc::ir
