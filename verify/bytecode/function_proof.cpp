#include "verify/bytecode/function_proof.h"

#include <algorithm>
#include <cstddef>
#include <set>

namespace netpolc::verify::bytecode {

FunctionProof::FunctionProof(const Object& object, const std::string& function, Effort effort, Part& out, std::size_t at_once)
    : object_(object), name_(function), bits_(context_), machine_(bits_, object), inquiry_(name_, context_, effort, at_once), out_(out) {}

void FunctionProof::run(const std::vector<Value>& arguments, const Setting& setting) {
  const Function* function = object_.function(name_);
  if (function == nullptr) throw NotModelled{"the object has no such function"};
  run_ = execute(machine_, *function, arguments, setting);
  out_.instructions += run_->steps;
  understood_.assign(machine_.stores().size(), false);
}

void FunctionProof::conclude() {
  inquiry_.never(!run_->returns, "does not return");
  inquiry_.no_faults(machine_);
  if (look_ups_matter_)
    for (const z3::expr& fact : machine_.facts()) inquiry_.assume(fact);
  for (const Bits::Name& name : bits_.names()) inquiry_.define(name.symbol, name.fact);
  if (products_matter_)
    for (const z3::expr& fact : bits_.facts()) inquiry_.assume(fact);
  const auto found = inquiry_.ask();
  if (found) out_.answer = Refuted{found->what, std::nullopt};
  out_.steps += inquiry_.steps();
}

void FunctionProof::reads_the_plan_alone() const {
  const auto plan = std::find_if(object_.constants.begin(), object_.constants.end(), [](const auto& c) { return c.name == "np_plan"; });
  for (const Machine::Read& read : machine_.constants_read())
    if (plan == object_.constants.end() || read.data != plan->data || read.from < plan->offset || read.to > plan->offset + plan->size)
      throw NotModelled{"it reads constants other than np_plan"};
}

std::vector<const Call*> FunctionProof::calls(const std::string& callee) const {
  std::vector<const Call*> out;
  for (const Call& call : run_->calls)
    if (call.callee == callee) out.push_back(&call);
  return out;
}

FunctionProof::Once FunctionProof::once(const std::string& callee) {
  Once out{bits_.no(), bits_.number(0, 32)};
  for (const Call* call : calls(callee)) {
    inquiry_.never(bits_.both(out.when, call->when), "calls " + callee + " twice");
    out.result = bits_.either(call->when, low(call->result), out.result);
    out.when = bits_.one_of(out.when, call->when);
  }
  return out;
}

void FunctionProof::points(const Call& call, std::size_t argument, std::size_t region, const std::string& what) {
  z3::expr right = bits_.no();
  for (const Pointer& p : call.arguments[argument - 1].pointers)
    if (p.region == region) right = bits_.one_of(right, bits_.both(p.when, is(p.offset, 0)));
  inquiry_.never(bits_.both(call.when, bits_.negate(right)), call.callee + " is called with another " + what);
}

void FunctionProof::number_is(const Call& call, std::size_t argument, const z3::expr& wanted, const std::string& what) {
  const Value& value = call.arguments[argument - 1];
  if (!value.pointers.empty()) throw NotModelled{call.callee + " gets a pointer for " + what};
  inquiry_.never(bits_.both(call.when, low(value.bits) != wanted), call.callee + " is called with another " + what);
}

int FunctionProof::structure(const Call& call, std::size_t argument) {
  const Value& value = call.arguments[argument - 1];
  const bool plain = value.pointers.size() == 1 && value.pointers[0].when.is_true() && machine_.is_stack(value.pointers[0].region) &&
                     Bits::value(value.pointers[0].offset);
  if (!plain) throw NotModelled{call.callee + " is called with a structure that is not in a constant place of the stack"};
  return machine_.place(value.pointers[0].region, *Bits::value(value.pointers[0].offset));
}

void FunctionProof::field_is(const Call& call, int at, unsigned size, const z3::expr& wanted, const z3::expr& also, const std::string& what) {
  const z3::expr has = machine_.bytes(call.stack, at, size);
  inquiry_.never(bits_.both(bits_.both(call.when, also), has != wanted), call.callee + " is told another " + what);
}

void FunctionProof::adds(const Sum& sum) {
  z3::expr asked = bits_.no(), found = bits_.no();
  std::set<std::size_t> regions;
  for (const Asked& one : run_->asked) {
    if (object_.maps[one.lookup.map].name != sum.map || (sum.key && Bits::value(one.lookup.key) != sum.key)) continue;
    asked = asked || one.when;
    found = found || (one.when && one.lookup.found);
    regions.insert(one.lookup.region);
  }
  inquiry_.never(sum.when && !asked, "does not count " + sum.what);
  for (const auto& [offset, more] : sum.more) {
    z3::expr done = bits_.no();
    for (std::size_t s = 0; s < understood_.size(); ++s) {
      const Store& store = machine_.stores()[s];
      if (!regions.contains(store.region) || store.offset != offset || store.size != 8) continue;
      inquiry_.never(understood_[s] ? bits_.yes() : bits_.both(done, store.when), "counts " + sum.what + " twice");
      understood_[s] = true;
      inquiry_.never(store.when && store.value != machine_.initial(store.region, offset, 8) + more, "counts " + sum.what + " wrong");
      done = bits_.one_of(done, store.when);
    }
    exactly(done, sum.when && found, "counts " + sum.what + " at the wrong time");
  }
}

std::vector<std::pair<std::uint64_t, z3::expr>> FunctionProof::packet_and_bytes(std::size_t context) {
  return {{offsetof(np_counter, packets), bits_.number(1, 64)}, {offsetof(np_counter, bytes), bits_.widen(at(context, ContextAt::length, 4), 64)}};
}

void FunctionProof::no_other_stores() {
  for (std::size_t s = 0; s < understood_.size(); ++s)
    if (!understood_[s]) inquiry_.never(machine_.stores()[s].when, "writes to " + machine_.region(machine_.stores()[s].region).name);
}

void FunctionProof::speaks_of(std::size_t region) {
  for (std::size_t s = 0; s < understood_.size(); ++s)
    if (machine_.stores()[s].region == region) understood_[s] = true;
}

std::size_t FunctionProof::map(const char* name) const {
  const auto at = std::find_if(object_.maps.begin(), object_.maps.end(), [&](const Map& m) { return m.name == name; });
  if (at == object_.maps.end()) throw NotModelled{"the object has no map " + std::string(name)};
  return static_cast<std::size_t>(at - object_.maps.begin());
}

Lookup FunctionProof::look_up(const char* name, const z3::expr& key, std::size_t value) {
  const Map& m = object_.maps[map(name)];
  if (m.value_size != value || m.key_size * 8 != Bits::width(key)) throw NotModelled{"the map " + m.name + " has other sizes than its layout"};
  return machine_.look_up(map(name), key);
}

Lookup FunctionProof::asked_for(const char* name, const z3::expr& key, std::size_t value) {
  const std::size_t index = map(name);
  const Asked* only = nullptr;
  std::size_t places = 0;
  for (const Asked& asked : run_->asked)
    if (asked.lookup.map == index) only = &asked, ++places;
  if (places != 1) return look_up(name, key, value);
  if (object_.maps[index].value_size != value || Bits::width(only->lookup.key) != Bits::width(key)) throw NotModelled{"the map " + std::string(name) + " has other sizes than its layout"};
  inquiry_.never(only->when && only->lookup.key != key, std::string("asks ") + name + " for something else");
  return only->lookup;
}

const Lookup& FunctionProof::configuration() {
  if (!config_) config_ = look_up(NP_MAP_CONFIG, bits_.number(0, 32), sizeof(np_config));
  return *config_;
}

Who FunctionProof::world_of(const z3::expr& ipv4) {
  const std::size_t region = configuration().region;
  return choose(ipv4, address_at(region, offsetof(np_config, world4), false), address_at(region, offsetof(np_config, world6), false));
}

Who FunctionProof::by_address(const z3::expr& low_half, const z3::expr& high_half, const z3::expr& ipv4, const z3::expr& prefixes) {
  return near(low(low_half), ipv4, without_near(low_half, high_half, ipv4, prefixes));
}

z3::expr FunctionProof::in_bytes(const z3::expr& key) {
  z3::expr out = bits_.extract(key, 7, 0);
  for (unsigned at = 8; at < Bits::width(key); at += 8) out = bits_.join(bits_.extract(key, at + 7, at), out);
  return out;
}

Who FunctionProof::without_near(const z3::expr& low_half, const z3::expr& high_half, const z3::expr& ipv4, const z3::expr& prefixes) {
  const Who world = world_of(ipv4);
  const z3::expr four = low(low_half), six = in_bytes(bits_.join(high_half, low_half));
  const auto found = [&](const Lookup& lookup, const Who& otherwise) { return choose(lookup.found, address_at(lookup.region, 0), otherwise); };
  const auto behind = [&](const char* exact, const z3::expr& key, const char* trie, unsigned length) {
    const Lookup prefix = look_up(trie, in_bytes(bits_.join(key, bits_.number(length, 32))), sizeof(np_address));
    return found(look_up(exact, key, sizeof(np_address)), choose(prefixes && prefix.found, address_at(prefix.region, 0), world));
  };
  return choose(ipv4, behind(NP_MAP_ADDRESSES4, four, NP_MAP_IPCACHE4, 32), behind(NP_MAP_ADDRESSES6, six, NP_MAP_IPCACHE6, 128));
}

Who FunctionProof::near(const z3::expr& four, const z3::expr& ipv4, const Who& otherwise) {
  if (ipv4.is_false()) return otherwise;
  // np_near_index
  const z3::expr index = bits_.shift_right(bits_.mul(four, bits_.number(0x9e3779b1u, 32)), bits_.number(32 - NP_NEAR_BITS, 32));
  const Lookup bucket = look_up(NP_MAP_NEAR4, index, sizeof(np_near_bucket));
  Who out = otherwise;
  for (std::uint64_t i = NP_NEAR_ENTRIES; i-- > 0;) {
    const std::uint64_t entry_at = i * sizeof(np_near);
    const z3::expr identity = at(bucket.region, entry_at + offsetof(np_near, identity), 4);
    const Who entry = choose(!is(identity, 0), {identity, at(bucket.region, entry_at + offsetof(np_near, row), 4), constant(true)}, otherwise);
    out = choose(at(bucket.region, entry_at + offsetof(np_near, address), 4) == four, entry, out);
  }
  return choose(ipv4 && bucket.found, out, otherwise);
}

}  // namespace netpolc::verify::bytecode
