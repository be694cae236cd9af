// compiler/report/plots.h — bars against a limit, drawn as SVG when the page is made.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace netpolc::compiler {

// 16384 as "16,384".
std::string grouped(std::uint64_t number);

struct Bar {
  std::string name;
  std::uint64_t value = 0;
};
struct BarPlot {
  std::string id, title, unit;  // `id` is unique in the page
  std::uint64_t limit = 0;      // greater than 0
  std::string limit_name;
  std::vector<Bar> bars;        // any order
};
// The greatest of them, at most `most`; the rest is counted. Logarithmic where the limit is more than a hundred times the least.
// A table says the same, so the picture is one to those who see it, and a sentence to others.
std::string bar_plot(BarPlot plot, std::size_t most = 24);

}  // namespace netpolc::compiler
