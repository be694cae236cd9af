// A report as a picture: namespaces are boxes, and a line says that something passes, but not everything. Who may do everything
// needs no line, and who has no policy at all would draw one to everybody.
#include <algorithm>
#include <map>

#include "compiler/report/model.h"

namespace netpolc::compiler {
namespace {

using Kind = ReportCell::Kind;

constexpr int kWidth = 1100, kBox = 240, kGap = 40, kRow = 24, kHead = 30, kMargin = 20;

// Ends of a namespace, or of what is around.
struct Box {
  std::string name;
  std::vector<std::uint32_t> ends;
  int x = 0, y = 0, height = 0;
};

std::vector<Box> boxes(const Report& report) {
  std::map<std::string, std::vector<std::uint32_t>> namespaces;
  Box inside{"cluster", {}}, outside{"outside", {}};
  for (std::uint32_t e = 0; e < report.ends.size(); ++e) {
    const ReportEnd& end = report.ends[e];
    if (end.kind == ReportEnd::Kind::Workload) namespaces[end.ns].push_back(e);
    else (end.kind == ReportEnd::Kind::Inside ? inside : outside).ends.push_back(e);
  }
  std::vector<Box> out;
  if (!outside.ends.empty()) out.push_back(std::move(outside));
  for (auto& [name, ends] : namespaces) out.push_back({name, std::move(ends)});
  if (!inside.ends.empty()) out.push_back(std::move(inside));
  return out;
}

// One after the other, and a new row where the last is full.
int place(std::vector<Box>& all, bool open) {
  int x = kMargin, y = kMargin, highest = 0;
  for (Box& box : all) {
    box.height = kHead + (open ? kRow * static_cast<int>(box.ends.size()) + 8 : kRow);
    if (x + kBox > kWidth) x = kMargin, y += highest + kGap, highest = 0;
    box.x = x;
    box.y = y;
    x += kBox + kGap;
    highest = std::max(highest, box.height);
  }
  return y + highest + kMargin;
}

std::string short_name(const ReportEnd& end) {
  if (!end.ns.empty()) return end.name.substr(end.ns.size() + 1);
  return end.name.starts_with("entity:") ? end.name.substr(7) : end.name;
}

std::string number(int n) { return std::to_string(n); }

// From the right side of a box to the left side of another; within a box, on its right side.
std::string curve(const Box& from, int y1, const Box& to, int y2, const std::string& ends, const std::string& title) {
  const bool within = &from == &to;
  const int x1 = from.x + kBox, x2 = within ? x1 : to.x;
  const int bend = within ? 18 : std::max(40, std::abs(x2 - x1) / 3);
  return "<path class=\"edge\" " + ends + " d=\"M" + number(x1) + " " + number(y1) + "C" + number(x1 + bend) + " " + number(y1) + " " + number(within ? x2 + bend : x2 - bend) + " " + number(y2) + " " +
         number(x2) + " " + number(y2) + "\" marker-end=\"url(#arrow)\"><title>" + escaped_html(title) + "</title></path>\n";
}

struct Picture {
  std::string shapes, edges;
  int height = 0;
};

Picture open_boxes(const Report& report, std::vector<Box> all) {
  Picture out;
  out.height = place(all, true);
  std::vector<std::pair<const Box*, int>> at(report.ends.size());
  for (const Box& box : all) {
    out.shapes += "<g class=\"box\"><rect x=\"" + number(box.x) + "\" y=\"" + number(box.y) + "\" width=\"" + number(kBox) + "\" height=\"" + number(box.height) + "\" rx=\"6\"/><text class=\"head\" x=\"" +
                  number(box.x + 10) + "\" y=\"" + number(box.y + 20) + "\">" + escaped_html(box.name) + "</text>\n";
    for (std::size_t i = 0; i < box.ends.size(); ++i) {
      const int y = box.y + kHead + kRow * static_cast<int>(i);
      at[box.ends[i]] = {&box, y + 9};
      out.shapes += "<text class=\"end\" data-end=\"" + std::to_string(box.ends[i]) + "\" x=\"" + number(box.x + 14) + "\" y=\"" + number(y + 14) + "\">" + escaped_html(short_name(report.ends[box.ends[i]])) + "</text>\n";
    }
    out.shapes += "</g>\n";
  }
  for (std::uint32_t f = 0; f < report.ends.size(); ++f)
    for (std::uint32_t t = 0; t < report.ends.size(); ++t) {
      const ReportCell& cell = report.cell(report.ends[f], report.ends[t]);
      if (f == t || cell.kind != Kind::Some) continue;
      out.edges += curve(*at[f].first, at[f].second, *at[t].first, at[t].second, "data-from=\"" + std::to_string(f) + "\" data-to=\"" + std::to_string(t) + "\"", report.ends[f].name + " → " + report.ends[t].name + "   " + report.texts[cell.text]);
    }
  return out;
}

// Namespaces only; of two of them, how many pairs of ends something passes between.
Picture closed_boxes(const Report& report, std::vector<Box> all) {
  Picture out;
  out.height = place(all, false);
  for (const Box& box : all)
    out.shapes += "<g class=\"box\"><rect x=\"" + number(box.x) + "\" y=\"" + number(box.y) + "\" width=\"" + number(kBox) + "\" height=\"" + number(box.height) + "\" rx=\"6\"/><text class=\"head\" x=\"" + number(box.x + 10) +
                  "\" y=\"" + number(box.y + 20) + "\">" + escaped_html(box.name) + "</text><text class=\"end\" x=\"" + number(box.x + 14) + "\" y=\"" + number(box.y + kHead + 14) + "\">" + std::to_string(box.ends.size()) + (box.ends.size() == 1 ? " end" : " ends") + "</text></g>\n";
  for (const Box& from : all)
    for (const Box& to : all) {
      if (&from == &to) continue;
      // By group: a namespace of a thousand pods has few of them.
      std::map<std::uint32_t, std::uint64_t> sources, destinations;
      for (const auto e : from.ends) ++sources[report.ends[e].group];
      for (const auto e : to.ends) ++destinations[report.ends[e].group];
      std::uint64_t pairs = 0;
      for (const auto& [f, many] : sources)
        for (const auto& [t, times] : destinations)
          if (report.cells[f][t].kind == Kind::Some) pairs += many * times;
      if (pairs != 0) out.edges += curve(from, from.y + 15, to, to.y + 15, "", from.name + " → " + to.name + "   " + std::to_string(pairs) + " pairs");
    }
  return out;
}

std::string dot_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}

}  // namespace

