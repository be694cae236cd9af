#include <re2/re2.h>

#include "frontend/policy/parts.h"

namespace netpolc::frontend::policy {
namespace {

using ir::Direction;

constexpr std::string_view kCluster = "io.cilium.k8s.policy.cluster";

// Section 1.10: what the API server's schema calls a CIDR (Go's net.ParseCIDR) and what the
// agent reads (netip.ParsePrefix) differ only in texts that both or the agent refuse.
std::vector<IpPrefix> read_except(Judge& judge, const Value& item) {
  std::vector<IpPrefix> out;
  judge.each_string(item, "except", [&](const Value& at, const std::string&) {
    if (auto prefix = read_prefix(judge, at)) out.push_back(*prefix);
  });
  return out;
}

void sort_unique(std::vector<IpPrefix>& prefixes) {
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
}

// Each except must begin inside the CIDR; from 1.20 it must also be no longer (section 10, row 25).
void check_excepts(Judge& judge, const Value& item, const IpPrefix& prefix) {
  const auto list = judge.field(item, "except");
  if (!list) return;
  judge.items(*list, [&](const Value& at) {
    if (!at->is_string()) return;
    const auto except = IpPrefix::parse(at->text);
    if (!except) return;
    const bool inside = prefix.contains(except->address) && (judge.config.version < 20 || except->length >= prefix.length);
    if (!inside)
      judge.agent_error(DiagKind::ExceptOutside, at, "`except` " + except->to_string() + " is not inside " + prefix.to_string(),
                        "an exception must lie within its `cidr`");
  });
}

void read_cidr_rule(Judge& judge, const Value& item, ir::Rule& rule) {
  if (judge.config.version >= 17) judge.known_fields(item, {"cidr", "cidrGroupRef", "cidrGroupSelector", "except"});
  else judge.known_fields(item, {"cidr", "cidrGroupRef", "except"});
  const auto cidr = judge.field(item, "cidr");
  const auto group = judge.field(item, "cidrGroupRef");
  const auto selector = judge.config.version >= 17 ? judge.field(item, "cidrGroupSelector") : std::nullopt;
  auto except = read_except(judge, item);
  sort_unique(except);
  if (int(bool(cidr)) + int(bool(group)) + int(bool(selector)) != 1) {
    judge.error(DiagKind::CidrChoice, item,
                cidr || group || selector ? "a CIDR set entry has several sources" : "a CIDR set entry has no source",
                "exactly one of `cidr`, `cidrGroupRef` and `cidrGroupSelector` is required");
    return;
  }
  if (cidr) {
    const auto prefix = read_prefix(judge, *cidr);
    if (!prefix) return;
    check_excepts(judge, item, *prefix);
    rule.peers.push_back(ir::CidrPeer{*prefix, std::move(except), true});
  } else if (group) {
    const auto* name = judge.string(*group);
    if (!name) return;
    judge.limit_length(*group, *name, 253);
    if (!valid_group_name(*name))
      judge.error(DiagKind::CidrGroupName, *group, quote(*name) + " is not the name of a CIDR group", "expected a DNS-1123 subdomain");
    rule.peers.push_back(ir::CidrGroupPeer{*name, std::nullopt, std::move(except)});
  } else {
    auto read = read_selector(judge, *selector, Keys::CidrGroup);
    const bool scoped = std::any_of(read.requirements.begin(), read.requirements.end(),
                                    [](const auto& r) { return r.op == ir::Operator::In || r.op == ir::Operator::Exists; });
    if (!scoped && (*selector)->is_mapping())
      judge.warning(DiagKind::UnscopedGroups, *selector, "`cidrGroupSelector` matches every peer, pods and nodes included",
                    "name a label that the groups have");
    rule.peers.push_back(ir::CidrGroupPeer{"", std::move(read), std::move(except)});
  }
}

const std::vector<std::pair<std::string_view, ir::Entity>>& entities() {
  static const std::vector<std::pair<std::string_view, ir::Entity>> table = {
      {"all", ir::Entity::All},         {"world", ir::Entity::World},          {"cluster", ir::Entity::Cluster},
      {"host", ir::Entity::Host},       {"init", ir::Entity::Init},            {"ingress", ir::Entity::Ingress},
      {"unmanaged", ir::Entity::Unmanaged}, {"remote-node", ir::Entity::RemoteNode}, {"health", ir::Entity::Health},
      {"none", ir::Entity::None},       {"kube-apiserver", ir::Entity::KubeApiserver}};
  return table;
}

void read_entity(Judge& judge, const Value& at, const std::string& text, ir::Rule& rule) {
  std::vector<std::string_view> names;
  for (const auto& [name, entity] : entities()) {
    if (name == text) {
      rule.peers.push_back(ir::EntityPeer{entity});
      return;
    }
    names.push_back(name);
  }
  judge.one_of(at, text, names, DiagKind::UnknownEntity);
}

void read_fqdn(Judge& judge, const Value& item, ir::Rule& rule) {
  judge.known_fields(item, {"matchName", "matchPattern"});
  const auto name = judge.field(item, "matchName");
  const auto pattern = judge.field(item, "matchPattern");
  if (bool(name) == bool(pattern)) {
    judge.error(DiagKind::FqdnChoice, item, name ? "both `matchName` and `matchPattern` are given" : "neither `matchName` nor `matchPattern` is given",
                "exactly one of them is required");
    return;
  }
  const auto& given = name ? *name : *pattern;
  const auto* text = judge.string(given);
  if (!text) return;
  judge.limit_length(given, *text, 255);
  if (!is_dns_name(*text, !name))
    judge.error(DiagKind::FqdnSyntax, given, quote(*text) + " is not a DNS " + (name ? "name" : "pattern"), dns_syntax(!name));
  rule.peers.push_back(name ? ir::FqdnPeer{*text, ""} : ir::FqdnPeer{"", *text});
}

void read_service(Judge& judge, const Value& item, ir::Rule& rule) {
  judge.known_fields(item, {"k8sService", "k8sServiceSelector"});
  if (const auto service = judge.field(item, "k8sService"); service && judge.mapping(*service)) {
    judge.known_fields(*service, {"serviceName", "namespace"});
    ir::ServicePeer peer;
    peer.name = judge.string_field(*service, "serviceName").value_or("");
    peer.ns = judge.string_field(*service, "namespace").value_or("");
    rule.peers.push_back(std::move(peer));
  }
  if (const auto service = judge.field(item, "k8sServiceSelector"); service && judge.mapping(*service)) {
    judge.known_fields(*service, {"selector", "namespace"});
    ir::ServicePeer peer;
    peer.ns = judge.string_field(*service, "namespace").value_or("");
    if (const auto selector = judge.required(*service, "selector")) {
      // The agent never validates this selector: only the schema's checks count.
      const bool before = judge.schema_only;
      judge.schema_only = true;
      peer.selector = read_selector(judge, *selector);
      judge.schema_only = before;
    }
    rule.peers.push_back(std::move(peer));
  }
}

void read_group(Judge& judge, const Value& item) {
  judge.known_fields(item, {"aws"});
  const auto aws = judge.field(item, "aws");
  if (!aws || !judge.mapping(*aws)) return;
  judge.known_fields(*aws, {"labels", "region", "securityGroupsIds", "securityGroupsNames"});
  if (const auto labels = judge.field(*aws, "labels")) judge.string_map(*labels);
  judge.string_field(*aws, "region");
  for (const char* list : {"securityGroupsIds", "securityGroupsNames"}) judge.each_string(*aws, list, [](const Value&, const std::string&) {});
}

// The selectors of one list, validated.
std::vector<ir::Selector> read_selectors(Judge& judge, const Value& element, std::string_view key) {
  std::vector<ir::Selector> out;
  judge.each(element, key, [&](const Value& item) { out.push_back(read_selector(judge, item)); });
  return out;
}

struct Names {
  std::string endpoints, requires_key, cidr, cidr_set, entities, groups, nodes;
};

Names names_of(Direction direction) {
  const std::string p = direction == Direction::Ingress ? "from" : "to";
  return {p + "Endpoints", p + "Requires", p + "CIDR", p + "CIDRSet", p + "Entities", p + "Groups", p + "Nodes"};
}

// Any key of source `reserved` keeps the namespace from being added (section 2.4), so that other
// terms meet more, or fewer, than their author may think.
void warn_reserved(Judge& judge, const Value& at, const ir::Selector& selector) {
  if (!has_source(selector, "reserved")) return;
  bool labels = false, positive = false;
  for (const auto& r : selector.requirements) {
    labels |= r.source != "reserved";
    positive |= r.op == ir::Operator::In || r.op == ir::Operator::Exists;
  }
  if (!positive)
    judge.warning(DiagKind::ReservedTerms, at, "a `reserved:` key with negative terms alone matches peers of every namespace and outside the cluster",
                  "no namespace is added to a selector with a `reserved:` key");
  else if (labels)
    judge.warning(DiagKind::ReservedTerms, at, "`reserved:` keys and other labels in one selector", "reserved identities have no pod labels; write two selectors");
}

// From 1.19 the schema allows the lists only if they are empty.
void refuse_requires(Judge& judge, const Value& element, const std::string& key) {
  bool any = false;
  judge.each(element, key, [&](const Value&) { any = true; });
  if (any)
    judge.error(DiagKind::RequiresRemoved, judge.field(element, key)->named(), "`" + key + "` is no longer supported by Cilium 1." + std::to_string(judge.config.version),
                "put the requirement into every peer selector");
}

void read_endpoints(Judge& judge, const Value& element, const ElementContext& context, const Names& names, ir::Rule& rule) {
  judge.each(element, names.endpoints, [&](const Value& item) {
    auto selector = read_selector(judge, item);
    warn_reserved(judge, item, selector);
    inject_peer(judge, selector, context.init_subject);
    rule.peers.push_back(ir::LabelPeer{std::move(selector), true});
  });
  if (judge.config.version >= 19) return refuse_requires(judge, element, names.requires_key);
  for (auto& selector : read_selectors(judge, element, names.requires_key)) {
    inject_peer(judge, selector, context.init_subject);
    rule.requires_all.push_back(std::move(selector));
  }
}

void read_nodes(Judge& judge, const Value& element, const Names& names, ir::Rule& rule) {
  const auto list = judge.field(element, names.nodes);
  if (!list) return;
  if (!judge.config.node_selector_labels && !(*list)->items.empty())
    judge.agent_error(DiagKind::NodeSelectorsOff, list->named(), "`" + names.nodes + "` needs `enable-node-selector-labels`",
                      "set it in `cilium-config`");
  const bool only_local = judge.config.version >= 19 && judge.config.default_local_cluster;
  if (only_local && judge.config.node_selector_labels && !(*list)->items.empty())
    judge.warning(DiagKind::NodesOfNoCluster, list->named(), "`" + names.nodes + "` is limited to nodes that carry the label of this cluster",
                  "none is known to; set `policy-default-local-cluster` to \"false\" to select nodes by their own labels alone");
  for (auto& selector : read_selectors(judge, element, names.nodes)) {
    // QUIRK: nodes have no label of the cluster, so that the local-cluster default selects none of them.
    const auto names_cluster = [](const ir::Requirement& r) { return r.key == kCluster && (r.source == "k8s" || r.source == "any"); };
    const bool any_cluster = std::none_of(selector.requirements.begin(), selector.requirements.end(), names_cluster);
    if (only_local && any_cluster) add_requirement(selector, {"k8s", std::string(kCluster), ir::Operator::In, {judge.config.cluster_name}});
    if (judge.config.version >= 17) add_requirement(selector, {"reserved", "remote-node", ir::Operator::Exists, {}});
    rule.peers.push_back(ir::LabelPeer{std::move(selector), false});
  }
}

bool has_items(const Judge& judge, const Value& element, std::string_view key) {
  const auto list = judge.field(element, key);
  return list && (*list)->is_sequence() && !(*list)->items.empty();
}

// At most one kind of L3 member with entries (section 1.4).
void check_combination(Judge& judge, const Value& element, const std::vector<std::string>& kinds) {
  std::string first;
  for (const auto& kind : kinds) {
    if (!has_items(judge, element, kind)) continue;
    if (!first.empty()) {
      judge.agent_error(DiagKind::CombinedPeers, judge.field(element, kind)->named(), "`" + kind + "` cannot be combined with `" + first + "`",
                        "write two entries: they add up");
      return;
    }
    first = kind;
  }
}

// Empty lists of these kinds count as absent: with ports, that is everyone (section 1.5, step 4).
void warn_absent(Judge& judge, const Value& element, const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    const auto list = judge.field(element, key);
    if (!list || !(*list)->is_sequence() || !(*list)->items.empty()) continue;
    if (has_items(judge, element, "toPorts") || has_items(judge, element, "icmps"))
      judge.warning(DiagKind::EmptyPeerList, *list, "an empty `" + key + "` counts as absent", "the ports of this entry are open to everyone");
  }
}

}  // namespace

