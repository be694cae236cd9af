#include "ir/decide/tiers.h"

#include <algorithm>
#include <optional>

namespace netpolc::ir {
namespace {

std::uint32_t tier_of(const PeerEntry& entry) { return entry.place.front(); }
bool passes(const PeerEntry& entry) { return entry.range.entry.action == Action::Pass; }

// The flows that both are about.
std::optional<RangeEntry> both(const RangeEntry& a, const RangeEntry& b) {
  RangeEntry out = b;
  if (a.all) return out;
  if (!b.all && a.protocol != b.protocol) return std::nullopt;
  out.all = false;
  out.protocol = a.protocol;
  out.first = b.all ? a.first : std::max(a.first, b.first);
  out.last = b.all ? a.last : std::min(a.last, b.last);
  return out.first <= out.last ? std::optional(out) : std::nullopt;
}

// A pass with nothing after it in its tier leaves nothing out.
bool leaves_out(const PeerEntry& pass, const std::vector<PeerEntry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [&](const PeerEntry& later) {
    return !passes(later) && tier_of(later) == tier_of(pass) && later.place > pass.place && both(pass.range, later.range);
  });
}

void copy_later(const PeerEntry& pass, const std::vector<PeerEntry>& entries, Conditions& conditions, std::vector<PeerEntry>& out) {
  for (const PeerEntry& later : entries) {
    if (tier_of(later) <= tier_of(pass)) continue;
    auto range = both(pass.range, later.range);
    if (!range) continue;
    // After what its level says itself: that place is the beginning of this one.
    Place place = pass.place;
    place.insert(place.end(), later.place.begin(), later.place.end());
    out.push_back({std::move(*range), conditions.both(pass.peer, later.peer), std::move(place)});
  }
}

}  // namespace

Place place_of(const Level& level) { return {static_cast<std::uint32_t>(level.tier), level.priority, level.order}; }

bool resolve_passes(std::vector<PeerEntry>& entries, Conditions& conditions, std::size_t limit) {
  // The last tier first, so that later tiers have no passes any more.
  for (const Tier tier : {Tier::Baseline, Tier::Normal, Tier::Admin}) {
    std::vector<PeerEntry> copies;
    for (const PeerEntry& entry : entries) {
      if (!passes(entry) || tier_of(entry) != static_cast<std::uint32_t>(tier) || !leaves_out(entry, entries)) continue;
      copy_later(entry, entries, conditions, copies);
      if (copies.size() > limit) return false;
    }
    std::erase_if(entries, [&](const PeerEntry& entry) { return passes(entry) && tier_of(entry) == static_cast<std::uint32_t>(tier); });
    entries.insert(entries.end(), copies.begin(), copies.end());
  }
  return true;
}

}  // namespace netpolc::ir
