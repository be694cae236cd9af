// Rules about whom selectors select (semantics reference, sections 2.2 to 2.4).
#include <algorithm>

#include "compiler/lint/selectors.h"
#include "frontend/label_filter.h"

namespace netpolc::lint {
namespace {

bool of_pods(const ir::Requirement& requirement) { return requirement.source == "k8s" || requirement.source == "any"; }

// Labels of other sources, and pods of other clusters, are not in the manifests.
bool is_about_known_pods(const Facts& facts, const ir::Selector& selector) {
  return std::all_of(selector.requirements.begin(), selector.requirements.end(), [&](const ir::Requirement& one) {
    if (one.key == "io.cilium.k8s.policy.cluster" && one.op == ir::Operator::In)
      return one.values == std::vector<std::string>{facts.cluster().config.cluster_name};
    return of_pods(one);
  });
}

// Whether it selects none of those that are known though some are of the namespace that it is about.
bool selects_nothing(const Facts& facts, const SelectorUse& use) {
  if (!is_about_known_pods(facts, use.selector)) return false;
  const Bits selected = facts.select(use.selector);
  if (any(use.rule == nullptr ? both(selected, facts.managed()) : selected)) return false;
  return facts.host_network_pods(use.selector).empty();
}

// A namespace that nobody has, and that is a slip for another.
bool names_wrong_namespace(const Facts& facts, const ir::Selector& selector) {
  const auto meant = nearby(facts, selector);
  return meant && meant->key == namespace_key;
}

// Where its peers are, if they are all outside of the namespace that it asks for.
Bits in_other_namespaces(const Facts& facts, const SelectorUse& use) {
  const auto ns = namespace_of(use.selector);
  const ir::Selector anywhere = without_namespace(use.selector);
  const bool specific = std::any_of(anywhere.requirements.begin(), anywhere.requirements.end(), [](const ir::Requirement& one) { return !is_negative(one) && !is_implied(one); });
  if (use.rule == nullptr || !ns || !specific) return facts.nobody();
  return both(facts.select(anywhere), facts.managed());
}

void find_other_namespace(const Facts& facts, Findings& out) {
  each_selector(facts, [&](const SelectorUse& use) {
    if (use.rule == nullptr || !selects_nothing(facts, use)) return;
    const Bits elsewhere = in_other_namespaces(facts, use);
    if (!any(elsewhere) || names_wrong_namespace(facts, use.selector)) return;
    const std::string ns = *namespace_of(use.selector);
    const std::string rest = facts.count(elsewhere) == 1 ? "" : " and " + std::to_string(facts.count(elsewhere) - 1) + " more";
    out.push_back({.kind = DiagKind::OtherNamespace,
                   .where = place_of(facts, use),
                   .message = "nothing in namespace `" + ns + "` has " + in_words(use.selector),
                   .label = "`" + facts.example(elsewhere) + "`" + rest + " would match, in another namespace",
                   .notes = {{std::nullopt, std::string("the policy's own namespace is meant where the peer names none: with ") +
                                                (use.policy.kind == ir::PolicyKind::NetworkPolicy ? "`namespaceSelector`" : "`k8s:io.kubernetes.pod.namespace`")}},
                   .severity = Severity::Warning});
  });
}

void find_outside_identity(const Facts& facts, Findings& out) {
  const frontend::LabelFilter filter(facts.cluster().config);
  each_selector(facts, [&](const SelectorUse& use) {
    for (const ir::Requirement& one : use.selector.requirements) {
      if (!of_pods(one) || filter.keeps({"k8s", one.key, ""})) continue;
      out.push_back({.kind = DiagKind::LabelOutsideIdentity,
                     .where = facts.places().label_key(use.inside, one.key),
                     .message = "label `" + one.key + "` is not part of identities, so no selector sees it",
                     .label = is_negative(one) ? "this holds for everyone" : "this selects nobody",
                     .notes = {{std::nullopt, std::string("left out by ") + (facts.cluster().config.labels ? "`labels` of cilium-config" : "Cilium's default label filter")}},
                     .severity = Severity::Warning});
    }
  });
}

void report_nothing(const Facts& facts, const SelectorUse& use, Findings& out) {
  const auto meant = nearby(facts, use.selector);
  Places& places = facts.places();
  Diagnostic found{.kind = DiagKind::SelectsNothing, .where = use.inside, .message = "", .severity = meant ? Severity::Warning : Severity::Note};
  if (!meant) {
    found.where = place_of(facts, use);
    found.message = in_words(use.selector) + " selects nothing that is known";
    out.push_back(std::move(found));
    return;
  }
  found.where = meant->of_key ? places.label_key(use.inside, meant->key) : places.label_value(use.inside, meant->key, meant->value);
  const std::string written = meant->of_key ? "a label `" + meant->key + "`" : "`" + meant->key + "=" + meant->value + "`";
  found.message = "nothing that is known has " + written;
  found.label = "did you mean `" + meant->better + "`?";
  const std::string_view text = places.sources().text(found.where->file).substr(found.where->begin, found.where->end - found.where->begin);
  const std::string& wrong = meant->of_key ? meant->key : meant->value;
  if (*found.where != use.inside && text.find(wrong) != std::string_view::npos) {
    std::string right(text);
    right.replace(right.find(wrong), wrong.size(), meant->better);
    found.fix = FixIt{*found.where, right};
  }
  out.push_back(std::move(found));
}

// Where there is no other workload of that namespace, or namespaces are asked for by labels that they may have elsewhere, the
// manifests are not all there is: nothing is said then but of slips.
bool may_be_elsewhere(const Facts& facts, const ir::Selector& selector) {
  for (const ir::Requirement& one : selector.requirements)
    if (one.key.rfind("io.cilium.k8s.namespace.labels.", 0) == 0) return true;
  const auto ns = namespace_of(selector);
  return ns && !facts.namespace_has_workloads(*ns);
}

void find_selects_nothing(const Facts& facts, Findings& out) {
  const frontend::LabelFilter filter(facts.cluster().config);
  each_selector(facts, [&](const SelectorUse& use) {
    if (!selects_nothing(facts, use)) return;
    if (any(in_other_namespaces(facts, use)) && !names_wrong_namespace(facts, use.selector)) return;
    const auto& all = use.selector.requirements;
    if (std::any_of(all.begin(), all.end(), [&](const ir::Requirement& one) { return of_pods(one) && !filter.keeps({"k8s", one.key, ""}); })) return;
    if (may_be_elsewhere(facts, use.selector) && !nearby(facts, use.selector)) return;
    if (in_words(use.selector).empty() && !nearby(facts, use.selector)) return;
    report_nothing(facts, use, out);
  });
}

std::string reserved_among(const Facts& facts, const Bits& selected) {
  std::string out;
  selected.each([&](std::size_t position) {
    const ir::LabelSet& labels = facts.identity(position).labels;
    if (facts.identity(position).id < 256 && labels.size() == 1 && labels.front().key != "unmanaged") out += (out.empty() ? "" : ", ") + labels.front().key;
  });
  return out;
}

void find_negative_only(const Facts& facts, Findings& out) {
  each_selector(facts, [&](const SelectorUse& use) {
    const auto& all = use.selector.requirements;
    if (use.rule == nullptr || all.empty() || !std::all_of(all.begin(), all.end(), is_negative)) return;
    if (!std::all_of(all.begin(), all.end(), of_pods)) return;  // reserved keys: NP164
    const std::string taken_in = reserved_among(facts, facts.select(use.selector));
    if (taken_in.empty()) return;
    out.push_back({.kind = DiagKind::NegativeOnly,
                   .where = facts.places().label_key(use.inside, all.front().key),
                   .message = "a peer that only excludes takes in what is no pod: " + taken_in,
                   .label = "add `k8s:io.kubernetes.pod.namespace` with operator Exists to mean pods",
                   .severity = Severity::Warning});
  });
}

// ---- sources -------------------------------------------------------------------------------------
constexpr std::string_view kSources[] = {"k8s", "any", "reserved", "cidr", "fqdn", "cidrgroup", "node", "gen", "container", "cni", "unspec", "directory"};

bool is_source(const std::string& source) { return std::find(std::begin(kSources), std::end(kSources), source) != std::end(kSources); }

void find_unknown_source(const Facts& facts, Findings& out) {
  each_selector(facts, [&](const SelectorUse& use) {
    for (const ir::Requirement& one : use.selector.requirements) {
      if (is_source(one.source)) continue;
      out.push_back({.kind = DiagKind::UnknownSource,
                     .where = facts.places().label_key(use.inside, one.key),
                     .message = "no label has the source `" + one.source + "`: what is before a colon is none of the key",
                     .label = is_negative(one) ? "this holds for everyone; labels of pods are `k8s:" + one.key + "`" : "this selects nobody; labels of pods are `k8s:" + one.key + "`",
                     .severity = Severity::Warning});
    }
  });
}

}  // namespace

std::vector<Rule> selector_rules() {
  return {
          {DiagKind::UnknownSource, Severity::Warning, Needs::Policies, find_unknown_source,
           "What stands before a colon in the key of a selector is the source of the label: `k8s` for labels of pods and "
           "namespaces, `reserved`, `cidr` and a few more. Any other word is accepted, too, and is the source of no label.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEndpoints: [{matchLabels: {"pod:app": checkout}}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEndpoints: [{matchLabels: {"k8s:app": checkout}}]
)"},
          {DiagKind::OtherNamespace, Severity::Warning, Needs::Workloads, find_other_namespace,
           "`fromEndpoints`, `toEndpoints` and a NetworkPolicy's `podSelector` mean pods of the policy's own namespace unless they "
           "name another. A peer that lives elsewhere is not matched, silently. Name the namespace: "
           "`k8s:io.kubernetes.pod.namespace: monitoring`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: allow-scrape
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints:
    - matchLabels:
        app: prometheus
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: prometheus, namespace: monitoring, labels: {app: prometheus}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: allow-scrape
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints:
    - matchLabels:
        app: prometheus
        k8s:io.kubernetes.pod.namespace: monitoring
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: prometheus, namespace: monitoring, labels: {app: prometheus}}
spec: {containers: []}
)"},
          {DiagKind::LabelOutsideIdentity, Severity::Warning, Needs::Policies, find_outside_identity,
           "Only some labels of a pod become part of its identity: Cilium leaves out those that differ from pod to pod, such as "
           "`statefulset.kubernetes.io/pod-name` or `topology.kubernetes.io/zone`, and whatever `labels` of cilium-config leaves "
           "out. A selector that asks for one of these matches nobody, and one that excludes it matches everybody. Use a label of "
           "your own.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: first-replica
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      statefulset.kubernetes.io/pod-name: db-0
  ingress:
  - fromEntities: [cluster]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: first-replica
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app.kubernetes.io/name: db
  ingress:
  - fromEntities: [cluster]
)"},
          {DiagKind::SelectsNothing, Severity::Warning, Needs::Workloads, find_selects_nothing,
           "A selector with a slip in it is as valid as any other: it selects nobody, and the policy does nothing (or, as a peer, "
           "lets nobody in). Where a label that exists is a slip away this is a warning and names it; else it is a note, since the "
           "workload may yet come. Nothing is said of namespaces that no workload of the input is in.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints:
    - matchLabels:
        app: chekout
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
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints:
    - matchLabels:
        app: checkout
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
          {DiagKind::NegativeOnly, Severity::Warning, Needs::Policies, find_negative_only,
           "A peer that says only what it is not (`NotIn`, `DoesNotExist`) and that names the namespace or its labels in doing so "
           "gets no namespace of its own: it selects every identity that lacks the label, and these are also the nodes, the "
           "ingress proxy and the world. Say that pods are meant: `k8s:io.kubernetes.pod.namespace` with operator Exists.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: not-from-dev
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints:
    - matchExpressions:
      - key: k8s:io.kubernetes.pod.namespace
        operator: NotIn
        values: [dev]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: not-from-dev
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints:
    - matchExpressions:
      - key: k8s:io.kubernetes.pod.namespace
        operator: NotIn
        values: [dev]
      - key: k8s:io.kubernetes.pod.namespace
        operator: Exists
)"}};
}

}  // namespace netpolc::lint
