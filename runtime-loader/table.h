// runtime-loader/table.h — columns of text, aligned.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

namespace netpolc::loader {

using TableRows = std::vector<std::vector<std::string>>;

// Rows of equal length, the first the heading; the last column is as long as it is.
inline std::string table_text(const TableRows& rows, const std::string& indent = "") {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    text += indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
  }
  return text;
}

}  // namespace netpolc::loader
