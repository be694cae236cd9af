#include "verify/bytecode/subject.h"

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <vector>

using namespace netpolc;

TEST_CASE("tables that a proof tells apart have texts of their own") {
  ir::DecisionTable table;
  table.ingress.enforcement = ir::Enforcement::DefaultDeny;
  table.ingress.bits = {{"everyone", {}}, {"k8s:app in (a)", {300}}};
  table.ingress.rules = {{0, 0}};
  table.ingress.rule_texts = {"allow from a"};
  table.ingress.classes = {{ir::Protocol::Tcp, 80, 90, {{.bit = 1, .action = ir::Action::Allow, .rule = 0}}}};
  using Change = std::function<void(ir::DirectionTable&)>;
  const std::vector<Change> changes = {
      [](auto& t) { t.enforcement = ir::Enforcement::DefaultAllow; }, [](auto& t) { t.localhost_exception = true; }, [](auto& t) { t.bits.push_back({"b", {}}); },
      [](auto& t) { t.rules.push_back({0, 1}); }, [](auto& t) { t.rules[0] = ir::synthesized_rule; }, [](auto& t) { t.classes[0].protocol = ir::Protocol::Udp; },
      [](auto& t) { t.classes[0].first = 81; }, [](auto& t) { t.classes[0].last = 91; }, [](auto& t) { t.classes[0].entries.clear(); },
      [](auto& t) { t.classes.push_back(t.classes[0]); }, [](auto& t) { t.classes[0].entries[0].bit = 0; }, [](auto& t) { t.classes[0].entries[0].action = ir::Action::Deny; },
      [](auto& t) { t.classes[0].entries[0].l7 = ir::L7Parser::Http; }, [](auto& t) { t.classes[0].entries[0].auth = ir::AuthMode::Required; },
      [](auto& t) { t.classes[0].entries[0].rule = 1; }, [](auto& t) { t.bits[1].condition = ir::combination(ir::Combination::Kind::All, {}); },
      [](auto& t) { t.classes[0].entries[0].specificity = 1; }, [](auto& t) { t.classes[0].entries[0].priority = 1; }, [](auto& t) { t.classes[0].entries[0].level = 1; }};
  std::set<std::string> texts = {verify::bytecode::subject_of(table)};
  for (const Change& change : changes) {
    ir::DecisionTable other = table;
    change(other.ingress);
    texts.insert(verify::bytecode::subject_of(other));
  }
  std::swap(table.ingress, table.egress);
  texts.insert(verify::bytecode::subject_of(table));
  CHECK(texts.size() == changes.size() + 2);
}

TEST_CASE("who the peers are and what rules are called is none of a proof's business") {
  ir::DecisionTable table, other;
  table.ingress.bits = {{"everyone", {}}, {"k8s:app in (a)", {300}}};
  other.ingress.bits = {{"everyone", {}}, {"k8s:app in (b)", {301, 302}}};
  table.ingress.rules = {{0, 0}};
  other.ingress.rules = {{7, 2}};
  CHECK(verify::bytecode::subject_of(table) == verify::bytecode::subject_of(other));
}
