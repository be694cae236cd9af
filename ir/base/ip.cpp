#include "ir/base/ip.h"

#include <algorithm>
#include <cstdio>

namespace netpolc {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// Four octets of one to three digits, no leading zeros.
bool parse_octets(std::string_view text, std::uint8_t* out) {
  std::size_t at = 0;
  for (int octet = 0; octet < 4; ++octet) {
    if (octet > 0 && (at >= text.size() || text[at++] != '.')) return false;
    const std::size_t start = at;
    unsigned value = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      value = value * 10 + static_cast<unsigned>(text[at++] - '0');
      if (at - start > 3) return false;
    }
    const std::size_t digits = at - start;
    if (digits == 0 || value > 255 || (digits > 1 && text[start] == '0')) return false;
    out[octet] = static_cast<std::uint8_t>(value);
  }
  return at == text.size();
}

// The fields before `::` are at the front of `bytes`; moves those after it to the back.
bool expand_ellipsis(std::array<std::uint8_t, 16>& bytes, std::size_t filled, std::optional<std::size_t> ellipsis) {
  if (filled == 16) return !ellipsis;  // `::` stands for at least one field
  if (!ellipsis) return false;
  const auto begin = bytes.begin();
  std::rotate(begin + static_cast<std::ptrdiff_t>(*ellipsis), begin + static_cast<std::ptrdiff_t>(filled), bytes.end());
  return true;
}

std::optional<IpAddress> parse_v6(std::string_view rest) {
  IpAddress address{.v6 = true};
  std::optional<std::size_t> ellipsis;
  std::size_t filled = 0;
  if (rest.starts_with("::")) {
    ellipsis = 0;
    rest.remove_prefix(2);
    if (rest.empty()) return address;
  }
  while (filled < 16) {
    std::size_t digits = 0;
    unsigned value = 0;
    for (; digits < rest.size(); ++digits) {
      const auto digit = hex_digit(rest[digits]);
      if (!digit) break;
      if (digits == 4) return std::nullopt;
      value = value << 4 | *digit;
    }
    if (digits == 0) return std::nullopt;
    if (digits < rest.size() && rest[digits] == '.') {  // the last two fields as IPv4
      if ((!ellipsis && filled != 12) || filled > 12) return std::nullopt;
      if (!parse_octets(rest, address.bytes.data() + filled)) return std::nullopt;
      rest = {};
      filled += 4;
      break;
    }
    address.bytes[filled++] = static_cast<std::uint8_t>(value >> 8);
    address.bytes[filled++] = static_cast<std::uint8_t>(value & 0xFF);
    rest.remove_prefix(digits);
    if (rest.empty()) break;
    if (rest[0] != ':' || rest.size() == 1) return std::nullopt;
    rest.remove_prefix(1);
    if (rest[0] != ':') continue;
    if (ellipsis) return std::nullopt;
    ellipsis = filled;
    rest.remove_prefix(1);
    if (rest.empty()) break;
  }
  if (!rest.empty() || !expand_ellipsis(address.bytes, filled, ellipsis)) return std::nullopt;
  return address;
}

std::string octets(const std::uint8_t* bytes) {
  char text[16];
  std::snprintf(text, sizeof text, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
  return text;
}

struct Run {
  int begin = 0;
  int length = 0;
};

// The longest run of at least two zero fields, the first of several.
Run longest_zero_run(const std::array<std::uint16_t, 8>& fields) {
  Run best;
  for (int i = 0; i < 8; ++i) {
    int j = i;
    while (j < 8 && fields[static_cast<std::size_t>(j)] == 0) ++j;
    if (j - i >= 2 && j - i > best.length) best = {i, j - i};
    if (j > i) i = j;
  }
  return best;
}

std::string v6_text(const std::array<std::uint8_t, 16>& bytes) {
  const bool mapped = std::all_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t b) { return b == 0; }) &&
                      bytes[10] == 0xFF && bytes[11] == 0xFF;
  if (mapped) return "::ffff:" + octets(bytes.data() + 12);
  std::array<std::uint16_t, 8> fields{};
  for (std::size_t i = 0; i < 8; ++i) fields[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  const Run zeros = longest_zero_run(fields);
  std::string out;
  for (int i = 0; i < 8; ++i) {
    if (zeros.length > 0 && i == zeros.begin) {
      out += "::";
      i += zeros.length - 1;
      continue;
    }
    if (!out.empty() && !out.ends_with(':')) out += ':';
    char text[8];
    std::snprintf(text, sizeof text, "%x", static_cast<unsigned>(fields[static_cast<std::size_t>(i)]));
    out += text;
  }
  return out;
}

std::optional<int> parse_length(std::string_view text, int most) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  int value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value > most) return std::nullopt;
  return value;
}

IpAddress mask(IpAddress address, int length) {
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(length - 8 * i, 0, 8);
    address.bytes[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xFF00U >> kept);
  }
  return address;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::size_t first = text.find_first_of(".:%");
  if (first == std::string_view::npos || text[first] == '%') return std::nullopt;
  if (text[first] == ':') return parse_v6(text);
  IpAddress address;
  if (!parse_octets(text, address.bytes.data())) return std::nullopt;
  return address;
}

std::string IpAddress::to_string() const { return v6 ? v6_text(bytes) : octets(bytes.data()); }

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto length = parse_length(text.substr(slash + 1), address->bits());
  if (!length) return std::nullopt;
  return IpPrefix{mask(*address, *length), static_cast<std::uint8_t>(*length)};
}

IpPrefix IpPrefix::host(const IpAddress& address) {
  return {address, static_cast<std::uint8_t>(address.bits())};
}

bool IpPrefix::contains(const IpAddress& inner) const {
  return inner.v6 == address.v6 && mask(inner, length) == address;
}

bool IpPrefix::contains(const IpPrefix& inner) const { return inner.length >= length && contains(inner.address); }

std::string IpPrefix::to_string() const { return address.to_string() + "/" + std::to_string(length); }

}  // namespace netpolc
