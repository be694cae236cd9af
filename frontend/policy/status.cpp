#include "frontend/policy/status.h"

namespace netpolc::frontend::policy {
namespace {

const Node* below(const Node* node, std::string_view key) { return node != nullptr && node->is_mapping() ? node->find(key) : nullptr; }

bool reads(const Node* node, std::string_view text) { return node != nullptr && node->is_scalar() && node->text == text; }

std::string text_of(const Node* node) { return node != nullptr && node->is_scalar() ? node->text : ""; }

void warn(Judge& judge, const Value& object, Span where, const std::string& who, const std::string& why) {
  judge.report({.kind = DiagKind::RejectedInCluster,
                .where = where,
                .message = who + " did not accept this policy" + (why.empty() ? "" : ": " + quote(why)),
                .label = "agents leave such a policy out, whatever is said of it here",
                .severity = Severity::Warning},
               object);
}

void read_conditions(Judge& judge, const Value& object, const Node& conditions) {
  for (const Node& one : conditions.items)
    if (reads(below(&one, "type"), "Valid") && reads(below(&one, "status"), "False"))
      return warn(judge, object, below(&one, "status")->span, "the cluster", text_of(below(&one, "message")));
}

// Nodes say the same, so that one is enough.
void read_nodes(Judge& judge, const Value& object, const Node& nodes) {
  const std::pair<Node, Node>* first = nullptr;
  std::size_t more = 0;
  for (const auto& entry : nodes.entries) {
    const Node* ok = below(&entry.second, "ok");
    if (text_of(below(&entry.second, "error")).empty() || (ok != nullptr && ok->is_bool() && ok->bool_value())) continue;
    if (first == nullptr) first = &entry;
    else ++more;
  }
  if (first == nullptr) return;
  const Node* error = below(&first->second, "error");
  warn(judge, object, error->span, "node `" + first->first.text + "`" + (more == 0 ? "" : " and " + std::to_string(more) + " more"), error->text);
}

}  // namespace

void warn_refused(Judge& judge, const Value& object) {
  const Node* status = below(&object.node(), "status");
  if (const Node* conditions = below(status, "conditions"); conditions != nullptr && conditions->is_sequence()) read_conditions(judge, object, *conditions);
  if (const Node* nodes = below(status, "nodes"); nodes != nullptr && nodes->is_mapping()) read_nodes(judge, object, *nodes);
}

}  // namespace netpolc::frontend::policy
