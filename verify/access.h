// verify/access.h — sets of traffic: which protocols and numbers may pass, and under which marks.
// Equal sets have equal ids, so that intersections are computed once for each distinct pair of sets.
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/verdict.h"

namespace netpolc::verify {

// What is asked of allowed traffic on top. Empty strings: nothing.
struct Marks {
  std::string l7;    // parsers that look into it: "http", "dns,http" where both sides have one
  std::string auth;  // "required" or "test-always-fail"
  auto operator<=>(const Marks&) const = default;
};
using MarksId = std::uint16_t;
inline constexpr MarksId unmarked = 0;

// The numbers [first, last] of one protocol: destination ports, or ICMP types (to 255).
// `Protocol::Any` stands for every protocol without a name of its own; protocols without
// numbers have 0 to 65535.
struct PortSpan {
  ir::Protocol protocol = ir::Protocol::Any;
  std::uint16_t first = 0, last = 0;
  MarksId marks = unmarked;
  auto operator<=>(const PortSpan&) const = default;
};
// The largest number of a protocol.
std::uint16_t last_number(ir::Protocol protocol);

// Sorted by (protocol, first), disjoint; neighbours with equal marks are one span.
using Access = std::vector<PortSpan>;

using AccessId = std::uint32_t;
inline constexpr AccessId nothing = 0, everything = 1;

class AccessSets {
 public:
  AccessSets();
  // `spans`: disjoint, sorted by (protocol, first).
  AccessId intern(const Access& spans);
  const Access& operator[](AccessId id) const { return sets_[id]; }
  MarksId intern(const Marks& marks);
  const Marks& marks(MarksId id) const { return marks_[id]; }
  std::size_t size() const { return sets_.size(); }

  AccessId both(AccessId a, AccessId b);    // marks of both
  AccessId either(AccessId a, AccessId b);  // where they overlap the marks of `a`
  AccessId without(AccessId a, AccessId b);  // what of `a` is not in `b`, whatever the marks
  AccessId only(AccessId a, const std::vector<ir::Flow>& flows);
  AccessId all_but(const ir::Flow& flow);
  AccessId plain(AccessId a);  // without marks

 private:
  MarksId both_marks(MarksId a, MarksId b);
  Access intersection(const Access& a, const Access& b);

  std::vector<Access> sets_;
  std::map<Access, AccessId> ids_;
  std::unordered_map<std::uint64_t, AccessId> intersections_, unions_;
  std::vector<Marks> marks_;
  std::map<Marks, MarksId> marks_ids_;
};

}  // namespace netpolc::verify