std::string report_svg(const Report& report, std::size_t most) {
  const Picture picture = report.ends.size() <= most ? open_boxes(report, boxes(report)) : closed_boxes(report, boxes(report));
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"graph\" role=\"img\" aria-label=\"who may reach whom\" viewBox=\"0 0 " + number(kWidth + kMargin) + " " + number(picture.height) + "\">\n"
         "<style>text{font:13px system-ui,sans-serif;fill:var(--text,#222)}.head{font-weight:600}.box rect{fill:var(--panel,#f5f6f8);stroke:var(--line,#c9ced6)}"
         ".edge{fill:none;stroke:var(--edge,#2563a8);stroke-width:1.2;opacity:.55}#arrow path{fill:var(--edge,#2563a8)}</style>\n"
         "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n" +
         picture.shapes + picture.edges + "</svg>\n";
}

std::string report_dot(const Report& report) {
  std::string out = "digraph reachability {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n";
  std::size_t cluster = 0;
  for (const Box& box : boxes(report)) {
    out += "  subgraph cluster_" + std::to_string(cluster++) + " {\n    label=" + dot_quoted(box.name) + ";\n";
    for (const auto e : box.ends) out += "    " + dot_quoted(report.ends[e].name) + " [label=" + dot_quoted(short_name(report.ends[e])) + "];\n";
    out += "  }\n";
  }
  for (std::size_t f = 0; f < report.ends.size(); ++f)
    for (std::size_t t = 0; t < report.ends.size(); ++t) {
      const ReportCell& cell = report.cell(report.ends[f], report.ends[t]);
      if (f == t || cell.kind != Kind::Some) continue;
      out += "  " + dot_quoted(report.ends[f].name) + " -> " + dot_quoted(report.ends[t].name) + " [label=" + dot_quoted(report.texts[cell.text]) + "];\n";
    }
  return out + "}\n";
}

}  // namespace netpolc::compiler
