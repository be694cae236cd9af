#include "verify/bytecode/machine.h"

#include <algorithm>
#include <numeric>

namespace netpolc::verify::bytecode {
namespace {

constexpr std::size_t kMostChoices = 64;
constexpr std::uint64_t kMostPlaces = 1u << 17;

bool is(const z3::expr& term, Z3_decl_kind kind) { return term.is_app() && term.decl().decl_kind() == kind; }

// A number that certainly divides the term; 0 for 0.
std::uint64_t divisor(const z3::expr& term) {
  if (const auto known = Bits::value(term)) return *known;
  if (is(term, Z3_OP_ZERO_EXT)) return divisor(term.arg(0));
  if (is(term, Z3_OP_BADD) && term.num_args() == 2) return std::gcd(divisor(term.arg(0)), divisor(term.arg(1)));
  if (is(term, Z3_OP_ITE)) return std::gcd(divisor(term.arg(1)), divisor(term.arg(2)));
  if (is(term, Z3_OP_CONCAT) && term.num_args() == 2 && Bits::value(term.arg(1)) == 0 && Bits::width(term.arg(1)) < 16)
    return std::uint64_t{1} << Bits::width(term.arg(1));
  return 1;
}

}  // namespace

Machine::Machine(Bits& bits, const Object& object) : bits_(bits), object_(object) {
  regions_.push_back({Region::Kind::Stack, "the stack", 0, kStackBytes});
}

std::size_t Machine::frame(std::size_t number) {
  while (frames_.size() <= number) {
    regions_.push_back({Region::Kind::Stack, "the stack", frames_.size(), kStackBytes});
    frames_.push_back(regions_.size() - 1);
  }
  return frames_[number];
}

std::size_t Machine::give_packet(const z3::expr& length, const z3::expr& linear) {
  length_ = length;
  linear_ = linear;
  regions_.push_back({Region::Kind::Packet, "the packet"});
  return regions_.size() - 1;
}

z3::expr Machine::packet_byte(const z3::expr& offset) {
  if (is(offset, Z3_OP_ITE)) return bits_.either(offset.arg(0), packet_byte(offset.arg(1)), packet_byte(offset.arg(2)));
  const auto known = packet_.find(offset.id());
  if (known != packet_.end()) return known->second;
  kept_.push_back(offset);
  const z3::expr out = bits_.fresh("byte of the packet", 8);
  packet_.emplace(offset.id(), out);
  return out;
}

void Machine::set_packet(std::uint32_t offset, const z3::expr& bytes) {
  for (unsigned i = 0; i < Bits::width(bytes) / 8; ++i) {
    kept_.push_back(bits_.number(offset + i, 32));
    packet_.insert_or_assign(kept_.back().id(), bits_.extract(bytes, i * 8 + 7, i * 8));
  }
}

z3::expr Machine::packet_bytes(const z3::expr& offset, unsigned size) {
  z3::expr out = packet_byte(offset);
  for (unsigned i = 1; i < size; ++i) out = bits_.join(packet_byte(bits_.add(offset, bits_.number(i, 32))), out);
  return out;
}

std::size_t Machine::give(const std::string& name, std::uint64_t size, std::map<std::uint64_t, z3::expr> words) {
  regions_.push_back({Region::Kind::Given, name, 0, size, std::move(words)});
  return regions_.size() - 1;
}

std::size_t Machine::give_constant(const std::string& name) {
  const auto at = std::find_if(object_.constants.begin(), object_.constants.end(), [&](const auto& c) { return c.name == name; });
  if (at == object_.constants.end()) throw NotModelled{"the object has no constant " + name};
  given_constants_.emplace_back(*at, give(name, at->size));
  return given_constants_.back().second;
}

Value Machine::pointer(std::size_t region, std::uint64_t offset) {
  return {bits_.number(0, 64), {{bits_.yes(), region, bits_.number(offset, 64)}}};
}

Value Machine::constant_address(const Reference& to) {
  const auto offset = static_cast<std::uint64_t>(to.offset);
  for (const auto& [constant, region] : given_constants_)
    if (constant.data == to.index && offset >= constant.offset && offset - constant.offset < constant.size) return pointer(region, offset - constant.offset);
  const auto [at, fresh] = constants_.try_emplace(to.index, regions_.size());
  if (fresh) regions_.push_back({Region::Kind::Constants, object_.data[to.index].section, to.index, object_.data[to.index].bytes.size()});
  return pointer(at->second, offset);
}

Value Machine::map_address(std::size_t map) {
  const auto [at, fresh] = handles_.try_emplace(map, regions_.size());
  if (fresh) regions_.push_back({Region::Kind::MapItself, object_.maps[map].name, map, 0});
  return pointer(at->second);
}

Value Machine::function_address(std::size_t function) {
  const auto [at, fresh] = code_.try_emplace(function, regions_.size());
  if (fresh) regions_.push_back({Region::Kind::Code, object_.functions[function].name, function, 0});
  return pointer(at->second);
}

z3::expr Machine::lower_half(const Value& value) {
  z3::expr out = bits_.extract(value.bits, 31, 0);
  for (const Pointer& pointer : value.pointers) {
    const auto known = addresses_.find(pointer.region);
    const z3::expr address = known != addresses_.end() ? known->second : addresses_.emplace(pointer.region, bits_.fresh("address", 32)).first->second;
    out = bits_.either(pointer.when, bits_.add(bits_.extract(pointer.offset, 31, 0), address), out);
  }
  return out;
}

void Machine::asks(std::size_t map, const z3::expr& when) {
  for (const auto& [other, added] : added_)
    if (other == map) fault(bits_.both(added, when), "asks " + object_.maps[map].name + " after something was added to it");
}

Lookup Machine::look_up(std::size_t map, const z3::expr& key) {
  for (const Lookup& known : lookups_)
    if (known.map == map && z3::eq(known.key, key)) return known;
  const std::string name = object_.maps[map].name;
  const auto decided = decided_.find(map);
  const z3::expr found = decided != decided_.end() ? bits_.context().bool_val(decided->second)
                                                   : z3::expr(bits_.context(), Z3_mk_fresh_const(bits_.context(), (name + " has it").c_str(), bits_.context().bool_sort()));
  if (own_maps_.contains(map)) {
    if (std::any_of(lookups_.begin(), lookups_.end(), [&](const Lookup& l) { return l.map == map; })) throw NotModelled{name + " is asked for more than one key"};
    own_.insert(regions_.size());
  }
  regions_.push_back({Region::Kind::MapValue, name, map, object_.maps[map].value_size});
  const Lookup out{map, key, found, regions_.size() - 1};
  for (const Lookup& other : lookups_)
    if (other.map == map) facts_.push_back(z3::implies(other.key == key, other.found == found));
  lookups_.push_back(out);
  return out;
}

z3::expr Machine::word(std::size_t at, std::uint64_t index) {
  const auto known = regions_[at].words.find(index);
  if (known != regions_[at].words.end()) return known->second;
  const z3::expr out = bits_.fresh(regions_[at].name.c_str(), 64);
  regions_[at].words.emplace(index, out);
  if (regions_[at].kind == Region::Kind::MapValue) {
    const z3::expr key = key_of(at);
    for (const Lookup& other : lookups_)
      if (other.map == regions_[at].index && other.region != at)
        if (const auto same = regions_[other.region].words.find(index); same != regions_[other.region].words.end())
          facts_.push_back(z3::implies(other.key == key, same->second == out));
  }
  return out;
}

z3::expr Machine::initial(std::size_t region, std::uint64_t offset, unsigned size) {
  const unsigned from = static_cast<unsigned>(offset % 8);
  if (from + size <= 8) return bits_.extract(word(region, offset / 8), (from + size) * 8 - 1, from * 8);
  const unsigned here = 8 - from;
  return bits_.join(initial(region, offset + here, size - here), initial(region, offset, here));
}

z3::expr Machine::initial(std::size_t region, const z3::expr& offset, unsigned size) {
  for (const Somewhere& known : somewhere_)
    if (known.region == region && Bits::width(known.bytes) == size * 8 && z3::eq(known.offset, offset)) return known.bytes;
  const z3::expr out = bits_.fresh(regions_[region].name.c_str(), size * 8);
  for (const Somewhere& known : somewhere_)
    if (known.region == region && Bits::width(known.bytes) == size * 8) facts_.push_back(z3::implies(known.offset == offset, known.bytes == out));
  somewhere_.push_back({region, offset, out});
  return out;
}

const z3::expr& Machine::key_of(std::size_t region) const {
  return std::find_if(lookups_.begin(), lookups_.end(), [&](const Lookup& l) { return l.region == region; })->key;
}

bool Machine::may_be(std::size_t region, std::size_t other) {
  const Region &a = regions_[region], &b = regions_[other];
  if (region == other) return true;
  if (a.kind != Region::Kind::MapValue || b.kind != Region::Kind::MapValue || a.index != b.index) return false;
  return !bits_.equal(key_of(region), key_of(other)).is_false();
}

void Machine::forget(std::size_t region, const z3::expr& when) {
  if (own_.contains(region)) throw NotModelled{regions_[region].name + " is nobody else's, and somebody else wrote there"};
  forgotten_.emplace_back(region, when);
}

// Stores are in the order in which instructions are run, which every way through the program follows: of those whose condition
// holds the last one is what is there.
z3::expr Machine::contents(std::size_t region, std::uint64_t offset, unsigned size, std::size_t stores, const z3::expr& when) {
  z3::expr out = initial(region, offset, size);
  for (std::size_t s = 0; s < stores; ++s) {
    const Store& store = stores_[s];
    if (store.region != region || store.offset + store.size <= offset || store.offset >= offset + size) continue;
    if (store.offset > offset || store.offset + store.size < offset + size) {
      const unsigned half = size / 2;
      return bits_.join(contents(region, offset + half, size - half, stores, when), contents(region, offset, half, stores, when));
    }
    const auto from = static_cast<unsigned>(offset - store.offset) * 8;
    const z3::expr value = bits_.extract(store.value, from + size * 8 - 1, from);
    out = z3::eq(store.when, when) ? value : bits_.either(store.when, value, out);
  }
  return out;
}

z3::expr Machine::read_words(const z3::expr& when, std::size_t region, std::uint64_t offset, unsigned size) {
  if (own_.contains(region)) {
    read_.insert({region, (offset + size - 1) / 8});
    return contents(region, offset, size, stores_.size(), when);
  }
  read_.insert({region, (offset + size - 1) / 8});
  // ways on which nothing was written there find what was there
  z3::expr changed = bits_.no();
  for (const auto& [other, forgotten] : forgotten_)
    if (may_be(region, other)) changed = bits_.one_of(changed, forgotten);
  for (const Store& store : stores_)
    if (store.offset / 8 <= (offset + size - 1) / 8 && offset / 8 <= (store.offset + store.size - 1) / 8 && may_be(region, store.region)) changed = bits_.one_of(changed, store.when);
  return changed.is_false() ? initial(region, offset, size) : bits_.either(changed, bits_.fresh("changed", size * 8), initial(region, offset, size));
}

// Where something was written to the value before, anything is there.
z3::expr Machine::read_somewhere(std::size_t region, const z3::expr& offset, unsigned size) {
  if (own_.contains(region)) throw NotModelled{"memory of " + regions_[region].name + " is read at a place that is not constant"};
  z3::expr changed = bits_.no();
  for (const auto& [other, forgotten] : forgotten_)
    if (may_be(region, other)) changed = bits_.one_of(changed, forgotten);
  for (const Store& store : stores_)
    if (may_be(region, store.region)) changed = bits_.one_of(changed, store.when);
  return changed.is_false() ? initial(region, offset, size) : bits_.either(changed, bits_.fresh("changed", size * 8), initial(region, offset, size));
}

bool Machine::was_read(std::size_t region, std::uint64_t index) const {
  const auto at = read_.lower_bound({region, index});
  return at != read_.end() && at->first == region;
}

// Runs of equal values, as a tree of comparisons.
z3::expr Machine::read_constants(const Region& region, const z3::expr& offset, unsigned size) {
  const std::string& bytes = object_.data[region.index].bytes;
  const auto at = [&](std::uint64_t place) {
    std::uint64_t out = 0;
    for (unsigned i = size; i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[place + i]);
    return out;
  };
  if (bytes.size() < size) return bits_.fresh("outside", size * 8);
  const std::uint64_t last = bytes.size() - size;
  const Range range = bits_.range(offset);
  constants_read_.push_back({region.index, range.low, std::min(range.high, last) + size});
  const auto known = bits_.through_choice(offset, [&](const z3::expr& leaf) {
    const std::uint64_t chosen = *Bits::value(leaf);
    return chosen <= last ? bits_.number(at(chosen), size * 8) : bits_.fresh("outside", size * 8);
  });
  if (known) return *known;
  const bool sum = is(offset, Z3_OP_BADD) && offset.num_args() == 2 && Bits::value(offset.arg(1));
  const std::uint64_t base = sum ? *Bits::value(offset.arg(1)) : 0;
  const std::uint64_t step = std::max<std::uint64_t>(1, divisor(sum ? offset.arg(0) : offset));
  std::uint64_t place = range.low + (step - (range.low - base) % step) % step;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;  // from where, what
  for (std::uint64_t count = 0; place <= last && place <= range.high; place += step) {
    if (++count > kMostPlaces) throw NotModelled{"a table of " + region.name + " is asked at more than " + std::to_string(kMostPlaces) + " places"};
    if (runs.empty() || runs.back().second != at(place)) runs.emplace_back(place, at(place));
  }
  if (runs.empty()) return bits_.fresh("outside", size * 8);
  const std::function<z3::expr(std::size_t, std::size_t)> tree = [&](std::size_t from, std::size_t to) {
    if (to - from == 1) return bits_.number(runs[from].second, size * 8);
    const std::size_t middle = (from + to) / 2;
    return bits_.either(bits_.below(offset, bits_.number(runs[middle].first, 64)), tree(from, middle), tree(middle, to));
  };
  return tree(0, runs.size());
}

void Machine::fault(const z3::expr& when, const std::string& what) {
  if (!when.is_false()) faults_.push_back({when, what});
}

void Machine::within(const z3::expr& when, const Region& region, const z3::expr& offset, unsigned size) {
  const bool packet = region.kind == Region::Kind::Packet;
  // what goes round at 64 bits is far outside
  const z3::expr inside = packet && bits_.range(offset).high < (std::uint64_t{1} << 32)
                              ? bits_.at_most(bits_.add(offset, bits_.number(size, 64)), bits_.widen(*linear_, 64))
                          : region.size < size ? bits_.no()
                                               : bits_.at_most(offset, bits_.number(region.size - size, 64));
  fault(bits_.both(when, bits_.negate(inside)), "touches memory outside of " + region.name);
}

z3::expr Machine::byte_of(const Cell& cell, unsigned index) {
  if (!cell.value.pointers.empty()) throw NotModelled{"a part of a pointer on the stack is looked at"};
  return bits_.extract(cell.value.bits, index * 8 + 7, index * 8);
}

z3::expr Machine::bytes(const Stack& stack, int offset, unsigned size) {
  const auto exact = stack.find(offset);
  if (exact != stack.end() && exact->second.size == size && exact->second.value.pointers.empty()) return exact->second.value.bits;
  std::optional<z3::expr> out;
  for (unsigned i = 0; i < size; ++i) {
    const int place = offset + static_cast<int>(i);
    auto cell = stack.upper_bound(place);
    const bool covered = cell != stack.begin() && (--cell, place < cell->first + static_cast<int>(cell->second.size));
    const z3::expr byte = covered ? byte_of(cell->second, static_cast<unsigned>(place - cell->first)) : bits_.fresh("unwritten", 8);
    out = out ? bits_.join(byte, *out) : byte;
  }
  return *out;
}

std::optional<Machine::Places> Machine::places(const z3::expr& offset) {
  if (const auto all = bits_.choices(offset, kMostChoices)) {
    Places out;
    for (const auto& [when, place] : *all) {
      const auto same = std::find_if(out.begin(), out.end(), [&](const auto& other) { return other.second == place; });
      if (same == out.end()) out.emplace_back(when, place);
      else same->first = bits_.one_of(same->first, when);
    }
    return out;
  }
  const Range range = bits_.range(offset);
  const bool sum = is(offset, Z3_OP_BADD) && offset.num_args() == 2 && Bits::value(offset.arg(1));
  const std::uint64_t base = sum ? *Bits::value(offset.arg(1)) : 0, step = std::max<std::uint64_t>(1, divisor(sum ? offset.arg(0) : offset));
  if ((range.high - range.low) / step >= kMostChoices) return std::nullopt;
  Places out;
  for (std::uint64_t at = range.low + (step - (range.low - base) % step) % step; at <= range.high; at += step)
    out.emplace_back(bits_.equal(offset, bits_.number(at, 64)), at);
  return out;
}

Value Machine::load_one(Stack& stack, const z3::expr& when, const Pointer& at, unsigned size) {
  const Region region = regions_[at.region];
  if (region.kind == Region::Kind::MapItself || region.kind == Region::Kind::Code) throw NotModelled{"the insides of " + region.name + " are read"};
  within(when, region, at.offset, size);
  if (region.kind == Region::Kind::Constants) return {bits_.widen(read_constants(region, at.offset, size), 64)};
  if (region.kind == Region::Kind::Packet) return {bits_.widen(packet_bytes(bits_.extract(at.offset, 31, 0), size), 64)};
  const auto possible = places(at.offset);
  if (!possible && region.kind == Region::Kind::MapValue) return {bits_.widen(read_somewhere(at.region, at.offset, size), 64)};
  if (!possible) throw NotModelled{"memory of " + region.name + " is read at a place that is not constant"};
  std::optional<Value> out;
  for (const auto& [chosen, place] : *possible) {
    Value one = any();
    const int here = this->place(at.region, place);
    if (place > region.size || size > region.size - place) {
      // outside, which is a fault already
    } else if (region.kind == Region::Kind::Stack) {
      const auto exact = stack.find(here);
      if (size == 8 && exact != stack.end() && exact->second.size == 8) one = exact->second.value;
      else one = {bits_.widen(bytes(stack, here, size), 64)};
    } else if (const auto pointed = region.pointers.find(place); pointed != region.pointers.end()) {
      one = pointed->second;
    } else {
      one = {bits_.widen(read_words(when, at.region, place, size), 64)};
    }
    out = out ? choose(chosen, one, *out) : one;
  }
  return *out;
}

Value Machine::load(Stack& stack, const z3::expr& when, const Value& address, std::int64_t distance, unsigned size) {
  z3::expr valid = bits_.no();
  std::optional<Value> out;
  for (Pointer at : address.pointers) {
    at.offset = bits_.add(at.offset, bits_.number(static_cast<std::uint64_t>(distance), 64));
    const Value one = load_one(stack, bits_.both(when, at.when), at, size);
    out = out ? choose(at.when, one, *out) : one;
    valid = bits_.one_of(valid, at.when);
  }
  fault(bits_.both(when, bits_.negate(valid)), "takes a number, or a look-up that found nothing, for an address");
  return out ? *out : any();
}

// Makes room: what sticks out of the bytes is kept.
void Machine::clear(Stack& stack, int offset, unsigned size) {
  const int end = offset + static_cast<int>(size);
  auto cell = stack.upper_bound(offset);
  if (cell != stack.begin()) --cell;
  while (cell != stack.end() && cell->first < end) {
    const int first = cell->first, last = first + static_cast<int>(cell->second.size);
    if (last <= offset) {
      ++cell;
      continue;
    }
    const Cell old = cell->second;
    cell = stack.erase(cell);
    if (first >= offset && last <= end) continue;
    if (!old.value.pointers.empty()) continue;  // half a pointer is anything
    for (int place = first; place < last; ++place)
      if (place < offset || place >= end) stack.emplace(place, Cell{1, {byte_of(old, static_cast<unsigned>(place - first))}});
    cell = stack.lower_bound(end);
  }
}

void Machine::store_one(Stack& stack, const z3::expr& when, const Pointer& at, unsigned size, const Value& value) {
  const Region region = regions_[at.region];
  if (region.kind == Region::Kind::MapItself || region.kind == Region::Kind::Code) throw NotModelled{"the insides of " + region.name + " are written"};
  if (region.kind == Region::Kind::Constants) return fault(when, "writes to constants");
  if (region.kind == Region::Kind::Packet) throw NotModelled{"the packet is written"};
  within(when, region, at.offset, size);
  const auto possible = places(at.offset);
  if (!possible || (region.kind == Region::Kind::Stack && possible->size() > 1)) throw NotModelled{"memory of " + region.name + " is written at a place that is not constant"};
  if (region.kind == Region::Kind::Stack) {
    const std::uint64_t place = possible->front().second;
    if (place > region.size || size > region.size - place) return;
    if (size < 8 && !value.pointers.empty()) throw NotModelled{"a part of a pointer is put on the stack"};
    return overwrite(stack, this->place(at.region, place), size, size == 8 ? value : Value{bits_.extract(value.bits, size * 8 - 1, 0)});
  }
  if (!value.pointers.empty()) throw NotModelled{"a pointer is written to " + region.name};
  for (const auto& [chosen, place] : *possible) {
    if (place > region.size || size > region.size - place) continue;
    stores_.push_back({bits_.both(when, chosen), at.region, place, size, bits_.extract(value.bits, size * 8 - 1, 0)});
  }
}

void Machine::overwrite(Stack& stack, int offset, unsigned size, const std::optional<Value>& value) {
  clear(stack, offset, size);
  stack.emplace(offset, Cell{size, value ? *value : Value{bits_.fresh("any", size * 8)}});
}

void Machine::store(Stack& stack, const z3::expr& when, const Value& address, std::int64_t distance, unsigned size, const Value& value) {
  z3::expr valid = bits_.no();
  const bool several = address.pointers.size() > 1;
  for (Pointer at : address.pointers) {
    if (several && is_stack(at.region)) throw NotModelled{"the stack or something else is written"};
    at.offset = bits_.add(at.offset, bits_.number(static_cast<std::uint64_t>(distance), 64));
    store_one(stack, bits_.both(when, at.when), at, size, value);
    valid = bits_.one_of(valid, at.when);
  }
  fault(bits_.both(when, bits_.negate(valid)), "takes a number, or a look-up that found nothing, for an address");
}

Value Machine::merge(const z3::expr& first, const Value& a, const Value& b) {
  Value out = choose(first, a, b);
  if (names_merges_ && !z3::eq(a.bits, b.bits) && is(out.bits, Z3_OP_ITE) && !bits_.choices(out.bits, kMostChoices)) out.bits = bits_.named(out.bits);
  return out;
}

Value Machine::choose(const z3::expr& first, const Value& a, const Value& b) {
  Value out{bits_.either(first, a.bits, b.bits)};
  std::vector<Pointer> rest = b.pointers;
  const auto only_one = [](const std::vector<Pointer>& list, std::size_t region) {
    return std::count_if(list.begin(), list.end(), [&](const Pointer& p) { return p.region == region; }) == 1;
  };
  for (const Pointer& one : a.pointers) {
    const auto same = std::find_if(rest.begin(), rest.end(), [&](const Pointer& other) {
      return other.region == one.region && (z3::eq(other.offset, one.offset) || (only_one(a.pointers, one.region) && only_one(b.pointers, one.region)));
    });
    if (same == rest.end()) {
      out.pointers.push_back({bits_.both(first, one.when), one.region, one.offset});
      continue;
    }
    out.pointers.push_back({bits_.either(first, one.when, same->when), one.region, bits_.either(first, one.offset, same->offset)});
    rest.erase(same);
  }
  for (const Pointer& one : rest) out.pointers.push_back({bits_.both(bits_.negate(first), one.when), one.region, one.offset});
  std::erase_if(out.pointers, [](const Pointer& p) { return p.when.is_false(); });
  return out;
}

Stack Machine::merge(const z3::expr& first, const Stack& a, const Stack& b) {
  Stack out;
  const auto overlaps = [](const Stack& stack, int offset, unsigned size) {
    auto cell = stack.lower_bound(offset + static_cast<int>(size));
    return cell != stack.begin() && (--cell, cell->first + static_cast<int>(cell->second.size) > offset);
  };
  const auto add = [&](int offset, const Cell& cell, const Stack& other, bool of_first) {
    const auto same = other.find(offset);
    if (same != other.end() && same->second.size == cell.size) {
      if (of_first) out.emplace(offset, Cell{cell.size, merge(first, cell.value, same->second.value)});
    } else if (!overlaps(other, offset, cell.size)) {
      const Value unwritten{bits_.fresh("unwritten", Bits::width(cell.value.bits))};
      out.emplace(offset, Cell{cell.size, of_first ? merge(first, cell.value, unwritten) : merge(first, unwritten, cell.value)});
    } else if (cell.value.pointers.empty()) {
      for (unsigned i = 0; i < cell.size; ++i) {
        const int place = offset + static_cast<int>(i);
        if (out.contains(place)) continue;
        try {
          const Value mine{byte_of(cell, i)}, others{bytes(other, place, 1)};
          out.emplace(place, Cell{1, of_first ? merge(first, mine, others) : merge(first, others, mine)});
        } catch (const NotModelled&) {
          // a number here and half a pointer there: anything
        }
      }
    }
  };
  for (const auto& [offset, cell] : a) add(offset, cell, b, true);
  for (const auto& [offset, cell] : b) add(offset, cell, a, false);
  return out;
}

}  // namespace netpolc::verify::bytecode
