#include <re2/re2.h>

#include "frontend/policy/parts.h"

namespace netpolc::frontend::policy {
namespace {

constexpr std::string_view kNamespace = "io.kubernetes.pod.namespace";
constexpr std::string_view kNamespaceLabels = "io.cilium.k8s.namespace.labels.";
constexpr std::string_view kCluster = "io.cilium.k8s.policy.cluster";

bool valid_name_part(std::string_view name) {
  static const re2::RE2 pattern("([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]");
  return name.size() <= 63 && re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), pattern);
}

bool valid_key_prefix(std::string_view prefix) {
  static const re2::RE2 pattern("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
  return prefix.size() <= 253 && re2::RE2::FullMatch(re2::StringPiece(prefix.data(), prefix.size()), pattern);
}

// Kubernetes' qualified name: [prefix/]name.
bool valid_qualified_name(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return valid_name_part(text);
  return valid_key_prefix(text.substr(0, slash)) && valid_name_part(text.substr(slash + 1));
}

// What the agent puts in front of every key of a selector that has no sources of its own.
std::string_view prefix_of(Keys keys) {
  switch (keys) {
    case Keys::Cilium: return "";
    case Keys::Kubernetes: return "k8s.";
    case Keys::NamespaceLabels: return "k8s.io.cilium.k8s.namespace.labels.";
    case Keys::CidrGroup: return "cidrgroup.";
  }
  return "";
}

// "[source:]key" as "source.key". Besides the colon the agent reads `$host` and `reserved.host`
// as reserved keys, and leaves out what follows an equals sign.
std::string extended_key(std::string_view key) {
  std::string_view source = "any", rest = key;
  if (key.starts_with('$')) {
    source = "reserved", rest = key.substr(1);
  } else if (const auto colon = key.find(':'); colon != std::string_view::npos) {
    if (colon != 0) source = key.substr(0, colon);
    rest = key.substr(colon + 1);
  } else if (constexpr std::string_view kReserved = "reserved."; key.starts_with(kReserved)) {
    source = "reserved", rest = key.substr(kReserved.size());
  }
  return std::string(source) + "." + std::string(rest.substr(0, rest.find('=')));
}

// Up to 1.19 the name is checked with the source (or prefix) in front of it: "any.app", so that
// 59 bytes are the most for a key without a slash.
ir::Requirement requirement_of_key(Judge& judge, const Value& at, std::string_view key, Keys keys) {
  const std::string_view prefix = prefix_of(keys);
  const std::string extended = keys == Keys::Cilium ? extended_key(key) : std::string(prefix) + std::string(key);
  const std::size_t front = keys == Keys::Cilium ? extended.find('.') + 1 : prefix.size();
  const bool bare = judge.config.version >= 20;
  if (extended.size() == front || !valid_qualified_name(std::string_view(extended).substr(bare ? front : 0))) {
    const std::size_t most = 63 - (bare ? 0 : front);
    judge.agent_error(DiagKind::LabelKey, at, "label key " + quote(key) + " is malformed",
                      std::string("expected `") + (keys == Keys::Cilium ? "[source:]" : "") +
                          "[prefix/]name`, a name without a prefix of at most " + std::to_string(most) +
                          " letters, digits, `-`, `_` and `.`");
  }
  const std::size_t dot = extended.find('.');
  ir::Requirement out{.source = extended.substr(0, dot), .key = extended.substr(dot + 1), .values = {}};
  if (keys == Keys::CidrGroup) out.source = "any";  // looked for among the group's labels alone
  return out;
}

void check_value(Judge& judge, const Value& at, std::string_view text, bool by_schema) {
  if (valid_label_value(text)) return;
  const std::string message = "label value " + quote(text) + " is malformed";
  const std::string label = "at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit";
  if (by_schema) judge.error(DiagKind::LabelValue, at, message, label);
  else judge.agent_error(DiagKind::LabelValue, at, message, label);
}

void read_expression(Judge& judge, const Value& at, Keys keys, ir::Selector& selector) {
  if (!judge.mapping(at)) return;
  judge.known_fields(at, {"key", "operator", "values"});
  const auto key = judge.required(at, "key");
  const auto op = judge.required(at, "operator");
  std::vector<std::string> values;
  judge.each_string(at, "values", [&](const Value& item, const std::string& text) {
    check_value(judge, item, text, false);
    values.push_back(text);
  });
  if (!key || !op) return;
  const auto* key_text = judge.string(*key);
  const auto* op_text = judge.string(*op);
  if (!key_text || !op_text) return;
  if (!judge.one_of(*op, *op_text, {"In", "NotIn", "Exists", "DoesNotExist"}, DiagKind::SelectorOperator)) return;
  auto requirement = requirement_of_key(judge, *key, *key_text, keys);
  const bool wants_values = *op_text == "In" || *op_text == "NotIn";
  if (wants_values && values.empty())
    judge.agent_error(DiagKind::SelectorValues, *op, "`" + *op_text + "` has no `values`", "at least one value is required");
  if (!wants_values && !values.empty())
    judge.agent_error(DiagKind::SelectorValues, *judge.field(at, "values"), "`" + *op_text + "` has `values`",
                      "no values are allowed here");
  requirement.op = *op_text == "In"      ? ir::Operator::In
                   : *op_text == "NotIn" ? ir::Operator::NotIn
                   : *op_text == "Exists" ? ir::Operator::Exists
                                          : ir::Operator::DoesNotExist;
  requirement.values = std::move(values);
  selector.requirements.push_back(std::move(requirement));
}

bool names_key(const ir::Selector& selector, std::string_view key, bool prefix) {
  for (const auto& r : selector.requirements) {
    if (r.source != "k8s" && r.source != "any") continue;
    if (prefix ? std::string_view(r.key).substr(0, key.size()) == key : r.key == key) return true;
  }
  return false;
}

}  // namespace

