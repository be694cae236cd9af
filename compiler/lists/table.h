// compiler/lists/table.h — tables in the look of cilium-dbg: columns three blanks apart, and a row is as many lines as its longest cell.
#pragma once
#include <string>
#include <vector>

namespace netpolc::compiler::lists {

using Cell = std::vector<std::string>;  // its lines

struct Table {
  std::vector<std::vector<std::string>> header;  // lines of it, each with a text for every column
  std::vector<std::vector<Cell>> rows;           // each with a cell for every column
};

// Lines without blanks at their ends. A column is as wide as its widest text, of the header as well, even where that is left out.
std::string to_text(const Table& table, bool with_header);

// The first of many, and how many more there are.
Cell some_of(const std::vector<std::string>& names);

}  // namespace netpolc::compiler::lists
