// verify/bytecode/function_proof.h — what the proofs of the runtime's functions have in common: a machine and an inquiry of their
// own, words to say what must hold, and whom the maps name for an address. Whoever includes this links Z3.
#pragma once
#include <array>

#include "ir/map_layout.h"
#include "verify/bytecode/handed_over.h"
#include "verify/bytecode/inquiry.h"

namespace netpolc::verify::bytecode {

// `known`: it is not the world's for want of anything known.
struct Who {
  z3::expr identity, row, known;
};

class FunctionProof {
 protected:
  // `function`: of the object, whose name the part has. `at_once`: as Inquiry has it.
  FunctionProof(const Object& object, const std::string& function, Effort effort, Part& out, std::size_t at_once = 256);
  ~FunctionProof() = default;

  // Runs the function, to `run_`.
  void run(const std::vector<Value>& arguments, const Setting& setting);
  // Asks all of it: the part is refuted by what can be.
  void conclude();
  // So that programs with the same plan have the same proof.
  void reads_the_plan_alone() const;

  // ---- terms
  Value maybe(std::size_t region, const z3::expr& when) { return {bits_.number(0, 64), {{when, region, bits_.number(0, 64)}}}; }
  z3::expr is(const z3::expr& term, std::uint64_t value) { return bits_.equal(term, bits_.number(value, Bits::width(term))); }
  z3::expr has(const z3::expr& term, std::uint64_t flag) { return bits_.negate(is(bits_.bit_and(term, bits_.number(flag, Bits::width(term))), 0)); }
  z3::expr low(const z3::expr& term) { return bits_.extract(term, 31, 0); }
  z3::expr constant(bool value) { return context_.bool_val(value); }
  z3::expr symbol(const char* name, unsigned width) { return bits_.fresh(name, width); }
  z3::expr truth(const char* name) { return context_.bool_const(name); }
  // A region of words from the part of a structure that a name stands for.
  z3::expr at(std::size_t region, std::uint64_t offset, unsigned size) { return machine_.initial(region, offset, size); }

  // ---- what must hold
  // Both ways: `when` must be what `wanted` says.
  void exactly(const z3::expr& when, const z3::expr& wanted, const std::string& what) { inquiry_.never(when != wanted, what); }
  std::vector<const Call*> calls(const std::string& callee) const;
  // The result (its lower 32 bits) of a function that is called once at most, and when it is.
  struct Once {
    z3::expr when, result;
  };
  Once once(const std::string& callee);
  // Must point to the region's start.
  void points(const Call& call, std::size_t argument, std::size_t region, const std::string& what);
  void number_is(const Call& call, std::size_t argument, const z3::expr& wanted, const std::string& what);
  // Where a structure that is handed over lies on the stack.
  int structure(const Call& call, std::size_t argument);
  // `at`: in the stack as the call found it; `also`: only where this holds.
  void field_is(const Call& call, int at, unsigned size, const z3::expr& wanted, const z3::expr& also, const std::string& what);
  // Stores to maps that no `adds` has taken for its own must not be.
  void no_other_stores();
  // What is stored to this region is no such store: the proof speaks of its contents.
  void speaks_of(std::size_t region);
  void understand(std::size_t store) { understood_[store] = true; }

  // What is added to which counters of a map, and when.
  struct Sum {
    std::string map;
    std::optional<std::uint64_t> key;
    z3::expr when;
    std::vector<std::pair<std::uint64_t, z3::expr>> more;  // by offset
    std::string what;
  };
  void adds(const Sum& sum);
  // A packet and its bytes.
  std::vector<std::pair<std::uint64_t, z3::expr>> packet_and_bytes(std::size_t context);

  // ---- events
  // When a clock is read, and what it said, at the `at`-th of so many places; where it is read at more or fewer of them, never.
  struct Reading {
    z3::expr when, time;  // 64 bits
  };
  Reading reading(const char* clock, std::size_t at = 0, std::size_t places = 1);
  // What np_event says beside the time.
  struct Event {
    z3::expr program, ifindex, rule, identity, length;
    std::array<z3::expr, 2> source, destination;
    z3::expr source_port, destination_port, protocol, direction, family, reason, flags, tcp_flags;
  };
  // Where `goes` holds the reason's np_outcomes are asked whether there may be an event, and it is made and handed over, once and
  // with just these bytes; or counted, where there may be none or the ring has no room. `budget`: the region of np_outcomes, which
  // is nobody else's; its counters are the caller's.
  void tells(std::size_t budget, const z3::expr& goes, const Reading& jiffies, const Reading& now, const Event& event);
  z3::expr before(std::size_t region, std::uint64_t offset, unsigned size) { return at(region, offset, size); }
  z3::expr after(std::size_t region, std::uint64_t offset, unsigned size) { return machine_.contents(region, offset, size, machine_.stores().size(), bits_.yes()); }

  // ---- maps
  std::size_t map(const char* name) const;
  Lookup look_up(const char* name, const z3::expr& key, std::size_t value);
  // The same where the function asks the map at one place: what it finds there, which must be for this key.
  Lookup asked_for(const char* name, const z3::expr& key, std::size_t value);
  // Of np_config.
  const Lookup& configuration();
  z3::expr config(std::uint64_t offset, unsigned size = 4) { return machine_.initial(configuration().region, offset, size); }

  // ---- who an address is
  Who address_at(std::size_t region, std::uint64_t offset, bool known = true) {
    return {machine_.initial(region, offset, 4), machine_.initial(region, offset + 4, 4), constant(known)};
  }
  Who choose(const z3::expr& when, const Who& a, const Who& b) {
    return {z3::ite(when, a.identity, b.identity), z3::ite(when, a.row, b.row), z3::ite(when, a.known, b.known)};
  }
  Who world_of(const z3::expr& ipv4);
  // A key, byte by byte: the term that the bytes of the stack make.
  z3::expr in_bytes(const z3::expr& key);
  // Whom the maps name for an address: nearest table, hash, prefixes where they are asked, and the world's for what none
  // of them has.
  Who by_address(const z3::expr& low_half, const z3::expr& high_half, const z3::expr& ipv4, const z3::expr& prefixes);
  // The same, but for the nearest table, which has nothing that the hash has not.
  Who without_near(const z3::expr& low_half, const z3::expr& high_half, const z3::expr& ipv4, const z3::expr& prefixes);

  const Object& object_;
  std::string name_;
  z3::context context_;
  Bits bits_;
  Machine machine_;
  Inquiry inquiry_;
  std::optional<Run> run_;
  Part& out_;
  // That equal factors have equal products (Bits::abstract_products). Where both sides make the very same terms it need not be
  // said, and costs much.
  bool products_matter_ = true;
  // That look-ups of equal keys find the same.
  bool look_ups_matter_ = true;

 private:
  z3::expr may_tell(std::size_t budget, const z3::expr& goes, const Reading& jiffies, const Reading& now);
  void hands_over(const Call& call, const z3::expr& time, const Event& event);
  void is_the_map(const Call& call, const char* name);
  Who near(const z3::expr& four, const z3::expr& ipv4, const Who& otherwise);

  std::optional<Lookup> config_;
  std::vector<bool> understood_;  // stores
};

}  // namespace netpolc::verify::bytecode
