// verify/bytecode/execute.h — runs a function on terms: each instruction once for all ways that lead to it, their states
// merged by if-then-else; loops turn by turn until no way leads back. Whoever includes this links Z3.
//
// Calls are by contract, or run as a part of their caller. Of helpers, a map look-up finds nothing or a value, times are any
// numbers, and bytes of the packet are the packet's. Other functions of the object return anything, and write nothing but
// what their contract names; each such call is on record. Whatever has no contract is NotModelled.
//
// Atomic operations on values of maps may find anything there: another processor may have been quicker.
#pragma once
#include <optional>
#include <set>

#include "verify/bytecode/machine.h"

namespace netpolc::verify::bytecode {

struct State {
  z3::expr when;  // the way here was taken
  std::vector<Value> registers;
  Stack stack;
  // Of ways that stay apart.
  std::vector<unsigned> words{};  // the numbers of their terms
};

// Of a function by contract, or of a helper whose answer a proof may speak of.
struct Call {
  z3::expr when;
  std::string callee;
  std::vector<Value> arguments;  // r1 to r5
  Stack stack;                   // as it was
  z3::expr result;               // 64 bits; of a pointer, 0 where there is none
  Stack after;                   // what the callee left there
  std::size_t stores = 0;        // how many the machine had seen
};
inline constexpr const char *kUpdate = "bpf_map_update_elem", *kReserve = "bpf_ringbuf_reserve", *kSubmit = "bpf_ringbuf_submit",
                            *kRoute = "bpf_fib_lookup", *kJiffies = "bpf_jiffies64", *kNow = "bpf_ktime_get_coarse_ns";
// A look-up that the program made: its key may be another's too.
struct Asked {
  z3::expr when;
  Lookup lookup;
  Stack stack;  // as it was
};

// A value of a map that was to be exchanged: for `next`, if it was `expected` (none: whatever it was).
struct Exchange {
  z3::expr when;
  Value address;
  std::int64_t distance = 0;
  std::optional<z3::expr> expected;
  z3::expr found, next;  // as wide as what is exchanged
};

// `when` it ends so, if it returns at all.
struct End {
  z3::expr when, result;  // r0, 64 bits
  Stack stack;
};
struct Run {
  z3::expr result;    // r0, 64 bits, wherever `returns`
  z3::expr returns;
  std::vector<Call> calls;
  std::vector<Asked> asked;
  std::vector<Exchange> exchanges;
  Stack stack{};  // what callers have there, as it is left
  std::vector<End> ends{};  // with `apart`: all of the above, each way of its own
  std::size_t steps = 0;  // instructions
};

// What an argument (1 to 5) points to is written by the callee; of the stack so many bytes from there on, of anything else
// all.
struct Written {
  unsigned argument = 0, bytes = 0, from = 0;
};
// Functions of the object that may be called, and what they write.
using Contracts = std::map<std::string, std::vector<Written>>;
struct Setting {
  Contracts contracts{};
  std::set<std::string> inlined{};  // run as a part of their caller
  std::optional<Stack> caller{};    // its frame is the machine's stack; the function has one of its own then
  // Words (of four bytes, by where they begin) of the caller's frame: ways on which they are not the same stay apart until the
  // function returns, see `Run::ends`. For what decides where everything else is.
  std::vector<int> apart{};
  // What bpf_loop does in this state, whose stack its turns may write to, and what it returns. None: it has no contract.
  std::function<Value(State&)> loop{};
};

// `arguments`: r1 and so on. Throws NotModelled.
Run execute(Machine& machine, const Function& function, const std::vector<Value>& arguments, const Setting& setting);

}  // namespace netpolc::verify::bytecode
