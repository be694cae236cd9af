// verify/bytecode/helpers.h — what the kernel's helpers do, by contract (linux/bpf.h, bpf-helpers(7)). Whoever includes this
// links Z3.
#pragma once
#include "verify/bytecode/execute.h"

namespace netpolc::verify::bytecode {

class Helpers {
 public:
  // `refuse` throws NotModelled, and says where.
  Helpers(Machine& machine, Run& run, std::function<void(const std::string&)> refuse) : machine_(machine), bits_(machine.bits()), run_(run), refuse_(std::move(refuse)) {}

  // What the helper with this number returns to the program in this state, whose stack it may write to.
  Value help(State& state, std::int32_t helper);

 private:
  [[noreturn]] void refuse(const std::string& why) const;
  std::size_t map(const Value& value) const;
  // A constant place of the stack with so many bytes in its frame.
  int place(const Value& address, std::uint64_t bytes, const std::string& what) const;
  std::uint64_t constant(const Value& value, const std::string& what) const;
  Call& record(const State& state, const char* name);

  Value look_up(const State& state);
  Value update(State& state);
  Value load_bytes(State& state);
  Value route(State& state);
  Value reserve(State& state);
  Value submit(State& state);

  Machine& machine_;
  Bits& bits_;
  Run& run_;
  std::function<void(const std::string&)> refuse_;
};

}  // namespace netpolc::verify::bytecode
