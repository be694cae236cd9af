// A comparison for a terminal.
#include <algorithm>

#include "compiler/diff/report.h"

namespace netpolc::compiler {
namespace {

constexpr std::size_t kWidest = 44;  // longer ones stand out of their column

// Characters as a terminal counts them: `→` is one.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(const std::string& text, std::size_t to) { return text + std::string(to > width(text) ? to - width(text) : 0, ' '); }

std::string painted(const std::string& text, char symbol, bool colour) {
  if (!colour) return text;
  const char* code = symbol == '+' ? "\x1b[32m" : symbol == '-' ? "\x1b[31m" : "\x1b[33m";
  return code + text + "\x1b[0m";
}

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

std::string to_text(const DiffReport& report, bool colour) {
  std::size_t who = 0, said = 0;
  for (const DiffLine& line : report.lines) {
    if (width(line.who) <= kWidest) who = std::max(who, width(line.who));
    for (const DiffReason& reason : line.reasons)
      if (!reason.place.empty()) said = std::max(said, width(reason.said));
  }
  std::string out;
  for (const DiffLine& line : report.lines) {
    const std::string head = painted(std::string(1, line.symbol) + " " + padded(line.word, 9), line.symbol, colour);
    out += trimmed("  " + head + "  " + padded(line.who, who) + "   " + line.what + (line.alarm.empty() ? "" : "   " + line.alarm)) + "\n";
    for (const DiffReason& reason : line.reasons) out += trimmed("               " + padded(reason.said, said) + "  " + reason.place) + "\n";
  }
  out += (report.lines.empty() ? "" : "\n") + report.counts + "\n";
  for (const std::string& footer : report.footers) out += footer + "\n";
  return out;
}

}  // namespace netpolc::compiler
