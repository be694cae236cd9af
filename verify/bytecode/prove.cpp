#include "verify/bytecode/prove.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "ir/map_layout.h"
#include "verify/bytecode/inquiry.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr const char* kOfThePolicy[] = {"np_policy_ingress", "np_policy_egress", "np_count_rule"};

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

// Of a function that calls others by contract, and reads no constants but the plan.
std::string all_that_decides(const Object& object, const std::string& name) {
  std::string out = name;
  if (const Function* function = object.function(name))
    for (const Instruction& one : function->code) out += "\n" + meaning(object, one) + (one.second ? " second" : "");
  for (const Map& map : object.maps)
    if (map.name != NP_MAP_PEERS_IN && map.name != NP_MAP_PEERS_OUT && map.name != NP_MAP_RULES)
      out += "\n" + map.name + " " + std::to_string(map.type) + " " + std::to_string(map.key_size) + " " + std::to_string(map.value_size);
  const auto plan = plan_of(object);
  return out + "\n" + (plan ? std::to_string(plan->ingress) + " " + std::to_string(plan->egress) : "no plan");
}

}  // namespace

std::optional<Plan> plan_of(const Object& object) {
  const std::string_view bytes = object.constant("np_plan");
  Plan out;
  if (bytes.size() != 2 * sizeof(std::uint32_t)) return std::nullopt;
  std::memcpy(&out.ingress, bytes.data(), sizeof out.ingress);
  std::memcpy(&out.egress, bytes.data() + sizeof out.ingress, sizeof out.egress);
  return out;
}

Part prove_constants(const Object& object, const ir::DecisionTable& table, bool of_node) {
  return part("constants", [&](Part& out) {
    const auto plan = plan_of(object);
    if (!plan) throw NotModelled{"the object has no constant np_plan"};
    const auto judge = [&](const char* direction, std::uint32_t has, const ir::DirectionTable& wanted) {
      const bool judged = wanted.enforcement != ir::Enforcement::None;
      if ((has & kPlanJudged) != (judged ? kPlanJudged : 0)) out.answer = Refuted{std::string(direction) + (judged ? " is not judged" : " is judged, though no policy says so"), std::nullopt};
      if ((has & kPlanNode) != (of_node ? kPlanNode : 0)) out.answer = Refuted{of_node ? "it is no node's program" : "it is a node's program", std::nullopt};
      if ((has & ~(kPlanJudged | kPlanPrefixes | kPlanNode)) != 0) throw NotModelled{"np_plan says what is not understood"};
    };
    judge("ingress", plan->ingress, table.ingress);
    judge("egress", plan->egress, table.egress);
  });
}

// Slots of np_rules: ir/map_layout.h.
Part prove_count_rule(const Object& object, const ir::DecisionTable& table, Effort effort) {
  return part("np_count_rule", [&](Part& out) {
    const Function* function = object.function("np_count_rule");
    const Map* map = object.map(NP_MAP_RULES);
    if (function == nullptr || map == nullptr) throw NotModelled{"the object has no such function, or no map " NP_MAP_RULES};
    const auto ingress = static_cast<std::uint32_t>(table.ingress.rules.size()), egress = static_cast<std::uint32_t>(table.egress.rules.size());
    if (map->type != BPF_MAP_TYPE_PERCPU_ARRAY || map->key_size != 4 || map->value_size != sizeof(np_counter) || map->max_entries != ingress + egress + 2) {
      out.answer = Refuted{"np_rules is not of " + std::to_string(ingress + egress + 2) + " counters", std::nullopt};
      return;
    }
    for (const std::uint32_t direction : {NP_INGRESS, NP_EGRESS}) {
      z3::context context;
      Bits bits(context);
      Machine machine(bits, object);
      Inquiry inquiry("np_count_rule", context, effort);
      const z3::expr rule = context.bv_const("rule", 32), bytes = context.bv_const("bytes", 32);
      const bool in = direction == NP_INGRESS;
      const z3::expr none = rule == context.bv_val(NP_NO_RULE, 32);
      inquiry.assume(none || z3::ult(rule, context.bv_val(in ? ingress : egress, 32)));
      const Run run = execute(machine, *function, {machine.number(direction), {bits.widen(rule, 64)}, {bits.widen(bytes, 64)}}, {});
      out.instructions += run.steps;
      const z3::expr slot = z3::ite(none, context.bv_val(ingress + egress + (in ? 0 : 1), 32), rule + context.bv_val(in ? 0 : ingress, 32));
      inquiry.no_faults(machine);
      inquiry.never(bits.negate(run.returns), "does not return");
      const bool once = run.asked.size() == 1 && object.maps[run.asked[0].lookup.map].name == NP_MAP_RULES && machine.stores().size() == 2;
      if (!once) throw NotModelled{"it does not look up one counter and write its two numbers"};
      const Lookup& lookup = run.asked[0].lookup;
      inquiry.never(!run.asked[0].when, "does not count");
      inquiry.never(lookup.key != slot, "counts for another rule");
      const z3::expr more[] = {context.bv_val(1, 64), z3::zext(bytes, 32)};
      for (const Store& store : machine.stores()) {
        const bool known = store.region == lookup.region && store.size == 8 && store.offset <= 8 && store.offset % 8 == 0;
        inquiry.never(known ? store.when != lookup.found : store.when, "writes something other than the counter");
        if (known) inquiry.never(store.when && store.value != machine.initial(lookup.region, store.offset, 8) + more[store.offset / 8], "counts wrong");
      }
      if (machine.stores()[0].offset == machine.stores()[1].offset) throw NotModelled{"it writes one number twice"};
      for (const z3::expr& fact : machine.facts()) inquiry.assume(fact);
      if (const auto found = inquiry.ask()) out.answer = Refuted{found->what, std::nullopt};
      out.steps += inquiry.steps();
    }
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
  out.parts.push_back(prove_count_rule(object, table, effort_));
  for (const ir::Direction direction : {ir::Direction::Ingress, ir::Direction::Egress}) {
    const std::string key = all_that_decides(object, direction == ir::Direction::Ingress ? "np_admit_in" : "np_admit_out");
    auto known = admitted_.find(key);
    if (known == admitted_.end()) known = admitted_.emplace(key, prove_admit(object, direction, effort_)).first;
    out.parts.push_back(known->second);
  }
  return out;
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
                       std::any_of(std::begin(kOfThePolicy), std::end(kOfThePolicy), [&](const char* name) { return function.name == name; });
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
