// verify/bytecode/machine.h — what a program can point at, as terms: its stack, what it was given, values of
// maps, constants. Whoever includes this links Z3.
//
// A value is a number or, under conditions that exclude each other, a pointer into a region. What was never
// written is any number. Maps are one snapshot: look-ups of the same key find the same, until the program itself
// writes there; from then on what is read there is anything.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "verify/bytecode/bits.h"
#include "verify/bytecode/object.h"

namespace netpolc::verify::bytecode {

// Thrown where something is not modelled: the answer is "undecided", and says so.
struct NotModelled {
  std::string why;
};

struct Pointer {
  z3::expr when;
  std::size_t region = 0;
  z3::expr offset;  // 64 bits
};
struct Value {
  z3::expr bits;                    // where no pointer's condition holds; 64 bits in registers
  std::vector<Pointer> pointers{};  // conditions exclude each other
};

struct Region {
  enum class Kind : std::uint8_t { Stack, Given, MapValue, Constants, MapItself, Packet, Code };
  Kind kind = Kind::Given;
  std::string name;
  std::size_t index = 0;  // of the map, the constants or the function, in the object; of the stack, whose frame
  std::uint64_t size = 0; // 0 for the packet, which has its own
  std::map<std::uint64_t, z3::expr> words{};  // by offset / 8, as they were at first
  std::map<std::uint64_t, Value> pointers{};  // what is read in one piece at these offsets is a pointer
};

// What a look-up of a key of a map finds.
struct Lookup {
  std::size_t map = 0;
  z3::expr key;
  z3::expr found;
  std::size_t region = 0;
};

struct Cell {
  unsigned size = 0;  // bytes
  Value value;        // of a pointer or 8 * size bits
};
using Stack = std::map<int, Cell>;  // by offset from its lowest byte, frame after frame; cells don't overlap
inline constexpr int kStackBytes = 512;  // of a frame

struct Store {
  z3::expr when;
  std::size_t region = 0;
  std::uint64_t offset = 0;
  unsigned size = 0;
  z3::expr value;
};

class Machine {
 public:
  Machine(Bits& bits, const Object& object);
  Bits& bits() { return bits_; }
  const Object& object() const { return object_; }

  std::size_t stack() const { return 0; }
  // Frames of callees; 0 is the stack.
  std::size_t frame(std::size_t number);
  bool is_stack(std::size_t region) const { return regions_[region].kind == Region::Kind::Stack; }
  // Where an offset into a frame lies in a Stack.
  int place(std::size_t region, std::uint64_t offset) const { return static_cast<int>(regions_[region].index) * kStackBytes + static_cast<int>(offset); }
  std::size_t give(const std::string& name, std::uint64_t size, std::map<std::uint64_t, z3::expr> words = {});
  // A constant of the object's whose bytes are to be anything, so that what is said holds for objects that differ in them.
  // Of one that the object has not: NotModelled.
  std::size_t give_constant(const std::string& name);
  const Region& region(std::size_t index) const { return regions_[index]; }
  void give_pointer(std::size_t region, std::uint64_t offset, const Value& value) { regions_[region].pointers.insert_or_assign(offset, value); }

  // The packet. `length`: its bytes; `linear`: of these so many lie in one piece; 32 bits each. Once.
  std::size_t give_packet(const z3::expr& length, const z3::expr& linear);
  const z3::expr& packet_length() const { return *length_; }
  // Little-endian. Where the packet has no such bytes they may be any. Offsets (32 bits) that are the same number but not
  // the same term may have different bytes here: less is known then, nothing wrong.
  z3::expr packet_bytes(const z3::expr& offset, unsigned size);
  // The packet's bytes from an offset on are those of this term, the lowest one first: before the packet is read.
  void set_packet(std::uint32_t offset, const z3::expr& bytes);
  // The bytes of a region of words, as they were at first; the first byte is the lowest.
  z3::expr initial(std::size_t region, std::uint64_t offset, unsigned size);
  // Of a value of a map at a place that may be one of many (64 bits, within the value). Equal places have equal bytes, as `facts`
  // say; what is said of bytes at constant places says nothing of these: less is known then, nothing wrong.
  z3::expr initial(std::size_t region, const z3::expr& offset, unsigned size);
  // These eight bytes of a region are as at first, and are the term from now on.
  void set_word(std::size_t region, std::uint64_t index, const z3::expr& term) { regions_[region].words.insert_or_assign(index, term); }
  // Was one of a region's words read, this one or one after it? As they were at first.
  bool was_read(std::size_t region, std::uint64_t index) const;
  Lookup look_up(std::size_t map, const z3::expr& key);
  // From now on look-ups of the map find something, or nothing: for whoever goes through both.
  void decide(std::size_t map, bool finds) { decided_[map] = finds; }
  // What look-ups of equal keys imply; to be stated to a solver.
  const std::vector<z3::expr>& facts() const { return facts_; }
  // What the program must never do, as conditions under which it does.
  struct Fault {
    z3::expr when;
    std::string what;
  };
  const std::vector<Fault>& faults() const { return faults_; }
  const std::vector<Store>& stores() const { return stores_; }
  // Which bytes of constants were read, at most.
  struct Read {
    std::size_t data = 0;
    std::uint64_t from = 0, to = 0;  // the last one is before `to`
  };
  const std::vector<Read>& constants_read() const { return constants_read_; }

