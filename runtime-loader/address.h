// runtime-loader/address.h — addresses and prefixes as the loader and its tests need them:
// bytes in network order, as keys of maps have them, read and printed by the C library.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace netpolc::loader {

struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // IPv4 uses the first four
  auto operator<=>(const Address&) const = default;

  static std::optional<Address> parse(const std::string& text);
  std::string to_string() const;
  std::size_t size() const { return v6 ? 16 : 4; }
};

struct Prefix {
  Address address;  // host bits are zero
  std::uint8_t length = 0;
  auto operator<=>(const Prefix&) const = default;

  // "192.0.2.0/24" or a bare address, which is its host prefix. Host bits are masked off.
  static std::optional<Prefix> parse(const std::string& text);
  std::string to_string() const;
  bool contains(const Prefix& inner) const;
  bool is_single() const { return length == (address.v6 ? 128 : 32); }
};

}  // namespace netpolc::loader
