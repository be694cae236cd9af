#include "verify/bytecode/execute.h"

#include <optional>

#include "verify/bytecode/flow_graph.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::size_t kMostTurns = 20'000;
constexpr std::size_t kMostSteps = 1'000'000;
constexpr std::uint8_t kRegisters = 11, kFrame = 10;
// BPF_FUNC_*; those that give the time and change nothing
constexpr std::int32_t kLookUp = 1, kJiffies = 118, kCoarseTime = 160;

class Executor {
 public:
  Executor(Machine& machine, const Function& function, const Contracts& contracts)
      : machine_(machine), bits_(machine.bits()), function_(function), contracts_(contracts) {}

  Run run(const std::vector<Value>& arguments) {
    Graphed graphed = flow_graph(function_.code);
    if (graphed.broken) throw NotModelled{"the code of " + function_.name + " leaves the function"};
    graph_ = std::move(graphed.graph);
    pending_.resize(graph_.first.size());
    State start{bits_.yes(), {}, {}};
    for (std::uint8_t r = 0; r < kRegisters; ++r) start.registers.push_back(machine_.any());
    for (std::size_t a = 0; a < arguments.size(); ++a) start.registers[a + 1] = arguments[a];
    start.registers[kFrame] = machine_.pointer(machine_.stack(), kStackBytes);
    pending_[0] = std::move(start);
    run_steps(graph_.order);
    return std::move(out_);
  }

