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

// Cilium checks the key with its source in front: "any.app", so that 59 bytes are the most.
bool valid_key(std::string_view source, std::string_view key) {
  const std::string extended = std::string(source) + "." + std::string(key);
  const auto slash = extended.find('/');
  if (slash == std::string::npos) return !key.empty() && valid_name_part(extended);
  return valid_key_prefix(std::string_view(extended).substr(0, slash)) && valid_name_part(std::string_view(extended).substr(slash + 1));
}

ir::Requirement requirement_of_key(Judge& judge, const Value& at, std::string_view key) {
  ir::Requirement out{.source = "any", .key = std::string(key)};
  if (const auto colon = key.find(':'); colon != std::string_view::npos) {
    out.source = std::string(key.substr(0, colon));
    out.key = std::string(key.substr(colon + 1));
    if (out.source.empty()) out.source = "any";
  }
  if (!valid_key(out.source, out.key))
    judge.agent_error(DiagKind::LabelKey, at, "label key " + quote(key) + " is malformed",
                      "expected `[source:][prefix/]name`, at most 59 bytes of letters, digits, `-`, `_` and `.`");
  return out;
}

void check_value(Judge& judge, const Value& at, std::string_view text, bool by_schema) {
  if (valid_label_value(text)) return;
  const std::string message = "label value " + quote(text) + " is malformed";
  const std::string label = "at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit";
  if (by_schema) judge.error(DiagKind::LabelValue, at, message, label);
  else judge.agent_error(DiagKind::LabelValue, at, message, label);
}

void read_expression(Judge& judge, const Value& at, ir::Selector& selector) {
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
  auto requirement = requirement_of_key(judge, *key, *key_text);
  const bool wants_values = *op_text == "In" || *op_text == "NotIn";
  if (wants_values && values.empty())
    judge.agent_error(DiagKind::SelectorValues, *op, "`" + *op_text + "` has no `values`", "at least one value is required");
  if (!wants_values && !values.empty())
    judge.agent_error(DiagKind::SelectorValues, *op, "`" + *op_text + "` has `values`", "no values are allowed here");
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

ir::Selector read_selector(Judge& judge, const Value& at) {
  ir::Selector selector;
  if (!judge.mapping(at)) return selector;
  judge.known_fields(at, {"matchLabels", "matchExpressions"});
  if (const auto labels = judge.field(at, "matchLabels"); labels && judge.mapping(*labels)) {
    for (const auto& [key, value] : (*labels)->entries) {
      const Value item(*labels, key.text, value);
      const auto* text = judge.string(item);
      if (!text) continue;
      check_value(judge, item, *text, true);
      auto requirement = requirement_of_key(judge, item, key.text);
      requirement.op = ir::Operator::In;
      requirement.values = {*text};
      selector.requirements.push_back(std::move(requirement));
    }
  }
  judge.each(at, "matchExpressions", [&](const Value& item) { read_expression(judge, item, selector); });
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

void inject_subject(const Judge& judge, ir::Selector& selector) {
  if (judge.ns.empty()) return;
  // `k8s:` terms of matchLabels are overwritten; others are kept and ANDed (section 2.4).
  std::erase_if(selector.requirements, [](const auto& r) {
    return r.source == "k8s" && r.key == kNamespace && r.op == ir::Operator::In && r.values.size() == 1;
  });
  add_requirement(selector, {"k8s", std::string(kNamespace), ir::Operator::In, {judge.ns}});
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
