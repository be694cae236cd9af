#include "verify/bytecode/helpers.h"

#include <cstdlib>

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint64_t kFault = ~std::uint64_t{0} - 13;  // -EFAULT
constexpr std::uint64_t kMostOffset = 0x7fffffff;         // of bpf_skb_load_bytes

}  // namespace

void Helpers::refuse(const std::string& why) const {
  refuse_(why);
  std::abort();
}

std::size_t Helpers::map(const Value& value) const {
  if (value.pointers.size() != 1 || !value.pointers[0].when.is_true() || machine_.region(value.pointers[0].region).kind != Region::Kind::MapItself)
    refuse("which map is meant is not constant");
  return machine_.region(value.pointers[0].region).index;
}

int Helpers::place(const Value& address, std::uint64_t bytes, const std::string& what) const {
  const bool one = address.pointers.size() == 1 && address.pointers[0].when.is_true() && machine_.is_stack(address.pointers[0].region);
  const auto offset = one ? Bits::value(address.pointers[0].offset) : std::nullopt;
  if (!offset || bytes == 0 || *offset > kStackBytes || bytes > kStackBytes - *offset) refuse(what + " is not in a constant place of the stack");
  return machine_.place(address.pointers[0].region, *offset);
}

std::uint64_t Helpers::constant(const Value& value, const std::string& what) const {
  const auto known = value.pointers.empty() ? Bits::value(value.bits) : std::nullopt;
  if (!known) refuse(what + " is not constant");
  return *known;
}

Call& Helpers::record(const State& state, const char* name) {
  Call call{state.when, name, {}, state.stack, bits_.fresh("result", 64), state.stack};
  for (std::uint8_t r = 1; r <= 5; ++r) call.arguments.push_back(state.registers[r]);
  call.stores = machine_.stores().size();
  run_.calls.push_back(std::move(call));
  return run_.calls.back();
}

Value Helpers::help(State& state, std::int32_t helper) {
  switch (helper) {
    case BPF_FUNC_map_lookup_elem: return look_up(state);
    case BPF_FUNC_map_update_elem: return update(state);
    case BPF_FUNC_skb_load_bytes: return load_bytes(state);
    case BPF_FUNC_fib_lookup: return route(state);
    case BPF_FUNC_ringbuf_reserve: return reserve(state);
    case BPF_FUNC_ringbuf_submit: return submit(state);
    case BPF_FUNC_jiffies64: return {record(state, kJiffies).result};
    case BPF_FUNC_ktime_get_coarse_ns: return {record(state, kNow).result};
    default: refuse("the helper " + std::to_string(helper) + " has no contract here");
  }
}

Value Helpers::look_up(const State& state) {
  const std::size_t index = map(state.registers[1]);
  const unsigned size = machine_.object().maps[index].key_size;
  machine_.asks(index, state.when);
  const Lookup found = machine_.look_up(index, machine_.bytes(state.stack, place(state.registers[2], size, "the key"), size));
  run_.asked.push_back({state.when, found, state.stack});
  if (found.found.is_false()) return machine_.number(0);
  return {bits_.number(0, 64), {{found.found, found.region, bits_.number(0, 64)}}};
}

Value Helpers::update(State& state) {
  const std::size_t index = map(state.registers[1]);
  place(state.registers[2], machine_.object().maps[index].key_size, "the key");
  place(state.registers[3], machine_.object().maps[index].value_size, "the value");
  machine_.adds(index, state.when);
  return {record(state, kUpdate).result};
}

// All of the bytes, or none of them and zeros, which bytes that are not there may be.
Value Helpers::load_bytes(State& state) {
  const std::uint64_t size = constant(state.registers[4], "how many bytes are read");
  const int to = place(state.registers[3], size, "where bytes are read to");
  if (!state.registers[2].pointers.empty()) refuse("a pointer is taken for an offset into the packet");
  const z3::expr offset = bits_.extract(state.registers[2].bits, 31, 0), wide = bits_.widen(offset, 64);
  const z3::expr there = bits_.both(bits_.at_most(wide, bits_.number(kMostOffset, 64)),
                                    bits_.at_most(bits_.add(wide, bits_.number(size, 64)), bits_.widen(machine_.packet_length(), 64)));
  for (std::uint64_t i = 0; i < size; ++i) {
    machine_.overwrite(state.stack, to + static_cast<int>(i), 1, Value{machine_.packet_bytes(bits_.add(offset, bits_.number(i, 32)), 1)});
  }
  return {bits_.either(there, bits_.number(0, 64), bits_.number(kFault, 64))};
}

Value Helpers::route(State& state) {
  const std::uint64_t size = constant(state.registers[3], "the size of what is asked");
  const int at = place(state.registers[2], size, "what is asked");
  Call& call = record(state, kRoute);
  for (std::uint64_t i = 0; i < size; i += 4) machine_.overwrite(state.stack, at + static_cast<int>(i), static_cast<unsigned>(std::min<std::uint64_t>(4, size - i)));
  call.after = state.stack;
  return {call.result};
}

// Room for an event, or none.
Value Helpers::reserve(State& state) {
  map(state.registers[1]);
  const std::size_t room = machine_.give("the event", constant(state.registers[2], "the size of an event"));
  const z3::expr there = z3::expr(bits_.context(), Z3_mk_fresh_const(bits_.context(), "room for an event", bits_.context().bool_sort()));
  record(state, kReserve).result = bits_.either(there, bits_.number(1, 64), bits_.number(0, 64));
  return {bits_.number(0, 64), {{there, room, bits_.number(0, 64)}}};
}

Value Helpers::submit(State& state) { return {record(state, kSubmit).result}; }

}  // namespace netpolc::verify::bytecode
