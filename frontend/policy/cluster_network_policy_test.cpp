// ClusterNetworkPolicies (semantics reference 6.6): when they count, what they mean, what is refused.
#include <doctest/doctest.h>

#include <algorithm>

#include "frontend/load.h"

using namespace netpolc;
using namespace netpolc::frontend;
using ir::Action;
using ir::Direction;

namespace {

constexpr const char* kHead = "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: p}\n";

std::string config(const std::string& data) {
  return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {" + data + "}\n";
}
const std::string kOn = config("enable-k8s-cluster-network-policy: \"true\"");

struct Read {
  SourceManager sources;
  DiagSink sink;
  Loaded loaded;

  explicit Read(std::string text, int version = 20, bool lax = false) {
    loaded = load(std::vector{sources.add("in.yaml", std::move(text))}, {.lax = lax, .keep_going = true, .cilium_version = version}, sources, sink);
  }
  const std::vector<ir::Policy>& policies() const { return loaded.policies.policies; }
  const std::vector<ir::Rule>& rules() const { return policies().at(0).rules; }
  bool said(DiagKind kind, Severity severity = Severity::Error) const {
    return std::any_of(sink.all().begin(), sink.all().end(), [&](const Diagnostic& d) { return d.kind == kind && d.severity == severity; });
  }
};

// A policy whose only rule is `rule`, in flow style, of `direction`.
std::string with_rule(const std::string& rule, const char* direction = "egress") {
  return kHead + std::string("spec:\n  tier: Admin\n  priority: 5\n  subject: {namespaces: {}}\n  ") + direction + ":\n  - " + rule + "\n" + kOn;
}

bool refused(const std::string& text, DiagKind kind) {
  const Read read(text);
  if (read.sink.errors() != 1) MESSAGE(read.sink.errors(), " errors in ", text);
  return read.policies().empty() && read.sink.errors() == 1 && read.said(kind);
}
bool refused_rule(const std::string& rule, DiagKind kind, const char* direction = "egress") { return refused(with_rule(rule, direction), kind); }

ir::Requirement k8s(const char* key, const char* value) { return {"k8s", key, ir::Operator::In, {value}}; }
const ir::Requirement kNamespaced{"k8s", "io.kubernetes.pod.namespace", ir::Operator::Exists, {}};
ir::Peer pods(std::vector<ir::Requirement> requirements) {
  ir::Selector selector{std::move(requirements)};
  normalise(selector);
  return ir::LabelPeer{selector, true};
}
ir::Peer cidr(const char* text) { return ir::CidrPeer{*IpPrefix::parse(text), {}, false}; }

const std::string kDenyAll = with_rule("{action: Deny, to: [{namespaces: {}}]}");
std::string without_config(const std::string& text) { return text.substr(0, text.size() - kOn.size()); }

}  // namespace

TEST_CASE("a ClusterNetworkPolicy counts from 1.20 on, with its option") {
  const Read on(kDenyAll);
  CHECK(on.policies().size() == 1);
  CHECK(on.sink.all().empty());

  for (const std::string& data : {std::string("cluster-name: default"), std::string("enable-k8s-cluster-network-policy: \"false\"")}) {
    const Read off(without_config(kDenyAll) + config(data));
    CHECK(off.policies().empty());
    CHECK(off.sink.errors() == 0);
    CHECK(off.said(DiagKind::ClusterPolicyIgnored, Severity::Warning));
    CHECK(off.sink.all()[0].message.find("`p`") != std::string::npos);
  }
  for (const int version : {16, 19}) {
    const Read old(kDenyAll, version);
    CHECK(old.policies().empty());
    CHECK(old.said(DiagKind::ClusterPolicyIgnored, Severity::Warning));
    CHECK(Read(without_config(kDenyAll), version).said(DiagKind::ClusterPolicyIgnored, Severity::Warning));
  }
  const Read assumed(without_config(kDenyAll));
  CHECK(assumed.policies().size() == 1);
  CHECK(assumed.said(DiagKind::ClusterPolicyAssumed, Severity::Warning));
}

TEST_CASE("kinds of that name in other groups are others', except where no such kind exists") {
  const auto of = [](const char* group) { return "apiVersion: " + std::string(group) + "\nkind: ClusterNetworkPolicy\nmetadata: {name: p}\n"; };
  for (const char* group : {"crd.antrea.io/v1alpha1", "networking.k8s.aws/v1alpha1"}) {
    const Read read(of(group));
    CHECK(read.sink.all().empty());
    CHECK(read.loaded.skipped_objects == 1);
  }
  for (const char* group : {"policy.networking.k8s.io/v1alpha1", "networking.k8s.io/v1", "cilium.io/v2", "v1"})
    CHECK(refused(of(group), DiagKind::UnknownPolicyKind));
}

