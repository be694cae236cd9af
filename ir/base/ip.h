// ir/base/ip.h — IPv4 and IPv6 addresses and prefixes as values, host-independent.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netpolc {

struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first four
  auto operator<=>(const IpAddress&) const = default;
  int bits() const { return v6 ? 128 : 32; }

  // As Go's netip.ParseAddr reads it, without zones: no leading zeros in IPv4 octets;
  // IPv4-mapped IPv6 stays IPv6.
  static std::optional<IpAddress> parse(std::string_view text);
  std::string to_string() const;  // RFC 5952 for IPv6
};

struct IpPrefix {
  IpAddress address;  // host bits are zero
  std::uint8_t length = 0;
  auto operator<=>(const IpPrefix&) const = default;

  // "a.b.c.d/n" or an IPv6 prefix; host bits are masked off. No bare addresses.
  static std::optional<IpPrefix> parse(std::string_view text);
  static IpPrefix host(const IpAddress& address);  // /32 or /128
  bool contains(const IpAddress& inner) const;
  bool contains(const IpPrefix& inner) const;
  std::string to_string() const;
};

}  // namespace netpolc
