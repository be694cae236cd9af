#include "verify/bytecode/prove.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "ir/map_layout.h"
#include "verify/bytecode/inquiry.h"
#include "verify/bytecode/prefixes.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr const char* kOfThePolicy[] = {"np_policy_ingress", "np_policy_egress"};

// An instruction with what it refers to by name, which does not depend on where a linker has put it.
std::string meaning(const Object& object, const Instruction& one) {
  std::string out = std::to_string(one.code) + " " + std::to_string(one.dst) + " " + std::to_string(one.src) + " " + std::to_string(one.off) + " ";
  switch (one.refers.what) {
    case Refers::Nothing: return out + (one.is_wide() ? std::to_string(one.wide) : std::to_string(one.imm));
    case Refers::Map: return out + "map " + object.maps[one.refers.index].name;
    case Refers::Function: return out + object.functions[one.refers.index].name;
    case Refers::Elsewhere: return out + object.elsewhere[one.refers.index];
    case Refers::Data: break;
  }
  for (const Object::Constant& constant : object.constants)
    if (constant.data == one.refers.index && one.refers.offset >= static_cast<std::int64_t>(constant.offset) &&
        one.refers.offset < static_cast<std::int64_t>(constant.offset + constant.size)) {
      const auto within = static_cast<std::size_t>(one.refers.offset) - constant.offset;
      return out + constant.name + (within == 0 ? "" : " + " + std::to_string(within));
    }
  return out + object.data[one.refers.index].section + " + " + std::to_string(one.refers.offset);
}

bool same(const Object& a, const Function& one, const Object& b, const Function& other) {
  return one.code.size() == other.code.size() && std::equal(one.code.begin(), one.code.end(), other.code.begin(), [&](const auto& x, const auto& y) {
           return x.second == y.second && meaning(a, x) == meaning(b, y);
         });
}

// Of a function whose proof reads no constants but the plan.
std::string all_that_decides(const Object& object, const std::string& name) {
  std::string out = name;
  if (const Function* function = object.function(name))
    for (const Instruction& one : function->code) out += "\n" + meaning(object, one) + (one.second ? " second" : "");
  for (const Map& map : object.maps)
    if (map.name != NP_MAP_PEERS_IN && map.name != NP_MAP_PEERS_OUT)
      out += "\n" + map.name + " " + std::to_string(map.type) + " " + std::to_string(map.key_size) + " " + std::to_string(map.value_size);
  const auto plan = plan_of(object);
  return out + "\n" + (plan ? std::to_string(plan->ingress) + " " + std::to_string(plan->egress) : "no plan");
}

}  // namespace

Part prove_constants(const Object& object, const ir::DecisionTable& table, bool of_node) {
  return part("constants", [&](Part& out) {
    const auto plan = plan_of(object);
    if (!plan) throw NotModelled{"the object has no constant np_plan"};
    const auto judge = [&](const char* direction, std::uint32_t has, const ir::DirectionTable& wanted) {
      const bool judged = wanted.enforcement != ir::Enforcement::None;
      if ((has & kPlanJudged) != (judged ? kPlanJudged : 0)) out.answer = Refuted{std::string(direction) + (judged ? " is not judged" : " is judged, though no policy says so"), std::nullopt};
      if ((has & kPlanPrefixes) == 0 && needs_prefixes(wanted)) out.answer = Refuted{std::string(direction) + " doesn't ask for prefixes, on which its peers depend", std::nullopt};
      if ((has & kPlanNode) != (of_node ? kPlanNode : 0)) out.answer = Refuted{of_node ? "it is no node's program" : "it is a node's program", std::nullopt};
      if ((has & ~(kPlanJudged | kPlanPrefixes | kPlanNode)) != 0) throw NotModelled{"np_plan says what is not understood"};
    };
    const auto counters = object.constant(NP_CONSTANT_COUNTERS);
    const Map* map = object.map(NP_MAP_RULES);
    const auto ingress = static_cast<std::uint32_t>(table.ingress.rules.size()), egress = static_cast<std::uint32_t>(table.egress.rules.size());
    const np_counters wanted{ingress, ingress + egress};
    if (map == nullptr || map->type != BPF_MAP_TYPE_PERCPU_ARRAY || map->key_size != 4 || map->value_size != sizeof(np_counter))
      throw NotModelled{"the object has no map " NP_MAP_RULES " of counters"};
    if (counters.size() != sizeof wanted || std::memcmp(counters.data(), &wanted, sizeof wanted) != 0)
      out.answer = Refuted{"its counters are not those of " + std::to_string(ingress) + " rules at ingress and " + std::to_string(egress) + " at egress", std::nullopt};
    judge("ingress", plan->ingress, table.ingress);
    judge("egress", plan->egress, table.egress);
  });
}

