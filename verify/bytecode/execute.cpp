#include "verify/bytecode/execute.h"

#include <algorithm>
#include <iterator>

#include "verify/bytecode/flow_graph.h"
#include "verify/bytecode/helpers.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::size_t kMostTurns = 20'000;
constexpr std::size_t kMostSteps = 1'000'000;
constexpr std::uint8_t kRegisters = 11, kFrame = 10;
constexpr std::size_t kMostFrames = 8;

class Executor {
 public:
  Executor(Machine& machine, const Function& function, const Setting& setting, std::size_t frame)
      : machine_(machine), bits_(machine.bits()), function_(function), setting_(setting), frame_(frame) {
    if (frame > kMostFrames) throw NotModelled{"functions call each other more than " + std::to_string(kMostFrames) + " deep"};
  }

  // `when`: it is called at all.
  Run run(const std::vector<Value>& arguments, const z3::expr& when, Stack stack) {
    Graphed graphed = flow_graph(function_.code);
    if (graphed.broken) throw NotModelled{"the code of " + function_.name + " leaves the function"};
    graph_ = std::move(graphed.graph);
    pending_.resize(graph_.first.size());
    State start{when, {}, std::move(stack)};
    for (std::uint8_t r = 0; r < kRegisters; ++r) start.registers.push_back(machine_.any());
    for (std::size_t a = 0; a < arguments.size(); ++a) start.registers[a + 1] = arguments[a];
    start.registers[kFrame] = machine_.pointer(machine_.frame(frame_), kStackBytes);
    pending_[0].emplace(std::vector<unsigned>{}, std::move(start));
    run_steps(graph_.order);
    for (auto& [words, state] : left_apart_) {
      const auto left = left_to_others_.find(words);
      const z3::expr stayed = left == left_to_others_.end() ? bits_.yes() : bits_.negate(left->second);
      out_.ends.push_back({bits_.both(entered_.at(words), stayed), state.registers[0].bits, std::move(state.stack)});
    }
    if (left_) {
      out_.result = left_->registers[0].bits;
      out_.returns = left_->when;
      out_.stack = std::move(left_->stack);
    }
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
        if (pending_[step.block].empty()) break;
      }
    }
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw NotModelled{function_.name + ", instruction " + std::to_string(at_) + " (" + to_string(function_.code[at_]) + "): " + why};
  }

  void arrive(std::size_t instruction, State state) {
    if (state.when.is_false()) return;
    const std::size_t block = graph_.block_at(instruction);
    tell_apart(state);
    const auto [there, fresh] = pending_[block].try_emplace(state.words, state);
    if (!fresh) merge(there->second, state, kRegisters);
  }
  void tell_apart(State& state) {
    std::vector<unsigned> words;
    for (const int place : setting_.apart) {
      kept_.push_back(machine_.bytes(state.stack, place, 4));
      words.push_back(kept_.back().id());
    }
    if (words == state.words) return;
    const auto add = [&](std::map<std::vector<unsigned>, z3::expr>& to, const std::vector<unsigned>& key) {
      const auto [there, fresh] = to.try_emplace(key, state.when);
      if (!fresh) there->second = bits_.one_of(there->second, state.when);
    };
    add(left_to_others_, state.words);
    add(entered_, words);
    state.words = std::move(words);
  }
  void merge(State& there, const State& state, std::uint8_t registers) {
    const z3::expr first = bits_.chooser(state.when, there.when);
    for (std::uint8_t r = 0; r < registers; ++r) there.registers[r] = machine_.merge(first, state.registers[r], there.registers[r]);
    there.stack = machine_.merge(first, state.stack, there.stack);
    there.when = bits_.one_of(state.when, there.when);
    if (machine_.names_merges()) there.when = bits_.with_named_alternatives(there.when);
  }

  void run_block(std::size_t block) {
    std::map<std::vector<unsigned>, State> states;
    states.swap(pending_[block]);
    for (auto& [words, state] : states) run_block(block, std::move(state));
  }
  void run_block(std::size_t block, State state) {
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
      case Refers::Function: return write(state, i.dst, machine_.function_address(i.refers.index));
      case Refers::Elsewhere: refuse("what another object defines is not modelled");
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
    if (size_of(i) >= 4 && (i.imm == BPF_XCHG || i.imm == BPF_CMPXCHG)) return exchange(state, i);
    if (!known || size_of(i) < 4) refuse("such an atomic operation is not modelled");
    const unsigned size = size_of(i);
    const Value before = machine_.load(state.stack, state.when, state.registers[i.dst], i.off, size);
    const Value& more = state.registers[i.src];
    const z3::expr after = calculate(static_cast<std::uint8_t>(operation), low(before, size * 8), low(more, size * 8));
    machine_.store(state.stack, state.when, state.registers[i.dst], i.off, size, {bits_.widen(after, 64)});
    if ((i.imm & BPF_FETCH) != 0) write(state, i.src, before);
  }

  // Between what was read and this another processor may have written: anything may be found.
  void exchange(State& state, const Instruction& i) {
    const unsigned size = size_of(i), width = size * 8;
    const bool compares = i.imm == BPF_CMPXCHG;
    const Value& address = state.registers[i.dst];
    machine_.load(state.stack, state.when, address, i.off, size);  // must be within
    if (std::any_of(address.pointers.begin(), address.pointers.end(), [&](const Pointer& p) { return machine_.is_stack(p.region); })) refuse("an exchange on the stack is not modelled");
    Exchange one{state.when, address, i.off, std::nullopt, bits_.fresh("found", width), low(state.registers[i.src], width)};
    if (compares) one.expected = low(state.registers[0], width);
    const z3::expr done = compares ? bits_.both(state.when, bits_.equal(one.found, *one.expected)) : state.when;
    machine_.store(state.stack, done, address, i.off, size, {bits_.widen(one.next, 64)});
    write(state, compares ? std::uint8_t{0} : i.src, {bits_.widen(one.found, 64)});
    out_.exchanges.push_back(std::move(one));
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
    if (!wide && (operation == BPF_MOV || operation == BPF_SUB) && (!own.pointers.empty() || !other.pointers.empty())) {
      const z3::expr number = machine_.lower_half(other);
      return write(state, i.dst, {bits_.widen(operation == BPF_MOV ? number : bits_.sub(machine_.lower_half(own), number), 64)});
    }
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
      if (!plain) return compared_within(operation, wide, a, b);
      z3::expr none = bits_.equal(a.bits, b.bits);
      for (const Pointer& pointer : a.pointers) none = bits_.both(none, bits_.negate(pointer.when));
      return operation == BPF_JEQ ? none : bits_.negate(none);
    }
    const unsigned width = wide ? 64 : 32;
    return compared_numbers(operation, bits_.extract(a.bits, width - 1, 0), bits_.extract(b.bits, width - 1, 0));
  }

  z3::expr compared_numbers(std::uint8_t operation, const z3::expr& x, const z3::expr& y) {
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
      case BPF_JSET: return bits_.negate(bits_.equal(bits_.bit_and(x, y), bits_.number(0, Bits::width(x))));
      default: refuse("such a jump is not modelled");
    }
  }

  // Two places of one region: which is first? No region is so large that it goes round.
  z3::expr compared_within(std::uint8_t operation, bool wide, const Value& a, const Value& b) {
    const bool one_each = a.pointers.size() == 1 && b.pointers.size() == 1 && a.pointers[0].region == b.pointers[0].region;
    if (!wide || !one_each || !a.pointers[0].when.is_true() || !b.pointers[0].when.is_true()) refuse("such a comparison of pointers is not modelled");
    const z3::expr &x = a.pointers[0].offset, &y = b.pointers[0].offset;
    constexpr std::uint64_t most = std::uint64_t{1} << 32;
    if (bits_.range(x).high > most || bits_.range(y).high > most) refuse("a pointer that is compared may be far outside");
    const bool ordered = operation == BPF_JEQ || operation == BPF_JNE || operation == BPF_JGT || operation == BPF_JGE || operation == BPF_JLT || operation == BPF_JLE;
    if (!ordered) refuse("such a comparison of pointers is not modelled");
    return compared_numbers(operation, x, y);
  }

  void leave(State state) {
    if (!state.registers[0].pointers.empty()) refuse("a pointer is returned");
    state.stack.erase(state.stack.lower_bound(static_cast<int>(frame_) * kStackBytes), state.stack.end());
    if (!setting_.apart.empty()) {
      tell_apart(state);
      const auto [there, fresh] = left_apart_.try_emplace(state.words, state);
      if (!fresh) merge(there->second, state, 1);
    }
    if (!left_) left_ = std::move(state);
    else merge(*left_, state, 1);
  }

  void call(State& state, const Instruction& i) {
    Value result = machine_.any();
    if (i.src == 0 && i.imm == BPF_FUNC_loop && setting_.loop) {
      result = setting_.loop(state);
    } else if (i.src == 0) {
      result = Helpers(machine_, out_, [&](const std::string& why) { refuse(why); }).help(state, i.imm);
    } else if (i.src == BPF_PSEUDO_CALL && i.refers.what == Refers::Function) {
      const Function& callee = machine_.object().functions[i.refers.index];
      if (setting_.inlined.contains(callee.name)) result = run_inlined(state, callee);
      else ask(state, callee.name, result.bits);
    } else {
      refuse("such a call is not modelled");
    }
    for (std::uint8_t r = 1; r <= 5; ++r) state.registers[r] = machine_.any();
    state.registers[0] = result;
  }

  // Its ways end where they began, merged.
  Value run_inlined(State& state, const Function& callee) {
    Run inner = Executor(machine_, callee, setting_, frame_ + 1).run({state.registers.begin() + 1, state.registers.begin() + 6}, state.when, std::move(state.stack));
    const auto append = [](auto& to, auto& from) { to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end())); };
    append(out_.calls, inner.calls);
    append(out_.asked, inner.asked);
    append(out_.exchanges, inner.exchanges);
    out_.steps += inner.steps;
    state.when = inner.returns;
    state.stack = std::move(inner.stack);
    return {inner.result};
  }

  void ask(State& state, const std::string& callee, const z3::expr& result) {
    const auto contract = setting_.contracts.find(callee);
    if (contract == setting_.contracts.end()) refuse("the function " + callee + " has no contract here");
    Call call{state.when, callee, {}, state.stack, result, {}, machine_.stores().size()};
    for (std::uint8_t r = 1; r <= 5; ++r) call.arguments.push_back(state.registers[r]);
    for (const Written& written : contract->second)
      for (const Pointer& pointer : state.registers[written.argument].pointers) {
        if (!machine_.is_stack(pointer.region)) {
          machine_.forget(pointer.region, bits_.both(state.when, pointer.when));
          continue;
        }
        const auto offset = Bits::value(pointer.offset);
        if (!offset || !pointer.when.is_true() || *offset + written.from + written.bytes > kStackBytes) refuse("where the function " + callee + " writes is not constant");
        for (unsigned byte = 0; byte < written.bytes; byte += 8)
          machine_.overwrite(state.stack, machine_.place(pointer.region, *offset + written.from + byte), std::min(8u, written.bytes - byte));
      }
    call.after = state.stack;
    out_.calls.push_back(std::move(call));
  }

  Machine& machine_;
  Bits& bits_;
  const Function& function_;
  const Setting& setting_;
  std::size_t frame_;
  FlowGraph graph_;
  std::vector<std::map<std::vector<unsigned>, State>> pending_;  // by block, and by the words that keep ways apart
  std::map<std::vector<unsigned>, z3::expr> entered_, left_to_others_;  // when their words became those, and when others
  std::vector<z3::expr> kept_;
  std::size_t at_ = 0;
  std::optional<State> left_;
  std::map<std::vector<unsigned>, State> left_apart_;
  Run out_{bits_.number(0, 64), bits_.no(), {}, {}, {}};
};

}  // namespace

Run execute(Machine& machine, const Function& function, const std::vector<Value>& arguments, const Setting& setting) {
  return Executor(machine, function, setting, setting.caller ? 1 : 0).run(arguments, machine.bits().yes(), setting.caller.value_or(Stack{}));
}

}  // namespace netpolc::verify::bytecode
