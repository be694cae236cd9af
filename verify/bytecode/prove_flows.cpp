// Conntrack's own functions. np_is_alive finds a flow where ir/map_layout.h says that it is kept.
#include "verify/bytecode/flow_spec.h"
#include "verify/bytecode/function_proof.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

class FlowProof : protected FunctionProof {
 public:
  FlowProof(const Object& object, const char* function, Effort effort, Part& out)
      : FunctionProof(object, function, effort, out), spec_(prepared(), configuration().region) {}

 protected:
  // The tick at which the function looked at the clock, once.
  z3::expr now() {
    const auto looked = calls(kJiffies);
    if (looked.size() != 1) throw NotModelled{"it does not look at the clock at one place"};
    const z3::expr shift = bits_.bit_and(config(offsetof(np_config, tick_shift)), bits_.number(63, 32));
    return low(bits_.shift_right(looked.front()->result, bits_.widen(shift, 64)));
  }

  FlowSpec spec_;

 private:
  Machine& prepared() {
    bits_.abstract_products();
    bits_.abstract_equality();
    return machine_;
  }
};

class AliveProof : FlowProof {
 public:
  AliveProof(const Object& object, Effort effort, Part& out)
      : FlowProof(object, "np_is_alive", effort, out), given_(truth("a key")), key_(machine_.give("the key", KeyAt::size)) {}

  void prove() {
    run({maybe(key_, given_)}, {});
    const FlowKey key = spec_.key_in_memory([&](std::uint64_t offset, unsigned size) { return at(key_, offset, size); });
    const FoundFlow found = spec_.find(key, now());
    inquiry_.assume(found.tagged);
    const z3::expr wanted = given_ && configuration().found && found.when;
    exactly(is(low(run_->result), 1), wanted, "finds a flow that is not there, or does not find one that is");
    exactly(is(low(run_->result), 0), !wanted, "says neither that there is such a flow nor that there is none");
    no_other_stores();
    conclude();
  }

 private:
  z3::expr given_;
  std::size_t key_;
};

}  // namespace

Part prove_is_alive(const Object& object, Effort effort) {
  return part("np_is_alive", [&](Part& out) { AliveProof(object, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
