#include "verify/bytecode/subject.h"

#include "verify/bytecode/prefixes.h"

namespace netpolc::verify::bytecode {
namespace {

template <class... Numbers>
std::string line(Numbers... numbers) {
  return ((std::to_string(static_cast<unsigned>(numbers)) + " ") + ...) + "\n";
}

// Fields are taken apart one by one, so that a new one does not compile until somebody has thought of it.
std::string text(const ir::DirectionTable& table) {
  const auto& [enforcement, localhost_exception, bits, classes, rules, rule_texts] = table;
  std::string out = line(enforcement, localhost_exception, bits.size(), classes.size(), rules.size(), needs_prefixes(table));
  for (const ir::RuleRef& rule : rules) out += line(rule == ir::synthesized_rule);
  for (const auto& [protocol, first, last, entries] : classes) {
    out += line(protocol, first, last, entries.size());
    for (const auto& [bit, action, l7, auth, rule, specificity, priority, level] : entries) out += line(bit, action, l7, auth, rule, specificity, priority, level);
  }
  return out;
}

}  // namespace

std::string subject_of(const ir::DecisionTable& table) {
  const auto& [ingress, egress, incomputable] = table;
  return (incomputable ? "incomputable\n" : "") + text(ingress) + text(egress);
}

}  // namespace netpolc::verify::bytecode