  Value number(std::uint64_t value) { return {bits_.number(value, 64)}; }
  Value any() { return {bits_.fresh("any", 64)}; }
  Value pointer(std::size_t region, std::uint64_t offset = 0);
  Value constant_address(const Reference& to);
  Value map_address(std::size_t map);
  Value function_address(std::size_t function);
  // A value as a number, the lower 32 bits: of a pointer those of where its region lies, which may be anywhere, and the offset.
  z3::expr lower_half(const Value& value);

  // `when`: the condition under which this is reached.
  Value load(Stack& stack, const z3::expr& when, const Value& address, std::int64_t distance, unsigned size);
  void store(Stack& stack, const z3::expr& when, const Value& address, std::int64_t distance, unsigned size, const Value& value);
  // From now on what differs where ways meet gets a name, unless it is a choice between constants: so that what is made of it
  // does not become all that can be made of its sides.
  void name_merges() { names_merges_ = true; }
  bool names_merges() const { return names_merges_; }
  // `first` is what chooses `a`; of both values of a register, or of a place on the stack.
  Value merge(const z3::expr& first, const Value& a, const Value& b);
  Stack merge(const z3::expr& first, const Stack& a, const Stack& b);
  // From now on what is in the region may be anything: somebody else wrote there.
  void forget(std::size_t region, const z3::expr& when);
  // Nobody else writes to this region, which was given: what the program reads there is what it wrote there last.
  void own(std::size_t region) { own_.insert(region); }
  // The same of whichever value of a map is found, which must be looked up by one key alone.
  void own_values(std::size_t map) { own_maps_.insert(map); }
  // The bytes of such a region after so many of the stores, wherever `when` holds; as `initial`.
  z3::expr contents(std::size_t region, std::uint64_t offset, unsigned size, std::size_t stores, const z3::expr& when);
  // Bytes on the stack as one number.
  z3::expr bytes(const Stack& stack, int offset, unsigned size);
  // Bytes on the stack become others: `value` if there is one, or anything.
  void overwrite(Stack& stack, int offset, unsigned size, const std::optional<Value>& value = std::nullopt);
  // Something is added to a map: it must not be asked afterwards, which `asks` sees to.
  void adds(std::size_t map, const z3::expr& when) { added_.emplace_back(map, when); }
  void asks(std::size_t map, const z3::expr& when);

 private:
  z3::expr word(std::size_t region, std::uint64_t index);
  z3::expr read_words(const z3::expr& when, std::size_t region, std::uint64_t offset, unsigned size);
  z3::expr read_constants(const Region& region, const z3::expr& offset, unsigned size);
  z3::expr read_somewhere(std::size_t region, const z3::expr& offset, unsigned size);
  Value load_one(Stack& stack, const z3::expr& when, const Pointer& at, unsigned size);
  void store_one(Stack& stack, const z3::expr& when, const Pointer& at, unsigned size, const Value& value);
  void within(const z3::expr& when, const Region& region, const z3::expr& offset, unsigned size);
  void fault(const z3::expr& when, const std::string& what);
  Value choose(const z3::expr& first, const Value& a, const Value& b);
  void clear(Stack& stack, int offset, unsigned size);
  using Places = std::vector<std::pair<z3::expr, std::uint64_t>>;
  // The places that an offset can be, each with when; none if they are many.
  std::optional<Places> places(const z3::expr& offset);
  z3::expr packet_byte(const z3::expr& offset);
  z3::expr byte_of(const Cell& cell, unsigned index);
  // May both be the same memory?
  bool may_be(std::size_t region, std::size_t other);
  const z3::expr& key_of(std::size_t region) const;

  Bits& bits_;
  const Object& object_;
  std::vector<Region> regions_;
  std::vector<Lookup> lookups_;
  std::vector<z3::expr> facts_;
  std::vector<Fault> faults_;
  std::vector<Store> stores_;
  std::vector<Read> constants_read_;
  std::map<std::size_t, std::size_t> constants_, handles_, code_;  // regions, by index in the object
  std::vector<std::pair<Object::Constant, std::size_t>> given_constants_;  // and their regions
  std::set<std::pair<std::size_t, std::uint64_t>> read_;  // region, word
  std::vector<std::pair<std::size_t, z3::expr>> forgotten_;  // and when
  std::set<std::size_t> own_, own_maps_;
  struct Somewhere {
    std::size_t region = 0;
    z3::expr offset, bytes;
  };
  std::vector<Somewhere> somewhere_;  // what was read at places that are not constant
  std::map<std::size_t, z3::expr> addresses_;  // of regions, 32 bits
  std::map<std::size_t, bool> decided_;
  std::vector<std::pair<std::size_t, z3::expr>> added_;  // to maps, and when
  std::vector<std::size_t> frames_{0};
  std::optional<z3::expr> length_, linear_;
  std::map<unsigned, z3::expr> packet_;  // a byte for each term of an offset, by its number
  std::vector<z3::expr> kept_;
  bool names_merges_ = false;
};

}  // namespace netpolc::verify::bytecode
