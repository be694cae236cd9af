// ir/decide/compiled_rule.h — a rule with its peers as conditions and its ports as filters:
// what is the same for every endpoint that it applies to.
#pragma once
#include <string>
#include <vector>

#include "ir/decide/conditions.h"

namespace netpolc::ir {

// Every protocol and port: protocol Any with `all`. Otherwise one protocol's numbers, or a name.
struct Filter {
  bool all = false;
  Protocol protocol = Protocol::Any;
  std::uint16_t first = 0, last = 65535;
  std::string name;
  auto operator<=>(const Filter&) const = default;
};
struct RuleFilter {
  Filter filter;
  const L7* l7 = nullptr;  // never null for a port rule; null for `all`
};

// Where a rule stands among all: the lower level is asked first (section 5.10).
struct Level {
  Tier tier = Tier::Normal;
  std::uint16_t priority = 0, order = 0;
  auto operator<=>(const Level&) const = default;
};

struct CompiledRule {
  RuleRef ref;
  Action action = Action::Allow;
  AuthMode auth = AuthMode::Unset;
  Level level;
  std::vector<ConditionId> peers;  // sorted, unique; none: the rule only counts for default deny
  std::vector<Selector> endpoint_selectors;  // peers that from/toRequires apply to
  std::vector<RuleFilter> filters;
  std::string text;  // canonical meaning, without requires; empty when nothing is matched
  std::uint32_t rank = 0;  // of the text among all texts
};

CompiledRule compile_rule(const Policy& policy, const Rule& rule, RuleRef ref, Conditions& conditions);

const char* protocol_name(Protocol protocol);
std::string l7_name(const L7& l7);

}  // namespace netpolc::ir