 private:
  void run_steps(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      if (!step.loop) {
        run_block(step.block);
        continue;
      }
      for (std::size_t turn = 0;; ++turn) {
        if (turn > kMostTurns) refuse("a loop takes more than " + std::to_string(kMostTurns) + " turns");
        run_block(step.block);
        run_steps(step.body);
        if (!pending_[step.block]) break;
      }
    }
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw NotModelled{function_.name + ", instruction " + std::to_string(at_) + " (" + to_string(function_.code[at_]) + "): " + why};
  }

  // What chooses the first of two ways: where both came from one jump, its condition.
  z3::expr chooser(const z3::expr& a, const z3::expr& b) {
    if (a.is_and() && b.is_and() && a.num_args() == 2 && b.num_args() == 2 && z3::eq(a.arg(0), b.arg(0)) &&
        z3::eq(a.arg(1), bits_.negate(b.arg(1))))
      return a.arg(1);
    return a;
  }

  void arrive(std::size_t instruction, State state) {
    if (state.when.is_false()) return;
    std::optional<State>& there = pending_[graph_.block_at(instruction)];
    if (!there) {
      there = std::move(state);
      return;
    }
    const z3::expr first = chooser(state.when, there->when);
    for (std::uint8_t r = 0; r < kRegisters; ++r) there->registers[r] = machine_.merge(first, state.registers[r], there->registers[r]);
    there->stack = machine_.merge(first, state.stack, there->stack);
    there->when = bits_.one_of(state.when, there->when);
  }

  void run_block(std::size_t block) {
    if (!pending_[block]) return;
    State state = std::move(*pending_[block]);
    pending_[block].reset();
    const std::size_t end = block + 1 < graph_.first.size() ? graph_.first[block + 1] : function_.code.size();
    for (at_ = graph_.first[block]; at_ < end; ++at_) {
      if (function_.code[at_].second) continue;
      if (++out_.steps > kMostSteps) refuse("more than " + std::to_string(kMostSteps) + " steps");
      try {
        if (!step(state)) return;
      } catch (const NotModelled& problem) {
        if (problem.why.starts_with(function_.name + ", instruction")) throw;
        refuse(problem.why);
      }
    }
    arrive(end, std::move(state));
  }

  // False where the block has ended.
  bool step(State& state) {
    const Instruction& i = function_.code[at_];
    if (i.dst >= kRegisters || i.src >= kRegisters) refuse("there is no such register");
    switch (i.kind()) {
      case BPF_ALU:
      case BPF_ALU64: return arithmetic(state, i), true;
      case BPF_LD: return load_wide(state, i), true;
      case BPF_LDX:
        if ((i.code & 0xe0) != BPF_MEM) refuse("such a load is not modelled");
        return write(state, i.dst, machine_.load(state.stack, state.when, state.registers[i.src], i.off, size_of(i))), true;
      case BPF_ST:
      case BPF_STX: return store(state, i), true;
      default: return jump(state, i);
    }
  }

  static unsigned size_of(const Instruction& i) {
    static constexpr unsigned sizes[] = {4, 2, 1, 8};
    return sizes[(i.code & 0x18) >> 3];
  }
  void write(State& state, std::uint8_t to, Value value) {
    if (to >= kFrame) refuse("the frame pointer is written");
    state.registers[to] = std::move(value);
  }

  void load_wide(State& state, const Instruction& i) {
    if (!i.is_wide() || at_ + 1 >= function_.code.size() || !function_.code[at_ + 1].second || i.off != 0) refuse("such a load is not modelled");
    switch (i.refers.what) {
      case Refers::Map: return write(state, i.dst, machine_.map_address(i.refers.index));
      case Refers::Data: return write(state, i.dst, machine_.constant_address(i.refers));
      case Refers::Function:
      case Refers::Elsewhere: refuse("functions as values, and what another object defines, are not modelled");
      case Refers::Nothing:
        if (i.src != 0) refuse("such an address is not modelled");
        return write(state, i.dst, machine_.number(i.wide));
    }
  }

  void store(State& state, const Instruction& i) {
    const std::uint8_t mode = i.code & 0xe0;
    if (mode == BPF_ATOMIC && i.kind() == BPF_STX) return atomic(state, i);
    if (mode != BPF_MEM) refuse("such a store is not modelled");
    const Value value = i.kind() == BPF_STX ? state.registers[i.src] : machine_.number(static_cast<std::uint64_t>(std::int64_t{i.imm}));
    machine_.store(state.stack, state.when, state.registers[i.dst], i.off, size_of(i), value);
  }

  void atomic(State& state, const Instruction& i) {
    const std::int32_t operation = i.imm & ~BPF_FETCH;
    const bool known = operation == BPF_ADD || operation == BPF_OR || operation == BPF_AND || operation == BPF_XOR;
    if (!known || size_of(i) < 4) refuse("such an atomic operation is not modelled");
    const unsigned size = size_of(i);
    const Value before = machine_.load(state.stack, state.when, state.registers[i.dst], i.off, size);
    const Value& more = state.registers[i.src];
    const z3::expr after = calculate(static_cast<std::uint8_t>(operation), low(before, size * 8), low(more, size * 8));
    machine_.store(state.stack, state.when, state.registers[i.dst], i.off, size, {bits_.widen(after, 64)});
    if ((i.imm & BPF_FETCH) != 0) write(state, i.src, before);
  }

  void arithmetic(State& state, const Instruction& i) {
    const bool wide = i.kind() == BPF_ALU64;
    const std::uint8_t operation = i.code & 0xf0;
    if (i.off != 0) refuse("signed division and moves that extend a sign are not modelled");
    const Value& own = state.registers[i.dst];
    if (operation == BPF_END) return write(state, i.dst, swapped(own, i));
    if (operation == BPF_NEG) return write(state, i.dst, number(wide, [&](unsigned width) { return bits_.sub(bits_.number(0, width), low(own, width)); }));
    const Value other = (i.code & BPF_X) != 0 ? state.registers[i.src] : machine_.number(static_cast<std::uint64_t>(std::int64_t{i.imm}));
    if (wide && operation == BPF_MOV) return write(state, i.dst, other);
    if (wide && (operation == BPF_ADD || operation == BPF_SUB) && (!own.pointers.empty() || !other.pointers.empty()))
      return write(state, i.dst, moved(own, other, operation));
    if (operation == BPF_MOV) return write(state, i.dst, number(wide, [&](unsigned width) { return low(other, width); }));
    write(state, i.dst, number(wide, [&](unsigned width) { return calculate(operation, low(own, width), low(other, width)); }));
  }

  // The number in the lower bits of a register.
  z3::expr low(const Value& value, unsigned width) {
    if (!value.pointers.empty()) refuse("arithmetic on pointers is not modelled");
    return bits_.extract(value.bits, width - 1, 0);
  }
  template <typename Made>
  Value number(bool wide, const Made& made) {
    return {bits_.widen(made(wide ? 64 : 32), 64)};
  }

  Value moved(const Value& own, const Value& other, std::uint8_t operation) {
    const bool swap = own.pointers.empty() && operation == BPF_ADD;
    const Value &base = swap ? other : own, &distance = swap ? own : other;
    if (!distance.pointers.empty()) refuse("pointers are added or subtracted");
    Value out = base;
    const auto change = [&](const z3::expr& from) { return operation == BPF_ADD ? bits_.add(from, distance.bits) : bits_.sub(from, distance.bits); };
    out.bits = change(base.bits);
    for (Pointer& pointer : out.pointers) pointer.offset = change(pointer.offset);
    return out;
  }

  Value swapped(const Value& own, const Instruction& i) {
    if (i.imm != 16 && i.imm != 32 && i.imm != 64) refuse("such a width is not modelled");
    const z3::expr lower = low(own, static_cast<unsigned>(i.imm));
    const bool swaps = i.kind() == BPF_ALU64 || (i.code & BPF_X) != 0;  // bswap, or to big endian on a little one
    return {bits_.widen(swaps ? bits_.swap_bytes(lower) : lower, 64)};
  }

  z3::expr calculate(std::uint8_t operation, const z3::expr& a, const z3::expr& b) {
    switch (operation) {
      case BPF_ADD: return bits_.add(a, b);
      case BPF_SUB: return bits_.sub(a, b);
      case BPF_MUL: return bits_.mul(a, b);
      case BPF_DIV: return bits_.divide(a, b);
      case BPF_MOD: return bits_.modulo(a, b);
      case BPF_OR: return bits_.bit_or(a, b);
      case BPF_AND: return bits_.bit_and(a, b);
      case BPF_XOR: return bits_.bit_xor(a, b);
      case BPF_LSH: return bits_.shift_left(a, b);
      case BPF_RSH: return bits_.shift_right(a, b);
      case BPF_ARSH: return bits_.shift_right_signed(a, b);
      default: refuse("such an operation is not modelled");
    }
  }

  bool jump(State& state, const Instruction& i) {
    const std::size_t target = static_cast<std::size_t>(static_cast<std::int64_t>(at_) + 1 + i.off);
    const std::uint8_t operation = i.code & 0xf0;
    if (i.is_exit()) return leave(state), false;
    if (i.is_call()) return call(state, i), true;
    if (operation == BPF_JA) {
      if (i.kind() != BPF_JMP) refuse("such a jump is not modelled");
      arrive(target, std::move(state));
      return false;
    }
    const Value other = (i.code & BPF_X) != 0 ? state.registers[i.src] : machine_.number(static_cast<std::uint64_t>(std::int64_t{i.imm}));
    const z3::expr taken = compared(operation, i.kind() == BPF_JMP, state.registers[i.dst], other);
    State there = state;
    there.when = bits_.both(state.when, taken);
    state.when = bits_.both(state.when, bits_.negate(taken));
    if (operation == BPF_JEQ && is_null(other)) found_nothing(there.registers[i.dst]), found_it(state.registers[i.dst]);
    if (operation == BPF_JNE && is_null(other)) found_it(there.registers[i.dst]), found_nothing(state.registers[i.dst]);
    const std::size_t next = at_ + 1;
    arrive(target, std::move(there));
    arrive(next, std::move(state));
    return false;
  }

  static bool is_null(const Value& value) { return value.pointers.empty() && Bits::value(value.bits) == 0; }
  // No pointer is 0, and here the value is.
  void found_nothing(Value& value) {
    if (!value.pointers.empty()) value = machine_.number(0);
  }
  // Here it is not 0: if the only number that it could be is 0, it is the pointer.
  void found_it(Value& value) {
    if (value.pointers.size() == 1 && Bits::value(value.bits) == 0) value.pointers.front().when = bits_.yes();
  }

  z3::expr compared(std::uint8_t operation, bool wide, const Value& a, const Value& b) {
    if (!a.pointers.empty() || !b.pointers.empty()) {
      const bool plain = wide && is_null(b) && (operation == BPF_JEQ || operation == BPF_JNE);
      if (!plain) refuse("such a comparison of pointers is not modelled");
      z3::expr none = bits_.equal(a.bits, b.bits);
      for (const Pointer& pointer : a.pointers) none = bits_.both(none, bits_.negate(pointer.when));
      return operation == BPF_JEQ ? none : bits_.negate(none);
    }
    const unsigned width = wide ? 64 : 32;
    const z3::expr x = bits_.extract(a.bits, width - 1, 0), y = bits_.extract(b.bits, width - 1, 0);
    switch (operation) {
      case BPF_JEQ: return bits_.equal(x, y);
      case BPF_JNE: return bits_.negate(bits_.equal(x, y));
      case BPF_JGT: return bits_.below(y, x);
      case BPF_JGE: return bits_.at_most(y, x);
      case BPF_JLT: return bits_.below(x, y);
      case BPF_JLE: return bits_.at_most(x, y);
      case BPF_JSGT: return bits_.below_signed(y, x);
      case BPF_JSGE: return bits_.at_most_signed(y, x);
      case BPF_JSLT: return bits_.below_signed(x, y);
      case BPF_JSLE: return bits_.at_most_signed(x, y);
      case BPF_JSET: return bits_.negate(bits_.equal(bits_.bit_and(x, y), bits_.number(0, width)));
      default: refuse("such a jump is not modelled");
    }
  }

  void leave(const State& state) {
    const Value& result = state.registers[0];
    if (!result.pointers.empty()) refuse("a pointer is returned");
    out_.result = bits_.either(state.when, result.bits, out_.result);
    out_.returns = bits_.one_of(state.when, out_.returns);
  }

  void call(State& state, const Instruction& i) {
    Value result = machine_.any();
    if (i.src == 0) result = help(state, i.imm);
    else if (i.src == BPF_PSEUDO_CALL && i.refers.what == Refers::Function) ask(state, machine_.object().functions[i.refers.index].name, result.bits);
    else refuse("such a call is not modelled");
    for (std::uint8_t r = 1; r <= 5; ++r) state.registers[r] = machine_.any();
    state.registers[0] = result;
  }

  Value help(State& state, std::int32_t helper) {
    if (helper == kJiffies || helper == kCoarseTime) return machine_.any();
    if (helper != kLookUp) refuse("the helper " + std::to_string(helper) + " has no contract here");
    const Value &map = state.registers[1], &at = state.registers[2];
    if (map.pointers.size() != 1 || !map.pointers[0].when.is_true() || machine_.region(map.pointers[0].region).kind != Region::Kind::MapItself)
      refuse("which map is asked is not constant");
    const std::size_t index = machine_.region(map.pointers[0].region).index;
    const auto offset = at.pointers.size() == 1 && at.pointers[0].when.is_true() && at.pointers[0].region == machine_.stack()
                            ? Bits::value(at.pointers[0].offset)
                            : std::nullopt;
    const unsigned size = machine_.object().maps[index].key_size;
    if (!offset || size == 0 || *offset + size > kStackBytes) refuse("the key is not in a constant place of the stack");
    const Lookup found = machine_.look_up(index, machine_.bytes(state.stack, static_cast<int>(*offset), size));
    out_.asked.push_back({state.when, found});
    if (found.found.is_false()) return machine_.number(0);
    return {bits_.number(0, 64), {{found.found, found.region, bits_.number(0, 64)}}};
  }

  void ask(State& state, const std::string& callee, const z3::expr& result) {
    const auto contract = contracts_.find(callee);
    if (contract == contracts_.end()) refuse("the function " + callee + " has no contract here");
    Call call{state.when, callee, {}, state.stack, result};
    for (std::uint8_t r = 1; r <= 5; ++r) call.arguments.push_back(state.registers[r]);
    out_.calls.push_back(std::move(call));
    for (const unsigned argument : contract->second)
      for (const Pointer& pointer : state.registers[argument].pointers) {
        if (pointer.region == machine_.stack()) refuse("the function " + callee + " writes to the stack, which is not modelled");
        machine_.forget(pointer.region);
      }
  }

  Machine& machine_;
  Bits& bits_;
  const Function& function_;
  const Contracts& contracts_;
  FlowGraph graph_;
  std::vector<std::optional<State>> pending_;
  std::size_t at_ = 0;
  Run out_{bits_.number(0, 64), bits_.no(), {}, {}};
};

}  // namespace

Run execute(Machine& machine, const Function& function, const std::vector<Value>& arguments, const Contracts& contracts) {
  return Executor(machine, function, contracts).run(arguments);
}

}  // namespace netpolc::verify::bytecode
