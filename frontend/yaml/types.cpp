// What JSON type a plain scalar has: YAML 1.1 as Go's yaml.v2 (through sigs.k8s.io/yaml)
// resolves it: `y` and `n` are booleans there; timestamps stay strings.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "frontend/yaml/syntax.h"

namespace netpolc::frontend {
namespace {

enum class BoolText { No, True, False };

BoolText bool_text(std::string_view text) {
  if (text.empty() || text.size() > 5) return BoolText::No;
  for (std::string_view word : {"true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON"}) {
    if (text == word) return BoolText::True;
  }
  for (std::string_view word : {"false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF"}) {
    if (text == word) return BoolText::False;
  }
  return BoolText::No;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool may_be_number(std::string_view text) {
  return !text.empty() && (is_digit(text[0]) || text[0] == '+' || text[0] == '-' || text[0] == '.');
}

struct Number {
  bool negative = false;
  std::uint64_t magnitude = 0;
};

// strconv.ParseInt and ParseUint with base 0.
std::optional<Number> parse_integer(std::string_view text) {
  Number number;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    number.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = static_cast<char>(text[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 8;
    text.remove_prefix(letter == 'x' || letter == 'o' || letter == 'b' ? 2 : 1);
  }
  const char* const end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, number.magnitude, base);
  if (text.empty() || fault != std::errc{} || stop != end) return std::nullopt;
  if (number.negative && number.magnitude > (std::uint64_t{1} << 63)) return std::nullopt;
  return number;
}

std::size_t skip_digits(std::string_view text, std::size_t i) {
  while (i < text.size() && is_digit(text[i])) ++i;
  return i;
}

// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool is_float_text(std::string_view text) {
  std::size_t i = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  const std::size_t whole = skip_digits(text, i);
  const bool has_whole = whole > i;
  i = whole;
  if (i < text.size() && text[i] == '.') {
    const std::size_t fraction = skip_digits(text, i + 1);
    if (!has_whole && fraction == i + 1) return false;
    i = fraction;
  } else if (!has_whole) {
    return false;
  }
  if (i < text.size() && (text[i] | 0x20) == 'e') {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    const std::size_t exponent = skip_digits(text, i);
    if (exponent == i) return false;
    i = exponent;
  }
  return i == text.size();
}

bool is_special_float(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF";
}

std::string without_underscores(std::string_view text) {
  std::string result(text);
  result.erase(std::remove(result.begin(), result.end(), '_'), result.end());
  return result;
}

bool is_number_text(std::string_view text) {
  if (!may_be_number(text)) return false;
  if (is_special_float(text)) return true;
  const std::string digits = without_underscores(text);
  return parse_integer(digits) || is_float_text(digits);
}

// Floats reach the API server as JSON numbers: 80.0 and 1e3 are integers there.
std::optional<double> integral_float(const std::string& digits) {
  if (!is_float_text(digits)) return std::nullopt;
  double value = 0;
  const char* const begin = digits.data() + (digits[0] == '+' ? 1 : 0);
  const char* const end = digits.data() + digits.size();
  const auto [stop, fault] = std::from_chars(begin, end, value);
  if (fault != std::errc{} || stop != end) return std::nullopt;
  if (std::trunc(value) != value || std::abs(value) >= 1e21) return std::nullopt;
  return value;
}

}  // namespace

bool Node::is_bool() const { return is_scalar() && plain && bool_text(text) != BoolText::No; }

bool Node::bool_value() const { return bool_text(text) == BoolText::True; }

bool Node::is_number() const { return is_scalar() && plain && is_number_text(text); }

bool Node::is_integer() const {
  if (!is_scalar() || !plain || !may_be_number(text)) return false;
  const std::string digits = without_underscores(text);
  return parse_integer(digits) || integral_float(digits);
}

bool Node::is_string() const {
  return is_scalar() && (!plain || (bool_text(text) == BoolText::No && !is_number_text(text)));
}

std::optional<long long> Node::integer_value() const {
  if (!is_integer()) return std::nullopt;
  const std::string digits = without_underscores(text);
  if (const auto number = parse_integer(digits)) {
    if (number->negative) return static_cast<long long>(-number->magnitude);
    if (number->magnitude > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<long long>(number->magnitude);
  }
  const double value = *integral_float(digits);
  if (value < -9.2e18 || value > 9.2e18) return std::nullopt;
  return static_cast<long long>(value);
}

std::string yaml::key_text(const Node& key) {
  if (key.is_bool()) return key.bool_value() ? "true" : "false";
  if (const auto value = key.integer_value()) return std::to_string(*value);
  return key.text;
}

}  // namespace netpolc::frontend
