#include "verify/diff/lines.h"

#include <algorithm>
#include <map>

namespace netpolc::verify::diffs {
namespace {

using Classes = std::vector<ClassId>;
struct Block {
  Classes from, to;
};

// Pairs as blocks: sources that have the same destinations together; or the other way round.
std::vector<Block> blocks(const std::vector<Pair>& pairs, ClassId Pair::*by, ClassId Pair::*with) {
  std::map<ClassId, Classes> rows;
  for (const Pair& pair : pairs) rows[pair.*by].push_back(pair.*with);
  std::map<Classes, Classes> groups;
  for (auto& [one, others] : rows) groups[std::move(others)].push_back(one);
  std::vector<Block> out;
  for (const auto& [others, ones] : groups) out.push_back(by == &Pair::from ? Block{ones, others} : Block{others, ones});
  std::sort(out.begin(), out.end(), [](const Block& a, const Block& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); });
  return out;
}

std::vector<Block> fewest_blocks(const std::vector<Pair>& pairs) {
  auto rows = blocks(pairs, &Pair::from, &Pair::to), columns = blocks(pairs, &Pair::to, &Pair::from);
  return columns.size() < rows.size() ? columns : rows;
}

DiffEndIds members(const Classes& classes, const Compared& compared) {
  DiffEndIds out;
  for (const ClassId c : classes) out.insert(out.end(), compared.classes[c].begin(), compared.classes[c].end());
  std::sort(out.begin(), out.end());
  return out;
}

std::uint64_t pairs(const TrafficChange& line, const AllEnds& ends, const Sets& both) {
  const auto alone = std::count_if(line.from.begin(), line.from.end(), [&](DiffEndId id) {
    return std::binary_search(line.to.begin(), line.to.end(), id) && !meets_itself(both, ends.shared[id]);
  });
  return std::uint64_t{line.from.size()} * line.to.size() - static_cast<std::uint64_t>(alone);
}

// Where both let pass, but under other marks: of `a`, with marks that ask for less than, more than, or something else than `b`'s.
struct OtherMarks {
  bool any = false;
  Access less, more;
};
OtherMarks other_marks(AccessId a, AccessId b, const AccessSets& sets) {
  OtherMarks out;
  for (const PortSpan& one : sets[a])
    for (const PortSpan& other : sets[b]) {
      if (one.protocol != other.protocol || one.last < other.first || other.last < one.first || one.marks == other.marks) continue;
      const PortSpan common{one.protocol, std::max(one.first, other.first), std::min(one.last, other.last), one.marks};
      const Marks &mine = sets.marks(one.marks), &others = sets.marks(other.marks);
      const bool gains = !mine.l7.empty() && mine.l7 != others.l7, loses = !others.l7.empty() && mine.l7 != others.l7;
      out.any = true;
      if (loses || mine.auth < others.auth) out.less.push_back(common);
      if (gains || mine.auth > others.auth) out.more.push_back(common);
    }
  return out;
}

void describe(TrafficChange& line, const What& what, AccessSets& sets) {
  line.before = what.before;
  line.after = what.after;
  line.in_cases = what.in_cases;
  const auto gained = [&](const DiffAccess& now, const DiffAccess& then) {
    return sets.either(sets.without(now.possible, then.possible), sets.without(now.allowed, then.allowed));
  };
  const AccessId more = gained(line.after, line.before), less = gained(line.before, line.after);
  const OtherMarks marks = other_marks(line.after.possible, line.before.possible, sets), back = other_marks(line.before.possible, line.after.possible, sets);
  line.opened = sets.either(more, sets.intern(marks.less));
  line.closed = sets.either(less, sets.intern(back.less));
  line.opens = line.opened != nothing;
  line.closes = line.closed != nothing;
  if (line.before.possible == nothing) line.kind = ChangeKind::Opened;
  else if (line.after.possible == nothing) line.kind = ChangeKind::Closed;
  else if (more == nothing && less == nothing) line.kind = ChangeKind::OtherWay;
  else if (less == nothing) line.kind = ChangeKind::Widened;
  else line.kind = more == nothing ? ChangeKind::Narrowed : ChangeKind::Changed;
}

}  // namespace

std::vector<TrafficChange> lines(const Compared& compared, const AllEnds& ends, const Sets& both, AccessSets& sets) {
  std::vector<TrafficChange> out;
  for (WhatId w = 1; w < compared.whats.size(); ++w)
    for (const Block& block : fewest_blocks(compared.pairs[w])) {
      TrafficChange line;
      line.from = members(block.from, compared);
      line.to = members(block.to, compared);
      if (line.from.size() == 1 && line.from == line.to && !meets_itself(both, ends.shared[line.from.front()])) continue;
      line.pairs = pairs(line, ends, both);
      describe(line, compared.whats[w], sets);
      out.push_back(std::move(line));
    }
  return out;
}

}  // namespace netpolc::verify::diffs