bool ProgramProof::proved() const {
  return std::all_of(parts.begin(), parts.end(), [](const Part& p) { return std::holds_alternative<Proved>(p.answer); });
}
bool ProgramProof::refuted() const {
  return std::any_of(parts.begin(), parts.end(), [](const Part& p) { return std::holds_alternative<Refuted>(p.answer); });
}

ProgramProof Prover::prove(const Object& object, const ir::DecisionTable& table, bool of_node) {
  ProgramProof out;
  out.parts.push_back(prove_constants(object, table, of_node));
  out.parts.push_back(prove_policy(object, table.ingress, ir::Direction::Ingress, effort_));
  out.parts.push_back(prove_policy(object, table.egress, ir::Direction::Egress, effort_));
  for (const RuntimePart& one : runtime_parts()) {
    if (one.shared && !effort_.whole_runtime) continue;
    std::string key = all_that_decides(object, one.function);
    for (const char* inlined : one.with) key += "\n" + all_that_decides(object, inlined);
    auto known = shared_.find(key);
    if (known == shared_.end()) known = shared_.emplace(key, one.prove(object, effort_)).first;
    out.parts.push_back(known->second);
  }
  return out;
}

// Does the function have the address of the other one, for the kernel's loop to call it?
bool hands_over(const Object& object, const char* name, const Function& other) {
  const Function* function = object.function(name);
  return function != nullptr && std::any_of(function->code.begin(), function->code.end(), [&](const Instruction& one) {
           return one.is_wide() && one.refers.what == Refers::Function && &object.functions[one.refers.index] == &other;
         });
}

std::vector<std::string> strangers(const Object& object, const Object& runtime) {
  std::vector<std::string> out;
  for (const Function& function : runtime.functions) {
    const Function* own = object.function(function.name);
    if (own == nullptr) out.push_back(function.name + " is missing");
    else if (!same(object, *own, runtime, function)) out.push_back(function.name + " is not the runtime's");
  }
  for (const Function& function : object.functions) {
    const bool known = runtime.function(function.name) != nullptr ||
                       std::any_of(std::begin(kOfThePolicy), std::end(kOfThePolicy), [&](const char* name) { return function.name == name || hands_over(object, name, function); });
    if (!known) out.push_back(function.name + " is nobody's");
  }
  return out;
}

std::string to_string(const AskedFlow& flow) {
  std::string out = "protocol " + std::to_string(flow.protocol) + ", port or type " + std::to_string(flow.number) + ", identity " + std::to_string(flow.identity) + ", ";
  out += flow.row_known ? "row" : "no row";
  for (std::size_t w = 0; flow.row_known && w < flow.row.size(); ++w) {
    char text[24];
    std::snprintf(text, sizeof text, " 0x%llx", static_cast<unsigned long long>(flow.row[w]));
    out += text;
  }
  const auto verdict = [](std::uint32_t v) {
    return "reason " + std::to_string(v >> 24) + ((v & NP_NO_RULE) == NP_NO_RULE ? ", no rule" : ", rule " + std::to_string(v & NP_NO_RULE));
  };
  return out + ": the table says " + verdict(flow.expected) + ", the program " + verdict(flow.got);
}

}  // namespace netpolc::verify::bytecode