bool valid_label_value(std::string_view value) {
  return value.empty() || valid_name_part(value);
}

ir::Selector read_selector(Judge& judge, const Value& at, Keys keys) {
  ir::Selector selector;
  if (!judge.mapping(at)) return selector;
  judge.known_fields(at, {"matchLabels", "matchExpressions"});
  if (const auto labels = judge.field(at, "matchLabels"); labels && judge.mapping(*labels)) {
    for (const auto& [key, value] : (*labels)->entries) {
      auto requirement = requirement_of_key(judge, Value(*labels, key.text, key), key.text, keys);
      const Value item(*labels, key.text, value);
      const auto* text = judge.string(item);
      if (!text) continue;
      check_value(judge, item, *text, true);
      requirement.op = ir::Operator::In;
      requirement.values = {*text};
      selector.requirements.push_back(std::move(requirement));
    }
  }
  judge.each(at, "matchExpressions", [&](const Value& item) { read_expression(judge, item, keys, selector); });
  ir::normalise(selector);
  return selector;
}

bool has_source(const ir::Selector& selector, std::string_view source) {
  return std::any_of(selector.requirements.begin(), selector.requirements.end(), [&](const auto& r) { return r.source == source; });
}

void add_requirement(ir::Selector& selector, ir::Requirement requirement) {
  selector.requirements.push_back(std::move(requirement));
  ir::normalise(selector);
}

// A namespace that `matchLabels` names with source k8s is overwritten; others are kept and
// ANDed (section 2.4).
ir::Selector read_subject_selector(Judge& judge, const Value& at) {
  ir::Selector selector = read_selector(judge, at, Keys::Cilium);
  if (judge.ns.empty()) return selector;
  const auto labels = judge.field(at, "matchLabels");
  if (labels && (*labels)->is_mapping()) {
    for (const auto& [key, value] : (*labels)->entries) {
      if (extended_key(key.text) != "k8s." + std::string(kNamespace)) continue;
      const ir::Requirement written{"k8s", std::string(kNamespace), ir::Operator::In, {value.text}};
      std::erase(selector.requirements, written);
      if (value.text != judge.ns)
        judge.warning(DiagKind::ForeignNamespace, Value(*labels, key.text, value),
                      "the subject's namespace " + quote(value.text) + " is overwritten",
                      "a CiliumNetworkPolicy selects in its own namespace, here " + quote(judge.ns));
    }
  }
  add_requirement(selector, {"k8s", std::string(kNamespace), ir::Operator::In, {judge.ns}});
  return selector;
}

void inject_peer(const Judge& judge, ir::Selector& selector, bool init_subject) {
  if (has_source(selector, "reserved")) return;
  if (!names_key(selector, kNamespace, false)) {
    if (!judge.ns.empty()) {
      if (!names_key(selector, kNamespaceLabels, true))
        add_requirement(selector, {"k8s", std::string(kNamespace), ir::Operator::In, {judge.ns}});
    } else if (!init_subject) {
      add_requirement(selector, {"k8s", std::string(kNamespace), ir::Operator::Exists, {}});
    }
  }
  if (judge.config.default_local_cluster && !names_key(selector, kCluster, false))
    add_requirement(selector, {"k8s", std::string(kCluster), ir::Operator::In, {judge.config.cluster_name}});
}

}  // namespace netpolc::frontend::policy
