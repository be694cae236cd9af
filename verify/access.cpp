#include "verify/access.h"

#include <algorithm>

namespace netpolc::verify {
namespace {

void append(Access& out, PortSpan span) {
  if (!out.empty()) {
    PortSpan& before = out.back();
    if (before.protocol == span.protocol && before.marks == span.marks && before.last + 1U == span.first) {
      before.last = span.last;
      return;
    }
  }
  out.push_back(span);
}

bool ends_before(const PortSpan& a, const PortSpan& b) {
  return a.protocol != b.protocol ? a.protocol < b.protocol : a.last < b.last;
}
bool apart(const PortSpan& a, const PortSpan& b) {
  return a.protocol != b.protocol || a.last < b.first || b.last < a.first;
}

// What of `a` is not in `b`.
Access difference(const Access& a, const Access& b) {
  Access out;
  for (PortSpan rest : a) {
    bool left = true;
    for (const PortSpan& cut : b) {
      if (apart(rest, cut)) continue;
      if (cut.first > rest.first) out.push_back({rest.protocol, rest.first, static_cast<std::uint16_t>(cut.first - 1), rest.marks});
      left = cut.last < rest.last;
      if (!left) break;
      rest.first = static_cast<std::uint16_t>(cut.last + 1);
    }
    if (left) out.push_back(rest);
  }
  return out;
}

std::string joined(const std::string& a, const std::string& b) {
  if (a.empty() || a == b) return b;
  if (b.empty()) return a;
  return std::min(a, b) + "," + std::max(a, b);
}

std::uint64_t pair_key(AccessId a, AccessId b) { return (std::uint64_t{a} << 32U) | b; }

}  // namespace

std::uint16_t last_number(ir::Protocol protocol) {
  return protocol == ir::Protocol::Icmp || protocol == ir::Protocol::Icmpv6 ? 255 : 65535;
}

AccessSets::AccessSets() {
  intern(Marks{});
  intern(Access{});
  Access all;
  for (auto p = static_cast<int>(ir::Protocol::Any); p <= static_cast<int>(ir::Protocol::Ah); ++p)
    all.push_back({static_cast<ir::Protocol>(p), 0, last_number(static_cast<ir::Protocol>(p)), unmarked});
  intern(all);
}

AccessId AccessSets::intern(const Access& spans) {
  Access merged;
  for (const PortSpan& span : spans) append(merged, span);
  const auto [found, fresh] = ids_.emplace(std::move(merged), static_cast<AccessId>(sets_.size()));
  if (fresh) sets_.push_back(found->first);
  return found->second;
}

MarksId AccessSets::intern(const Marks& marks) {
  const auto [found, fresh] = marks_ids_.emplace(marks, static_cast<MarksId>(marks_.size()));
  if (fresh) marks_.push_back(marks);
  return found->second;
}

MarksId AccessSets::both_marks(MarksId a, MarksId b) {
  if (a == b || b == unmarked) return a;
  if (a == unmarked) return b;
  const std::string auth = std::max(marks_[a].auth, marks_[b].auth);  // a failing one is the greater
  return intern(Marks{joined(marks_[a].l7, marks_[b].l7), auth});
}

Access AccessSets::intersection(const Access& a, const Access& b) {
  Access out;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (!apart(a[i], b[j]))
      out.push_back({a[i].protocol, std::max(a[i].first, b[j].first), std::min(a[i].last, b[j].last), both_marks(a[i].marks, b[j].marks)});
    ends_before(a[i], b[j]) ? ++i : ++j;
  }
  return out;
}

AccessId AccessSets::both(AccessId a, AccessId b) {
  if (a == b || b == everything) return a;
  if (a == everything) return b;
  if (a == nothing || b == nothing) return nothing;
  if (a > b) std::swap(a, b);
  const auto [kept, fresh] = intersections_.emplace(pair_key(a, b), nothing);
  if (fresh) kept->second = intern(intersection(sets_[a], sets_[b]));
  return kept->second;
}

AccessId AccessSets::either(AccessId a, AccessId b) {
  if (a == b || b == nothing || a == everything) return a;
  if (a == nothing) return b;
  const auto [kept, fresh] = unions_.emplace(pair_key(a, b), nothing);
  if (!fresh) return kept->second;
  Access all = sets_[a];
  const Access more = difference(sets_[b], all);
  all.insert(all.end(), more.begin(), more.end());
  std::sort(all.begin(), all.end());
  return kept->second = intern(all);
}

AccessId AccessSets::without(AccessId a, AccessId b) {
  if (a == nothing || a == b) return nothing;
  return b == nothing ? a : intern(difference(sets_[a], sets_[b]));
}

AccessId AccessSets::only(AccessId a, const std::vector<ir::Flow>& flows) {
  Access wanted;
  for (const ir::Flow& flow : flows) wanted.push_back({flow.protocol, flow.number, flow.number, unmarked});
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return both(a, intern(wanted));
}

AccessId AccessSets::all_but(const ir::Flow& flow) {
  return intern(difference(sets_[everything], {{flow.protocol, flow.number, flow.number, unmarked}}));
}

AccessId AccessSets::plain(AccessId a) {
  Access spans = sets_[a];
  for (PortSpan& span : spans) span.marks = unmarked;
  return intern(spans);
}

}  // namespace netpolc::verify
