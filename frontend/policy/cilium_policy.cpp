#include <algorithm>

#include "frontend/policy/parts.h"
#include "frontend/policy/status.h"

namespace netpolc::frontend {
namespace policy {
namespace {

using ir::Action;
using ir::Direction;

struct ListKind {
  std::string_view key;
  Direction direction;
  Action action;
};
constexpr ListKind kLists[] = {{"ingress", Direction::Ingress, Action::Allow},
                               {"ingressDeny", Direction::Ingress, Action::Deny},
                               {"egress", Direction::Egress, Action::Allow},
                               {"egressDeny", Direction::Egress, Action::Deny}};

std::vector<std::string_view> element_fields(const ListKind& kind) {
  const bool ingress = kind.direction == Direction::Ingress, allow = kind.action == Action::Allow;
  std::vector<std::string_view> out = {"toPorts", "icmps"};
  if (ingress) out.insert(out.end(), {"fromEndpoints", "fromRequires", "fromCIDR", "fromCIDRSet", "fromEntities", "fromGroups", "fromNodes"});
  else out.insert(out.end(), {"toEndpoints", "toRequires", "toCIDR", "toCIDRSet", "toEntities", "toGroups", "toNodes", "toServices"});
  if (!ingress && allow) out.push_back("toFQDNs");
  if (allow) out.push_back("authentication");
  return out;
}

ir::AuthMode read_authentication(Judge& judge, const Value& element) {
  const auto at = judge.field(element, "authentication");
  if (!at || !judge.mapping(*at)) return ir::AuthMode::Unset;
  judge.known_fields(*at, {"mode"});
  const auto mode = judge.required(*at, "mode");
  if (!mode || !judge.string(*mode)) return ir::AuthMode::Unset;
  if (!judge.one_of(*mode, (*mode)->text, {"disabled", "required", "test-always-fail"}, DiagKind::AuthMode)) return ir::AuthMode::Unset;
  return (*mode)->text == "disabled" ? ir::AuthMode::Disabled : (*mode)->text == "required" ? ir::AuthMode::Required : ir::AuthMode::AlwaysFail;
}

ir::Rule read_rule(Judge& judge, const Value& element, const ListKind& kind, bool node, bool init_subject) {
  const ElementContext context{kind.direction, kind.action, node, init_subject};
  ir::Rule rule;
  rule.direction = kind.direction;
  rule.action = kind.action;
  rule.where = element.span();
  judge.known_fields(element, element_fields(kind));
  read_peers(judge, element, context, rule);
  read_ports(judge, element, context, rule);
  if (kind.action == Action::Allow) rule.auth = read_authentication(judge, element);
  return rule;
}

struct DefaultDeny {
  std::optional<bool> ingress, egress;
};

DefaultDeny read_default_deny(Judge& judge, const Value& spec) {
  const auto at = judge.field(spec, "enableDefaultDeny");
  if (!at || !judge.mapping(*at)) return {};
  judge.known_fields(*at, {"ingress", "egress"});
  return {judge.bool_field(*at, "ingress"), judge.bool_field(*at, "egress")};
}

void read_rule_labels(Judge& judge, const Value& spec) {
  judge.each_mapping(spec, "labels", [&](const Value& item) {
    judge.known_fields(item, {"key", "value", "source"});
    if (const auto key = judge.required(item, "key")) {
      const auto* text = judge.string(*key);
      if (text && text->empty()) judge.error(DiagKind::LabelKey, *key, "the label has an empty key", "name the label");
    }
    judge.string_field(item, "value");
    judge.string_field(item, "source");
  });
}

// `log.value` appears in events and changes no verdict: at most 32 printable characters.
void read_log(Judge& judge, const Value& spec) {
  const auto at = judge.field(spec, "log");
  if (!at || judge.config.version < 18 || !judge.mapping(*at)) return;
  judge.known_fields(*at, {"value"});
  const auto value = judge.field(*at, "value");
  const auto* text = value ? judge.string(*value) : nullptr;
  if (!text) return;
  const auto characters = std::count_if(text->begin(), text->end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  if (characters > 32)
    judge.error(DiagKind::ValueTooLong, *value, "`log.value` has " + std::to_string(characters) + " characters, the limit is 32");
  if (std::any_of(text->begin(), text->end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
    judge.error(DiagKind::LogValue, *value, "`log.value` has unprintable characters", "only printable ones are allowed");
}

// The subject, or nothing after an error. Exactly one selector (section 1.2).
void read_subject(Judge& judge, const Value& spec, ir::Policy& policy) {
  const auto endpoint = judge.field(spec, "endpointSelector"), node = judge.field(spec, "nodeSelector");
  if (bool(endpoint) == bool(node)) {
    judge.error(DiagKind::SubjectChoice, endpoint ? node->named() : spec.named(), endpoint ? "both `endpointSelector` and `nodeSelector` are given" : "neither `endpointSelector` nor `nodeSelector` is given",
                "exactly one is required; `endpointSelector: {}` selects every endpoint in scope");
  }
  if (node) {
    policy.subject = read_selector(judge, *node);
    policy.subject_is_node = true;
    if (!judge.ns.empty() && (spec.key() == "spec" || judge.config.version >= 20))  // 1.18 overlooks `specs`
      judge.agent_error(DiagKind::NodeSelectorNotAllowed, node->named(), "a CiliumNetworkPolicy cannot have a `nodeSelector`", "use a CiliumClusterwideNetworkPolicy");
  }
  if (endpoint) policy.subject = read_subject_selector(judge, *endpoint);
}

// Where all is denied in so many words, default deny takes nobody by surprise.
bool denies_everything(const ir::Rule& rule) {
  return rule.action == Action::Deny && rule.any_l4 && std::any_of(rule.peers.begin(), rule.peers.end(), [](const ir::Peer& peer) { return peer == ir::Peer(ir::EntityPeer{ir::Entity::All}); });
}

// What switches enforcement on or not, against what its author may expect (section 11).
void warn_default_deny(Judge& judge, const Value& spec, const DefaultDeny& chosen, const ir::Policy& policy) {
  for (const auto direction : {Direction::Ingress, Direction::Egress}) {
    const bool ingress = direction == Direction::Ingress;
    const std::string name = ingress ? "ingress" : "egress";
    bool any = false, expected = false;
    for (const auto& rule : policy.rules) {
      any |= rule.direction == direction;
      expected |= rule.direction == direction && (rule.action == Action::Allow || denies_everything(rule));
    }
    const auto& said = ingress ? chosen.ingress : chosen.egress;
    if (said.value_or(false) && !any)
      judge.warning(DiagKind::DefaultDenyUnused, *judge.field(*judge.field(spec, "enableDefaultDeny"), name),
                    "`enableDefaultDeny." + name + "` has no effect without " + name + " rules", "write `" + name + ": [{}]` to deny all by default");
    if (any && !expected && !said && judge.context.deny_only)
      judge.context.deny_only->push_back({judge.ns, direction, judge.field(spec, name + "Deny")->named().span()});
  }
}

ir::Policy read_spec(Judge& judge, const Value& spec, ir::PolicyKind kind, const std::string& prefix) {
  ir::Policy policy;
  policy.kind = kind;
  policy.ns = judge.ns;
  policy.name = judge.name;
  policy.where = spec.span();
  if (!judge.mapping(spec)) return policy;
  std::vector<std::string_view> fields = {"endpointSelector", "nodeSelector", "ingress", "ingressDeny", "egress", "egressDeny",
                                          "labels", "enableDefaultDeny", "description"};
  if (judge.config.version >= 18) fields.push_back("log");
  judge.known_fields(spec, fields);
  read_subject(judge, spec, policy);
  const bool init_subject = std::any_of(policy.subject.requirements.begin(), policy.subject.requirements.end(),
                                        [](const auto& r) { return r.source == "reserved" && r.key == "init"; });
  bool has[2] = {false, false}, any_list = false, all_lists = true;
  for (const auto& list : kLists) {
    std::size_t index = 0;
    if (const auto at = judge.field(spec, list.key)) all_lists &= (*at)->is_sequence() && (*at)->items.empty();
    any_list |= judge.each(spec, list.key, [&](const Value& element) {
      has[list.direction == Direction::Egress] = true;
      const auto path = prefix + std::string(list.key) + "[" + std::to_string(index++) + "]";
      if (!judge.mapping(element)) return;
      auto rule = read_rule(judge, element, list, policy.subject_is_node, init_subject);
      rule.path = path;
      policy.rules.push_back(std::move(rule));
    });
  }
  if (!any_list)
    judge.error(DiagKind::NoRules, spec.named(), "this rule has none of `ingress`, `ingressDeny`, `egress` and `egressDeny`",
                "write `ingress: [{}]` to deny all ingress by default");
  else if (all_lists && judge.config.version >= 17)
    judge.agent_error(DiagKind::NoRules, spec.named(), "every rule list is empty", "write `ingress: [{}]` to deny all ingress by default");
  read_rule_labels(judge, spec);
  judge.string_field(spec, "description");
  read_log(judge, spec);
  const auto chosen = read_default_deny(judge, spec);
  policy.default_deny_ingress = judge.config.non_default_deny_policies ? chosen.ingress.value_or(has[0]) : has[0];
  policy.default_deny_egress = judge.config.non_default_deny_policies ? chosen.egress.value_or(has[1]) : has[1];
  warn_default_deny(judge, spec, chosen, policy);
  return policy;
}

// An object with groups is rewritten by the operator and never reaches the agent's checks.
bool uses_groups(const Judge& judge, const Value& spec) {
  for (const auto& list : kLists) {
    const auto at = judge.field(spec, list.key);
    if (!at || !(*at)->is_sequence()) continue;
    for (const auto& element : (*at)->items)
      for (const char* key : {"fromGroups", "toGroups"})
        if (const auto* groups = element.is_mapping() ? element.find(key) : nullptr; groups && groups->is_sequence() && !groups->items.empty()) return true;
  }
  return false;
}

}  // namespace
}  // namespace policy

Checked<std::vector<ir::Policy>> lower_cilium_policy(const Node& object, bool clusterwide, const LowerContext& context) {
  using namespace policy;
  Judge judge(context);
  const Value root(object);
  const char* kind_name = clusterwide ? "CiliumClusterwideNetworkPolicy" : "CiliumNetworkPolicy";
  judge.known_fields(root, {"apiVersion", "kind", "metadata", "spec", "specs", "status"});
  read_metadata(judge, root, clusterwide, kind_name);
  warn_refused(judge, root);
  const auto kind = clusterwide ? ir::PolicyKind::CiliumClusterwideNetworkPolicy : ir::PolicyKind::CiliumNetworkPolicy;
  const auto spec = judge.field(root, "spec");
  if (judge.config.version < 20) {
    if (spec && (*spec)->is_mapping()) judge.schema_only = uses_groups(judge, *spec);
    if (const auto specs = judge.field(root, "specs"); specs && (*specs)->is_sequence())
      for (std::size_t i = 0; i < (*specs)->items.size(); ++i)
        if ((*specs)->items[i].is_mapping()) judge.schema_only |= uses_groups(judge, Value(*specs, i, (*specs)->items[i]));
  }
  std::vector<ir::Policy> out;
  if (spec) out.push_back(read_spec(judge, *spec, kind, ""));
  bool specs_given = false;
  std::size_t index = 0;
  judge.each(root, "specs", [&](const Value& item) {
    specs_given = true;
    out.push_back(read_spec(judge, item, kind, "specs[" + std::to_string(index++) + "]."));
  });
  // `specs: []` counts as nothing, but the agent accepts an object that has it.
  if (!spec && !specs_given && !judge.has(root, "specs"))
    judge.error(DiagKind::NoSpec, root, std::string("this ") + kind_name + " has neither `spec` nor `specs`", "one of them is required");
  if (judge.failed()) return tl::unexpected(judge.proof());
  return out;
}

Checked<ir::CidrGroup> lower_cidr_group(const Node& object, const LowerContext& context) {
  using namespace policy;
  Judge judge(context);
  const Value root(object);
  judge.known_fields(root, {"apiVersion", "kind", "metadata", "spec"});
  read_metadata(judge, root, true, "CiliumCIDRGroup");
  ir::CidrGroup out;
  out.name = judge.name;
  out.where = root.span();
  if (const auto metadata = judge.field(root, "metadata"); metadata && (*metadata)->is_mapping())
    if (const auto labels = judge.field(*metadata, "labels"); labels && (*labels)->is_mapping())
      for (const auto& [key, value] : (*labels)->entries) out.labels[key.text] = value.text;
  if (const auto spec = judge.required(root, "spec"); spec && judge.mapping(*spec)) {
    judge.known_fields(*spec, {"externalCIDRs"});
    if (judge.required(*spec, "externalCIDRs"))
      judge.each_string(*spec, "externalCIDRs", [&](const Value& at, const std::string&) {
        if (const auto prefix = read_prefix(judge, at)) out.cidrs.push_back(*prefix);
      });
  }
  if (judge.failed()) return tl::unexpected(judge.proof());
  return out;
}

}  // namespace netpolc::frontend