TEST_CASE("what a ClusterNetworkPolicy says is data of the policy and its rules") {
  const Read read(std::string(kHead) + R"(spec:
  tier: Baseline
  priority: 1000
  subject:
    pods:
      namespaceSelector: {matchLabels: {team: a}}
      podSelector: {matchLabels: {app: web}}
  ingress:
  - {name: first, action: Accept, from: [{namespaces: {}}, {pods: {podSelector: {}}}]}
  - action: Pass
    from: [{pods: {namespaceSelector: {matchLabels: {team: b}}, podSelector: {matchLabels: {app: db}}}}]
    protocols: [{tcp: {destinationPort: {number: 80}}}, {udp: {destinationPort: {range: {start: 53, end: 54}}}}, {destinationNamedPort: WEB}]
  egress:
  - {action: Deny, to: [{networks: [10.0.0.0/8, "2001:db8::/32"]}]}
)" + kOn);
  REQUIRE(read.sink.all().empty());
  const ir::Policy& policy = read.policies().at(0);
  CHECK(policy.kind == ir::PolicyKind::ClusterNetworkPolicy);
  CHECK(policy.tier == ir::Tier::Baseline);
  CHECK(policy.priority == 1000);
  CHECK(policy.ns.empty());
  CHECK_FALSE(policy.subject_is_node);
  CHECK_FALSE(policy.default_deny_ingress);
  CHECK_FALSE(policy.default_deny_egress);
  // Subjects are of any cluster, and so are peers by namespace alone; peers by pods are local.
  CHECK(policy.subject.requirements == std::vector{k8s("app", "web"), k8s("io.cilium.k8s.namespace.labels.team", "a")});
  REQUIRE(read.rules().size() == 4);
  const auto& [all, local, some, outside] = std::tie(read.rules()[0], read.rules()[1], read.rules()[2], read.rules()[3]);
  const ir::Requirement cluster = k8s("io.cilium.k8s.policy.cluster", "default");
  CHECK(all.peers == std::vector{pods({kNamespaced})});
  CHECK(local.peers == std::vector{pods({kNamespaced, cluster})});
  CHECK(some.peers == std::vector{pods({k8s("app", "db"), k8s("io.cilium.k8s.namespace.labels.team", "b"), cluster})});
  CHECK(outside.peers == std::vector{cidr("10.0.0.0/8"), cidr("2001:db8::/32")});
  CHECK(all.action == Action::Allow);
  CHECK(some.action == Action::Pass);
  CHECK(outside.action == Action::Deny);
  CHECK(outside.direction == Direction::Egress);
  CHECK(std::vector{all.order, local.order, some.order, outside.order} == std::vector<std::uint16_t>{0, 0, 1, 0});
  CHECK(some.path == "ingress[1]");
  CHECK(all.any_l4);
  CHECK_FALSE(some.any_l4);
  REQUIRE(some.ports.size() == 3);
  CHECK(some.ports[0].ports == std::vector{ir::PortMatch{ir::Protocol::Tcp, 80, 80, ""}});
  CHECK(some.ports[1].ports == std::vector{ir::PortMatch{ir::Protocol::Udp, 53, 54, ""}});
  CHECK(some.ports[2].ports == std::vector{ir::PortMatch{ir::Protocol::Any, 0, 0, "web"}});
}

TEST_CASE("keys of selectors have no sources, and nobody checks them") {
  const Read read(with_rule("{action: Deny, to: [{namespaces: {matchExpressions: [{key: \"reserved:host\", operator: Exists}]}}]}"));
  REQUIRE(read.policies().size() == 1);
  const ir::Requirement odd{"k8s", "io.cilium.k8s.namespace.labels.reserved:host", ir::Operator::Exists, {}};
  CHECK(read.rules().at(0).peers == std::vector{pods({odd})});
  for (const char* term : {"{key: a, operator: In}", "{key: a, operator: NotIn, values: []}", "{key: a, operator: Exists, values: [b]}"})
    CHECK(refused_rule("{action: Deny, to: [{namespaces: {matchExpressions: [" + std::string(term) + "]}}]}", DiagKind::SelectorValues));
  CHECK(refused_rule("{action: Deny, to: [{namespaces: {matchExpressions: [{key: a, operator: Is, values: [b]}]}}]}", DiagKind::SelectorOperator));
}

