#include "compiler/lists/table.h"

#include <algorithm>

namespace netpolc::compiler::lists {
namespace {

constexpr std::size_t kGap = 3;
constexpr std::size_t kNamesShown = 8;

void add_line(const std::vector<std::string>& texts, const std::vector<std::size_t>& widths, std::string& out) {
  std::string line;
  for (std::size_t column = 0; column < texts.size(); ++column) {
    line += texts[column];
    line.append(widths[column] + kGap - texts[column].size(), ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

std::vector<std::size_t> widths_of(const Table& table) {
  std::vector<std::size_t> out(table.header.front().size(), 0);
  for (const auto& line : table.header)
    for (std::size_t column = 0; column < out.size(); ++column) out[column] = std::max(out[column], line[column].size());
  for (const auto& row : table.rows)
    for (std::size_t column = 0; column < out.size(); ++column)
      for (const std::string& text : row[column]) out[column] = std::max(out[column], text.size());
  return out;
}

}  // namespace

std::string to_text(const Table& table, bool with_header) {
  const std::vector<std::size_t> widths = widths_of(table);
  std::string out;
  if (with_header)
    for (const auto& line : table.header) add_line(line, widths, out);
  for (const auto& row : table.rows) {
    std::size_t height = 1;
    for (const Cell& cell : row) height = std::max(height, cell.size());
    for (std::size_t i = 0; i < height; ++i) {
      std::vector<std::string> line;
      for (const Cell& cell : row) line.push_back(i < cell.size() ? cell[i] : "");
      add_line(line, widths, out);
    }
  }
  return out;
}

Cell some_of(const std::vector<std::string>& names) {
  if (names.size() <= kNamesShown + 1) return names;
  Cell out(names.begin(), names.begin() + kNamesShown);
  out.push_back("and " + std::to_string(names.size() - kNamesShown) + " more");
  return out;
}

}  // namespace netpolc::compiler::lists
