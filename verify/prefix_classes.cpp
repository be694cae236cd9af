#include "verify/prefix_classes.h"

#include <algorithm>

namespace netpolc::verify {
namespace {

// The last address of the prefix.
IpAddress last(const IpPrefix& prefix) {
  IpAddress out = prefix.address;
  for (int bit = prefix.length; bit < out.bits(); ++bit)
    out.bytes[static_cast<std::size_t>(bit / 8)] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  return out;
}

// False when there is no next address.
bool advance(IpAddress& address) {
  for (int i = address.bits() / 8 - 1; i >= 0; --i)
    if (++address.bytes[static_cast<std::size_t>(i)] != 0) return true;
  return false;
}

// The first address of prefixes[index] that none of the smaller prefixes behind it takes.
// Sorted by (address, length), what lies inside a prefix follows it directly.
std::optional<IpAddress> uncovered(const std::vector<IpPrefix>& prefixes, std::size_t index) {
  const IpPrefix& outer = prefixes[index];
  IpAddress candidate = outer.address;
  for (std::size_t i = index + 1; i < prefixes.size() && outer.contains(prefixes[i]); ++i) {
    if (!prefixes[i].contains(candidate)) {
      if (candidate < prefixes[i].address) return candidate;
      continue;  // inside one that was skipped already
    }
    candidate = last(prefixes[i]);
    if (!advance(candidate) || !outer.contains(candidate)) return std::nullopt;
  }
  return candidate;
}

// Of prefixes[index] and of none of the smaller ones in it.
bool is_own(const std::vector<IpPrefix>& prefixes, std::size_t index, const IpAddress& address) {
  if (!prefixes[index].contains(address)) return false;
  for (std::size_t i = index + 1; i < prefixes.size() && prefixes[index].contains(prefixes[i]); ++i)
    if (prefixes[i].contains(address)) return false;
  return true;
}

// People take an address of RFC 5737 or RFC 3849 for what it is, an example, and the first of a prefix for the prefix.
IpAddress familiar(const std::vector<IpPrefix>& prefixes, std::size_t index, const IpAddress& first) {
  static const IpAddress v4 = *IpAddress::parse("192.0.2.1"), v6 = *IpAddress::parse("2001:db8::1");
  const IpAddress& example = first.v6 ? v6 : v4;
  if (is_own(prefixes, index, example)) return example;
  IpAddress second = first;
  return first == prefixes[index].address && advance(second) && is_own(prefixes, index, second) ? second : first;
}

}  // namespace

std::vector<IpAddress> representatives(const IpPrefix& whole, std::vector<IpPrefix> cuts) {
  std::erase_if(cuts, [&](const IpPrefix& cut) { return !whole.contains(cut); });
  cuts.push_back(whole);
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<IpAddress> out;
  for (std::size_t i = 0; i < cuts.size(); ++i)
    if (const auto address = uncovered(cuts, i)) out.push_back(familiar(cuts, i, *address));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace netpolc::verify