TEST_CASE("nodes are known by their labels, where Cilium keeps these") {
  const std::string rule = "{action: Deny, to: [{nodes: {matchLabels: {zone: z}}}]}";
  CHECK(refused_rule(rule, DiagKind::NodeSelectorsOff));
  const Read read(without_config(with_rule(rule)) + config("enable-k8s-cluster-network-policy: \"true\", enable-node-selector-labels: \"true\""));
  REQUIRE(read.policies().size() == 1);
  ir::Selector selector{{{"node", "zone", ir::Operator::In, {"z"}}, {"reserved", "remote-node", ir::Operator::Exists, {}}}};
  const auto of_any_cluster = selector;
  selector.requirements.push_back(k8s("io.cilium.k8s.policy.cluster", "default"));
  normalise(selector);
  CHECK(read.rules().at(0).peers == std::vector<ir::Peer>{ir::LabelPeer{selector, false}});
  const Read any(without_config(with_rule(rule)) + config("enable-k8s-cluster-network-policy: \"true\", enable-node-selector-labels: \"true\", policy-default-local-cluster: \"false\""));
  REQUIRE(any.policies().size() == 1);
  CHECK(any.rules().at(0).peers == std::vector<ir::Peer>{ir::LabelPeer{of_any_cluster, false}});
}

TEST_CASE("names of domains also let the cluster's DNS be asked for them") {
  const Read read(with_rule("{action: Accept, to: [{domainNames: [example.com, \"*.example.org\"]}], protocols: [{tcp: {destinationPort: {number: 443}}}]}"));
  REQUIRE(read.rules().size() == 2);
  const ir::Rule& asking = read.rules()[0];
  CHECK(asking.peers == std::vector<ir::Peer>{ir::LabelPeer{{{ir::Requirement{"any", "k8s-app", ir::Operator::In, {"kube-dns"}}}}, true}});
  REQUIRE(asking.ports.size() == 1);
  CHECK(asking.ports[0].ports == std::vector<ir::PortMatch>{{ir::Protocol::Any, 0, 0, "dns"}, {ir::Protocol::Any, 0, 0, "dns-tcp"}});
  CHECK(asking.ports[0].l7.dns == std::vector<ir::DnsRule>{{"example.com", ""}, {"", "**.example.org"}});
  const ir::Rule& using_them = read.rules()[1];
  CHECK(using_them.peers == std::vector<ir::Peer>{ir::FqdnPeer{"example.com", ""}, ir::FqdnPeer{"", "**.example.org"}});
  CHECK(using_them.ports.at(0).ports.at(0).first == 443);
  CHECK(asking.order == using_them.order);

  for (const char* action : {"Deny", "Pass"})
    CHECK(refused_rule("{action: " + std::string(action) + ", to: [{domainNames: [example.com]}]}", DiagKind::ClusterPolicyPeer));
  CHECK(refused_rule("{action: Accept, to: [{domainNames: [example.com]}], protocols: [{destinationNamedPort: web}]}", DiagKind::ClusterPolicyPeer));
  for (const char* name : {"com", "*", "a.*.example.com", "ex*.com", "-a.com"})
    CHECK(refused_rule("{action: Accept, to: [{domainNames: [\"" + std::string(name) + "\"]}]}", DiagKind::FqdnSyntax));
  const std::string text = without_config(with_rule("{action: Accept, to: [{domainNames: [example.com]}]}"));
  CHECK(refused(text + config("enable-k8s-cluster-network-policy: \"true\", enable-l7-proxy: \"false\""), DiagKind::ClusterPolicyPeer));
}

TEST_CASE("peers of a kind that Cilium does not know fail closed") {
  for (const char* direction : {"ingress", "egress"}) {
    const std::string to = direction == std::string("ingress") ? "from" : "to";
    const auto rule = [&](const char* action) {
      return with_rule("{action: " + std::string(action) + ", " + to + ": [{services: {}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}", direction);
    };
    CHECK(refused(rule("Deny"), DiagKind::UnknownField));
    const Read accept(rule("Accept"), 20, true);
    REQUIRE(accept.policies().size() == 1);
    CHECK(accept.rules().empty());
    for (const char* action : {"Deny", "Pass"}) {
      const Read read(rule(action), 20, true);
      REQUIRE(read.policies().size() == 1);
      REQUIRE(read.rules().size() == 1);
      CHECK(read.rules()[0].action == Action::Deny);
      CHECK(read.rules()[0].peers == std::vector<ir::Peer>{ir::EntityPeer{ir::Entity::All}});
      CHECK(read.rules()[0].ports.size() == 1);
      CHECK(read.said(DiagKind::ClusterPolicyPeer, Severity::Warning));
    }
  }
  // Egress kinds are unknown kinds in a list of sources.
  CHECK(refused_rule("{action: Deny, from: [{networks: [10.0.0.0/8]}]}", DiagKind::UnknownField, "ingress"));
}

