#include "runtime-loader/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace netpolc::loader {

std::optional<Address> Address::parse(const std::string& text) {
  Address address;
  address.v6 = text.find(':') != std::string::npos;
  if (inet_pton(address.v6 ? AF_INET6 : AF_INET, text.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::string Address::to_string() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return text;
}

std::optional<Prefix> Prefix::parse(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned bits = address->v6 ? 128 : 32;
  unsigned length = bits;
  if (slash != std::string::npos) {
    const char* begin = text.data() + slash + 1;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(begin, end, length);
    if (error != std::errc{} || stop != end || length > bits) return std::nullopt;
  }
  Prefix prefix{*address, static_cast<std::uint8_t>(length)};
  for (unsigned bit = length; bit < bits; ++bit)
    prefix.address.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
  return prefix;
}

bool Prefix::contains(const Prefix& inner) const {
  if (address.v6 != inner.address.v6 || length > inner.length) return false;
  for (unsigned byte = 0; byte * 8 < length; ++byte) {
    const unsigned bits = std::min(8u, length - byte * 8);
    const unsigned differs = address.bytes[byte] ^ inner.address.bytes[byte];
    if ((differs >> (8 - bits)) != 0) return false;
  }
  return true;
}

std::string Prefix::to_string() const { return address.to_string() + "/" + std::to_string(length); }

}  // namespace netpolc::loader
