#include "runtime-loader/exposition.h"

#include <array>
#include <charconv>
#include <cmath>

namespace netpolc::loader {
namespace {

// Bytes of the UTF-8 character that begins there; 0: none does.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && byte(1) < 0xa0) return 0;   // shorter ones are the form
  if (first == 0xed && byte(1) >= 0xa0) return 0;  // surrogates
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) >= 0x90) return 0;
  return length;
}

}  // namespace

std::string escaped_label(const std::string& value) {
  std::string out;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t length = character(std::string_view(value).substr(at));
    if (length == 0) out += '?';
    else if (value[at] == '\\') out += "\\\\";
    else if (value[at] == '"') out += "\\\"";
    else if (value[at] == '\n') out += "\\n";
    else out += value.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

void Exposition::family(std::string_view name, MetricKind kind, std::string_view help) {
  static constexpr std::array kKinds = {"gauge", "counter", "histogram"};
  name_ = name;
  text_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " + kKinds[static_cast<std::size_t>(kind)] + "\n";
}

std::string Exposition::number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

void Exposition::add(std::string_view suffix, Labels labels, const std::string& value) {
  text_ += name_;
  text_ += suffix;
  bool first = true;
  for (const auto& [name, text] : labels) {
    text_ += first ? "{" : ",";
    text_ += name;
    text_ += "=\"" + escaped_label(text) + "\"";
    first = false;
  }
  text_ += (first ? " " : "} ") + value + "\n";
}

}  // namespace netpolc::loader