TEST_CASE("what the API server refuses in a spec") {
  const auto spec = [](const std::string& fields) { return kHead + std::string("spec: {") + fields + "}\n" + kOn; };
  const std::string subject = "subject: {namespaces: {}}";
  CHECK(Read(spec("tier: Admin, priority: 0, " + subject)).policies().size() == 1);
  CHECK(refused(std::string(kHead) + kOn, DiagKind::MissingField));
  CHECK(refused(spec("priority: 0, " + subject), DiagKind::MissingField));
  CHECK(refused(spec("tier: Admin, " + subject), DiagKind::MissingField));
  CHECK(refused(spec("tier: Admin, priority: 0"), DiagKind::MissingField));
  CHECK(refused(spec("tier: Normal, priority: 0, " + subject), DiagKind::ClusterPolicyValue));
  CHECK(refused(spec("tier: Admin, priority: 1001, " + subject), DiagKind::ClusterPolicyValue));
  CHECK(refused(spec("tier: Admin, priority: -1, " + subject), DiagKind::ClusterPolicyValue));
  CHECK(refused(spec("tier: Admin, priority: high, " + subject), DiagKind::WrongType));
  CHECK(refused(spec("tier: Admin, priority: 0, subject: {}"), DiagKind::ClusterPolicyChoice));
  CHECK(refused(spec("tier: Admin, priority: 0, subject: {namespaces: {}, pods: {podSelector: {}}}"), DiagKind::ClusterPolicyChoice));
  CHECK(refused(spec("tier: Admin, priority: 0, subject: {pods: {}}"), DiagKind::MissingField));
  CHECK(refused(spec("tier: Admin, priority: 0, default: x, " + subject), DiagKind::UnknownField));
  std::string rules;
  for (int i = 0; i < 26; ++i) rules += "{action: Deny, from: [{namespaces: {}}]}, ";
  CHECK(refused(spec("tier: Admin, priority: 0, " + subject + ", ingress: [" + rules + "]"), DiagKind::ClusterPolicyList));
  CHECK(refused("apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec: {tier: Admin, priority: 0, " +
                    subject + "}\n" + kOn,
                DiagKind::NamespaceNotAllowed));
}

TEST_CASE("what the API server refuses in a rule") {
  CHECK(refused_rule("{to: [{namespaces: {}}]}", DiagKind::MissingField));
  CHECK(refused_rule("{action: Allow, to: [{namespaces: {}}]}", DiagKind::ClusterPolicyValue));
  CHECK(refused_rule("{action: Deny}", DiagKind::MissingField));
  CHECK(refused_rule("{action: Deny, to: []}", DiagKind::ClusterPolicyList));
  CHECK(refused_rule("{action: Deny, to: [{}]}", DiagKind::ClusterPolicyChoice));
  CHECK(refused_rule("{action: Deny, to: [{namespaces: {}, networks: [10.0.0.0/8]}]}", DiagKind::ClusterPolicyChoice));
  CHECK(refused_rule("{action: Deny, to: [{networks: []}]}", DiagKind::ClusterPolicyList));
  CHECK(refused_rule("{action: Deny, to: [{networks: [10.0.0.0/8, 10.0.0.0/8]}]}", DiagKind::ClusterPolicyList));
  CHECK(refused_rule("{action: Deny, to: [{networks: [10.0.0.0]}]}", DiagKind::CidrSyntax));
  CHECK(refused_rule("{action: Deny, to: [{networks: [10.0.0.0/8]}], protocols: [{destinationNamedPort: web}]}", DiagKind::ClusterPolicyPeer));
  CHECK(refused_rule("{action: Deny, name: " + std::string(101, 'x') + ", to: [{namespaces: {}}]}", DiagKind::ValueTooLong));
  const auto protocol = [](const std::string& text) { return "{action: Deny, to: [{namespaces: {}}], protocols: [" + text + "]}"; };
  CHECK(refused_rule(protocol(""), DiagKind::ClusterPolicyList));
  CHECK(refused_rule(protocol("{}"), DiagKind::ClusterPolicyChoice));
  CHECK(refused_rule(protocol("{tcp: {}}"), DiagKind::MissingField));
  CHECK(refused_rule(protocol("{tcp: {destinationPort: {}}}"), DiagKind::ClusterPolicyChoice));
  CHECK(refused_rule(protocol("{tcp: {destinationPort: {number: 1, range: {start: 1, end: 2}}}}"), DiagKind::ClusterPolicyChoice));
  CHECK(refused_rule(protocol("{tcp: {destinationPort: {number: 0}}}"), DiagKind::PortOutOfRange));
  CHECK(refused_rule(protocol("{udp: {destinationPort: {number: 65536}}}"), DiagKind::PortOutOfRange));
  CHECK(refused_rule(protocol("{sctp: {destinationPort: {range: {start: 5, end: 5}}}}"), DiagKind::ClusterPolicyPort));
  CHECK(refused_rule(protocol("{sctp: {destinationPort: {range: {start: 5}}}}"), DiagKind::MissingField));
  CHECK(refused_rule(protocol("{icmp: {}}"), DiagKind::UnknownField));
}
