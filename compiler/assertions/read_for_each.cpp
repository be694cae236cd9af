// Selectors of `forEach`, as Kubernetes writes them.
#include "compiler/assertions/read_test_item.h"

namespace netpolc::compiler::assertions {
namespace {

void match_labels(const Node& labels, const Fields& fields, ir::Selector& out) {
  if (!fields.mapping(labels, "`matchLabels`")) return;
  for (const auto& [key, value] : labels.entries)
    if (const auto text = fields.text(value)) out.requirements.push_back({"any", key.text, ir::Operator::In, {*text}});
}

void match_expression(const Node& item, const Fields& fields, ir::Selector& out) {
  if (!fields.mapping(item, "an expression")) return;
  fields.known(item, {"key", "operator", "values"});
  const auto key = fields.text(item, "key");
  const Node* op = fields.value(item, "operator");
  const auto word = op != nullptr ? fields.word(*op, {"In", "NotIn", "Exists", "DoesNotExist"}) : std::nullopt;
  if (!key || op == nullptr) fields.error(DiagKind::TestFieldMissing, item.span, "an expression without a key and an operator", "expected `key` and `operator`");
  if (!key || !word) return;
  ir::Requirement one{"any", *key, *word == "In" ? ir::Operator::In : *word == "NotIn" ? ir::Operator::NotIn : *word == "Exists" ? ir::Operator::Exists : ir::Operator::DoesNotExist, {}};
  if (const Node* values = fields.value(item, "values"))
    for (const Node* value : fields.one_or_more(*values))
      if (const auto text = fields.text(*value)) one.values.push_back(*text);
  const bool lists = one.op == ir::Operator::In || one.op == ir::Operator::NotIn;
  if (lists == one.values.empty()) fields.error(DiagKind::TestFieldChoice, op->span, "`" + *word + (lists ? "` without values" : "` with values"), lists ? "expected `values`" : "it asks for the key alone");
  out.requirements.push_back(std::move(one));
}

ir::Selector selector(const Node& node, const Fields& fields) {
  ir::Selector out;
  if (!fields.mapping(node, "a selector")) return out;
  fields.known(node, {"matchLabels", "matchExpressions"});
  if (const Node* labels = fields.value(node, "matchLabels")) match_labels(*labels, fields, out);
  if (const Node* list = fields.value(node, "matchExpressions"))
    for (const Node* item : fields.one_or_more(*list)) match_expression(*item, fields, out);
  ir::normalise(out);
  return out;
}

}  // namespace

std::optional<ForEach> read_for_each(const Node& node, const Fields& fields) {
  if (!fields.mapping(node, "`forEach`")) return std::nullopt;
  fields.known(node, {"pods", "namespaces"});
  ForEach out{{}, {}, {node.span.file, node.span.begin, node.span.begin}};
  const Node *pods = fields.value(node, "pods"), *namespaces = fields.value(node, "namespaces");
  if (pods == nullptr && namespaces == nullptr) fields.error(DiagKind::TestFieldMissing, out.where, "`forEach` says of whom neither by pods nor by namespaces", "expected `pods` or `namespaces`, with `matchLabels`");
  if (pods != nullptr) out.pods = selector(*pods, fields);
  if (namespaces != nullptr) out.namespaces = selector(*namespaces, fields);
  return out;
}

}  // namespace netpolc::compiler::assertions