bool valid_group_name(std::string_view name) {
  static const re2::RE2 pattern("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
  return re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), pattern);
}

bool is_dns_name(std::string_view text, bool pattern) {
  static const re2::RE2 name("([-a-zA-Z0-9_]+[.]?)+"), wild("([-a-zA-Z0-9_*]+[.]?)+");
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern ? wild : name);
}

std::string dns_syntax(bool pattern) {
  return pattern ? "letters, digits, `-`, `_`, `*` and single dots" : "letters, digits, `-`, `_` and single dots; wildcards belong in `matchPattern`";
}

std::optional<IpPrefix> read_prefix(Judge& judge, const Value& at) {
  const auto* text = judge.string(at);
  if (!text) return std::nullopt;
  if (const auto prefix = IpPrefix::parse(*text)) return prefix;
  std::optional<std::string> fix;
  if (const auto address = IpAddress::parse(*text)) fix = IpPrefix::host(*address).to_string();
  judge.error(DiagKind::CidrSyntax, at, quote(*text) + " is not a CIDR", "expected an address, a slash and a length, as in `192.0.2.0/24`",
              std::move(fix));
  return std::nullopt;
}

void read_peers(Judge& judge, const Value& element, const ElementContext& context, ir::Rule& rule) {
  const auto names = names_of(context.direction);
  const bool egress = context.direction == Direction::Egress, allow = context.action == ir::Action::Allow;
  // Services and names first: the order of the vector is the order of display.
  read_endpoints(judge, element, context, names, rule);
  judge.each_string(element, names.cidr, [&](const Value& at, const std::string&) {
    if (const auto prefix = read_prefix(judge, at)) rule.peers.push_back(ir::CidrPeer{*prefix, {}, false});
  });
  judge.each_mapping(element, names.cidr_set, [&](const Value& item) { read_cidr_rule(judge, item, rule); });
  judge.each_string(element, names.entities, [&](const Value& at, const std::string& text) { read_entity(judge, at, text, rule); });
  read_nodes(judge, element, names, rule);
  judge.each_mapping(element, names.groups, [&](const Value& item) { read_group(judge, item); });
  if (egress) {
    judge.each_mapping(element, "toServices", [&](const Value& item) { read_service(judge, item, rule); });
    if (allow) judge.each_mapping(element, "toFQDNs", [&](const Value& item) { read_fqdn(judge, item, rule); });
  }
  std::vector<std::string> kinds = {names.endpoints, names.cidr, names.cidr_set, names.entities, names.nodes, names.groups};
  if (egress) kinds.insert(kinds.end(), {"toServices", "toFQDNs"});
  check_combination(judge, element, kinds);
  if (judge.config.version < 17 && has_items(judge, element, "toServices") && has_items(judge, element, "toPorts"))
    judge.agent_error(DiagKind::CombinedPeers, judge.field(element, "toPorts")->named(), "`toPorts` cannot be combined with `toServices` in Cilium 1.16",
                      "it can from 1.17");

  rule.peer_kind = rule.peers.empty() ? ir::PeerKind::Unspecified : ir::PeerKind::Listed;
  for (const auto& key : {names.endpoints, names.nodes, names.entities, names.cidr, names.cidr_set}) {
    const auto list = judge.field(element, key);
    if (!list || !(*list)->is_sequence() || !(*list)->items.empty()) continue;
    rule.peer_kind = ir::PeerKind::Nobody;
    judge.warning(DiagKind::EmptyPeerList, *list, "an empty `" + key + "` selects nobody", "this entry adds nothing; leave the list out for everyone");
  }
  if (rule.peer_kind == ir::PeerKind::Unspecified && allow)
    warn_absent(judge, element, egress ? std::vector<std::string>{"toFQDNs", "toServices", names.groups} : std::vector{names.groups});
  if (egress && !allow && has_items(judge, element, "toServices"))
    judge.warning(DiagKind::ServicesInDeny, judge.field(element, "toServices")->named(), "`toServices` in `egressDeny` is never resolved",
                  judge.has(element, "toPorts") ? "these ports are denied to everyone" : "this entry denies nothing");
  // An external security group is a set of addresses that nobody knows offline: it adds nobody.
  if (has_items(judge, element, names.groups))
    judge.warning(DiagKind::GroupsUnknown, judge.field(element, names.groups)->named(), "the addresses of `" + names.groups + "` are not known here",
                  "they are taken for nobody");
  if (const auto groups = judge.field(element, names.groups);
      groups && (*groups)->is_sequence() && !(*groups)->items.empty() && rule.peers.empty() && rule.peer_kind == ir::PeerKind::Unspecified)
    rule.peer_kind = ir::PeerKind::Nobody;
}

}  // namespace netpolc::frontend::policy
