// A comparison as a comment on a pull request: a table, worst first, and never longer than such a comment may be.
#include "compiler/diff/report.h"

namespace netpolc::compiler {
namespace {

// As text in a cell, whatever is in it.
std::string cell(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool link = text.compare(at, 3, "://") == 0 || (c == '.' && at >= 3 && text.compare(at - 3, 3, "www") == 0);
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) out += ' ';
    else if (link) (out += '\\') += c;
    else if (c == '<') out += "&lt;";
    else if (c == '&') out += "&amp;";
    else if (std::string_view("\\`*_|[]@#~").find(c) != std::string_view::npos) (out += '\\') += c;
    else out += c;
  }
  return out;
}

std::string row(const DiffLine& line) {
  std::string out = "| `" + std::string(1, line.symbol) + "` " + line.word + " | " + cell(line.who) + " | " + cell(line.what);
  if (!line.alarm.empty()) out += " **" + line.alarm + "**";
  out += " | ";
  for (std::size_t i = 0; i < line.reasons.size(); ++i) {
    const DiffReason& reason = line.reasons[i];
    out += (i == 0 ? "" : "<br>") + cell(reason.said) + (reason.place.empty() ? "" : " (" + cell(reason.place) + ")");
  }
  return out + " |\n";
}

}  // namespace

std::string to_markdown(const DiffReport& report, std::size_t most) {
  constexpr std::size_t kRest = 100;
  std::string out = "### What passes\n\n" + cell(report.counts) + "\n";
  for (const std::string& footer : report.footers) out += "\n" + cell(footer) + "\n";
  if (report.lines.empty()) return out;
  out += "\n| | who | what | why |\n|---|---|---|---|\n";
  for (std::size_t i = 0; i < report.lines.size(); ++i) {
    const std::string next = row(report.lines[i]);
    if (out.size() + next.size() + kRest > most) return out + "\nand " + std::to_string(report.lines.size() - i) + " more lines, which `netpolc diff` prints as text.\n";
    out += next;
  }
  return out;
}

}  // namespace netpolc::compiler
