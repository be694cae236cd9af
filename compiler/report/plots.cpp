#include "compiler/report/plots.h"

#include <algorithm>
#include <cmath>

#include "compiler/report/html.h"

namespace netpolc::compiler {
namespace {

constexpr int kLeft = 200, kWidth = 320, kRight = 80, kRow = 20, kHead = 26, kFoot = 42;

std::string number(double n) {
  const auto tenths = static_cast<long long>(std::llround(n * 10));
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10));
}

// From 0, or from 1 where it is logarithmic, to the greatest.
struct Axis {
  bool logarithmic = false;
  double greatest = 1;
  double x(std::uint64_t value) const {
    const auto of = static_cast<double>(value);
    if (!logarithmic) return kLeft + kWidth * of / greatest;
    return kLeft + (value == 0 ? 0.0 : kWidth * std::log10(of) / std::log10(greatest));
  }
};

Axis axis_of(const BarPlot& plot) {
  std::uint64_t least = plot.limit, greatest = plot.limit;
  for (const Bar& bar : plot.bars) {
    if (bar.value != 0) least = std::min(least, bar.value);
    greatest = std::max(greatest, bar.value);
  }
  return {greatest / std::max<std::uint64_t>(least, 1) > 100, static_cast<double>(std::max<std::uint64_t>(greatest, 2))};
}

std::string text(const char* kind, double x, double y, const std::string& said) {
  return std::string("<text class=\"") + kind + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\">" + escaped_html(said) + "</text>";
}

std::string line(const char* kind, double x, double y1, double y2) {
  return std::string("<line class=\"") + kind + "\" x1=\"" + number(x) + "\" x2=\"" + number(x) + "\" y1=\"" + number(y1) + "\" y2=\"" + number(y2) + "\"/>";
}

// Thousands as "k", millions as "M": there is little room.
std::string tick_name(std::uint64_t tick) {
  if (tick >= 1000000 && tick % 1000000 == 0) return grouped(tick / 1000000) + "M";
  return tick >= 1000 && tick % 1000 == 0 ? grouped(tick / 1000) + "k" : grouped(tick);
}

std::string scale(const Axis& axis, double bottom) {
  std::vector<std::uint64_t> ticks;
  if (axis.logarithmic)
    for (std::uint64_t tick = 1; static_cast<double>(tick) <= axis.greatest; tick *= 10) ticks.push_back(tick);
  else
    for (int quarter = 0; quarter <= 4; ++quarter) ticks.push_back(static_cast<std::uint64_t>(axis.greatest) * static_cast<std::uint64_t>(quarter) / 4);
  std::string out;
  for (const std::uint64_t tick : ticks) out += line("tick", axis.x(tick), kHead, bottom) + text("number", axis.x(tick), bottom + 14, tick_name(tick));
  return out;
}

std::string shortened(const std::string& name) {
  constexpr std::size_t kMost = 28;
  return name.size() <= kMost ? name : name.substr(0, kMost - 1) + "…";
}

std::string description(const BarPlot& plot, std::size_t left_out) {
  std::string out = std::to_string(plot.bars.size() + left_out) + " policies; the most is " + grouped(plot.bars.front().value) + " " + plot.unit + ", of " + plot.bars.front().name + "; " + plot.limit_name + " is " + grouped(plot.limit) + ".";
  if (left_out != 0) out += " Of the others none is above " + grouped(plot.bars.back().value) + ".";
  return out;
}

}  // namespace

std::string grouped(std::uint64_t n) {
  std::string out = std::to_string(n);
  for (int at = static_cast<int>(out.size()) - 3; at > 0; at -= 3) out.insert(static_cast<std::size_t>(at), ",");
  return out;
}

std::string bar_plot(BarPlot plot, std::size_t most) {
  if (plot.bars.empty()) return "";
  std::stable_sort(plot.bars.begin(), plot.bars.end(), [](const Bar& a, const Bar& b) { return a.value > b.value; });
  const Axis axis = axis_of(plot);
  const std::size_t left_out = plot.bars.size() > most ? plot.bars.size() - most : 0;
  plot.bars.resize(plot.bars.size() - left_out);
  const double bottom = kHead + kRow * static_cast<double>(plot.bars.size()) + 4;
  std::string out = "<svg class=\"plot\" role=\"img\" aria-labelledby=\"" + plot.id + "-title " + plot.id + "-desc\" viewBox=\"0 0 " + std::to_string(kLeft + kWidth + kRight) + " " + number(bottom + kFoot) + "\"><title id=\"" + plot.id +
                    "-title\">" + escaped_html(plot.title) + "</title><desc id=\"" + plot.id + "-desc\">" + escaped_html(description(plot, left_out)) + "</desc>\n" + scale(axis, bottom);
  for (std::size_t i = 0; i < plot.bars.size(); ++i) {
    const Bar& bar = plot.bars[i];
    const double y = kHead + kRow * static_cast<double>(i), end = axis.x(bar.value);
    out += text("name", kLeft - 8, y + 14, shortened(bar.name)) + "<rect class=\"" + (bar.value > plot.limit ? "bar over" : "bar") + "\" x=\"" + std::to_string(kLeft) + "\" y=\"" + number(y + 3) + "\" width=\"" +
           number(std::max(1.0, end - kLeft)) + "\" height=\"14\"><title>" + escaped_html(bar.name) + "   " + grouped(bar.value) + "</title></rect>" + text("value", end + 6, y + 14, grouped(bar.value) + (bar.value > plot.limit ? " over" : "")) + "\n";
  }
  out += line("limit", axis.x(plot.limit), kHead - 6, bottom) + text("limit-name", axis.x(plot.limit), kHead - 11, plot.limit_name + " " + grouped(plot.limit));
  out += text("unit", kLeft, bottom + 32, plot.unit + (axis.logarithmic ? ", on a logarithmic scale" : "") + (left_out == 0 ? "" : "; " + std::to_string(left_out) + " more have at most " + grouped(plot.bars.back().value)));
  return out + "</svg>\n";
}

}  // namespace netpolc::compiler
