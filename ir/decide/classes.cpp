#include "ir/decide/classes.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace netpolc::ir {
namespace {

auto order(const RangeEntry& e) {
  const int group = e.entry.action == Action::Deny ? 0 : (e.entry.l7 != L7Parser::None ? 1 : 2);
  return std::tuple(e.entry.level, group, e.priority, e.entry.bit, e.entry.l7, e.entry.auth, e.entry.specificity, e.entry.rule);
}

// What the entries so far of one class already settle, by bit; stamps instead of clearing.
class Settled {
 public:
  explicit Settled(std::size_t bits) : decided_(bits, 0) {}
  void begin() { ++stamp_; }
  // False: the entry cannot change a verdict, as an earlier one always holds where it does. With
  // authentication, allows add up.
  bool admit(const TableEntry& entry, bool auth) {
    if (decided_[0] == stamp_ || decided_[entry.bit] == stamp_) return false;
    if (entry.action == Action::Deny || !auth) decided_[entry.bit] = stamp_;
    return true;
  }

 private:
  std::vector<std::uint32_t> decided_;
  std::uint32_t stamp_ = 0;
};

bool same_but_rule(const TableEntry& a, const TableEntry& b) {
  return a.bit == b.bit && a.action == b.action && a.l7 == b.l7 && a.auth == b.auth && a.specificity == b.specificity && a.level == b.level;
}

class ProtocolSweep {
 public:
  ProtocolSweep(const std::vector<RangeEntry>& entries, std::size_t bits, bool auth)
      : entries_(entries), settled_(bits), auth_(auth) {}

  void run(Protocol protocol, std::vector<L4Class>& out) {
    std::vector<std::uint32_t> active, ranged;
    std::set<std::uint32_t> cuts{0};
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      const RangeEntry& e = entries_[i];
      if (!e.all && e.protocol != protocol) continue;
      if (e.all || (e.first == 0 && e.last == 65535)) {
        active.push_back(i);
        continue;
      }
      ranged.push_back(i);
      cuts.insert(e.first);
      if (e.last < 65535) cuts.insert(e.last + 1U);
    }
    std::vector<std::uint32_t> by_end = ranged;
    std::sort(ranged.begin(), ranged.end(), [&](auto a, auto b) { return entries_[a].first < entries_[b].first; });
    std::sort(by_end.begin(), by_end.end(), [&](auto a, auto b) { return entries_[a].last < entries_[b].last; });
    auto starting = ranged.begin(), ending = by_end.begin();
    const std::size_t before = out.size();
    for (auto cut = cuts.begin(); cut != cuts.end(); ++cut) {
      for (; ending != by_end.end() && entries_[*ending].last < *cut; ++ending)
        active.erase(std::lower_bound(active.begin(), active.end(), *ending));
      for (; starting != ranged.end() && entries_[*starting].first <= *cut; ++starting)
        active.insert(std::lower_bound(active.begin(), active.end(), *starting), *starting);
      const auto next = std::next(cut);
      const auto last = static_cast<std::uint16_t>(next == cuts.end() ? 65535 : *next - 1);
      auto entries = settle(active);
      if (out.size() > before && out.back().entries == entries) out.back().last = last;
      else out.push_back({protocol, static_cast<std::uint16_t>(*cut), last, std::move(entries)});
    }
  }

 private:
  std::vector<TableEntry> settle(const std::vector<std::uint32_t>& active) {
    std::vector<TableEntry> out;
    settled_.begin();
    for (std::uint32_t i : active) {
      const TableEntry& entry = entries_[i].entry;
      if (!settled_.admit(entry, auth_)) continue;
      if (!out.empty() && same_but_rule(out.back(), entry)) continue;
      out.push_back(entry);
    }
    return out;
  }

  const std::vector<RangeEntry>& entries_;
  Settled settled_;
  bool auth_;
};

}  // namespace

std::vector<L4Class> make_classes(std::vector<RangeEntry> entries, std::size_t bits, bool auth) {
  std::sort(entries.begin(), entries.end(), [](const RangeEntry& a, const RangeEntry& b) { return order(a) < order(b); });
  std::set<Protocol> protocols{Protocol::Any, Protocol::Tcp, Protocol::Udp, Protocol::Sctp, Protocol::Icmp, Protocol::Icmpv6};
  for (const RangeEntry& entry : entries)
    if (!entry.all) protocols.insert(entry.protocol);
  std::vector<L4Class> out;
  ProtocolSweep sweep(entries, bits, auth);
  for (Protocol protocol : protocols) sweep.run(protocol, out);
  return out;
}

}  // namespace netpolc::ir
