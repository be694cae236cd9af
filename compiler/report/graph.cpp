// A report as a picture: namespaces are boxes, and a line says that something passes, but not everything. Who may do everything
// needs no line, and who has no policy at all would draw one to everybody. What has changed has a line in any case.
#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/report/html.h"

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
  Box inside{"cluster", {}}, outside{"outside", {}}, names{"DNS names", {}};
  for (std::uint32_t e = 0; e < report.ends.size(); ++e) {
    const ReportEnd& end = report.ends[e];
    if (end.kind == ReportEnd::Kind::Workload) namespaces[end.ns].push_back(e);
    else (end.kind == ReportEnd::Kind::Inside ? inside : end.kind == ReportEnd::Kind::Name ? names : outside).ends.push_back(e);
  }
  std::vector<Box> out;
  if (!outside.ends.empty()) out.push_back(std::move(outside));
  for (auto& [name, ends] : namespaces) out.push_back({name, std::move(ends)});
  if (!inside.ends.empty()) out.push_back(std::move(inside));
  if (!names.ends.empty()) out.push_back(std::move(names));
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
  if (end.name.starts_with("fqdn:")) return end.name.substr(5);
  return end.name.starts_with("entity:") ? end.name.substr(7) : end.name;
}

std::string number(int n) { return std::to_string(n); }

// A name is cut where its box ends.
std::string fitting(const std::string& text) {
  constexpr std::size_t kMost = 30;
  return text.size() <= kMost ? text : text.substr(0, kMost - 1) + "…";
}

const char* kind_of(char mark) { return mark == '+' ? "opened" : mark == '-' ? "closed" : mark == '~' ? "changed" : ""; }

// Between the sides of two boxes that face each other; of boxes one above the other, and within a box, on the right side.
// What has changed is marked half-way.
std::string curve(const Box& from, int y1, const Box& to, int y2, const std::string& ends, const std::string& title, char mark) {
  const bool right = to.x > from.x, left = to.x < from.x;
  const int x1 = left ? from.x : from.x + kBox, x2 = right ? to.x : to.x + kBox;
  const int bend = right || left ? std::max(kGap / 2, std::abs(x2 - x1) / 3) : &from == &to ? 18 : 30;
  const int c1 = left ? x1 - bend : x1 + bend, c2 = right ? x2 - bend : x2 + bend;
  const std::string kind = kind_of(mark);
  std::string out = "<g class=\"edge" + (kind.empty() ? "" : " " + kind) + "\" " + ends + "><path d=\"M" + number(x1) + " " + number(y1) + "C" + number(c1) + " " + number(y1) + " " + number(c2) + " " + number(y2) + " " + number(x2) + " " + number(y2) +
                    "\" marker-end=\"url(#arrow" + (kind.empty() ? "" : "-" + kind) + ")\"/>";
  if (mark != ' ') {
    const int x = (x1 + 3 * c1 + 3 * c2 + x2) / 8, y = (y1 + y2) / 2;
    out += "<circle cx=\"" + number(x) + "\" cy=\"" + number(y) + "\" r=\"7\"/><text class=\"sign\" x=\"" + number(x) + "\" y=\"" + number(y + 4) + "\">" + (mark == '-' ? "−" : std::string(1, mark)) + "</text>";
  }
  return out + "<title>" + escaped_html(title) + "</title></g>\n";
}

char mark_of(const Report& report, const ReportCell& cell) { return report.changes[cell.change].mark; }

std::string what(const Report& report, const ReportCell& cell) { return cell.change == 0 ? report.texts[cell.text] : change_text(report, cell); }

bool drawn(const ReportCell& cell) { return cell.kind == Kind::Some || cell.change != 0; }

// Names are drawn last, so that lines do not cross them out.
struct Picture {
  std::string boxes, edges, texts;
  int height = 0;

  void add(const Box& box) {
    boxes += "<rect class=\"box\" x=\"" + number(box.x) + "\" y=\"" + number(box.y) + "\" width=\"" + number(kBox) + "\" height=\"" + number(box.height) + "\" rx=\"6\"/>\n";
    texts += "<text class=\"head\" x=\"" + number(box.x + 10) + "\" y=\"" + number(box.y + 20) + "\">" + escaped_html(fitting(box.name)) + "</text>\n";
  }
};

Picture open_boxes(const Report& report, std::vector<Box> all) {
  Picture out;
  out.height = place(all, true);
  std::vector<std::pair<const Box*, int>> at(report.ends.size());
  for (const Box& box : all) {
    out.add(box);
    for (std::size_t i = 0; i < box.ends.size(); ++i) {
      const int y = box.y + kHead + kRow * static_cast<int>(i);
      at[box.ends[i]] = {&box, y + 9};
      const ReportEnd& end = report.ends[box.ends[i]];
      out.texts += std::string("<text class=\"end") + (end.came ? " came" : "") + "\" data-end=\"" + std::to_string(box.ends[i]) + "\" x=\"" + number(box.x + 14) + "\" y=\"" + number(y + 14) + "\">" + escaped_html(fitting(short_name(end))) +
                   (end.came ? " (new)" : "") + "<title>" + escaped_html(end.name) + "</title></text>\n";
    }
  }
  for (std::uint32_t f = 0; f < report.ends.size(); ++f)
    for (std::uint32_t t = 0; t < report.ends.size(); ++t) {
      const ReportCell& cell = report.cell(report.ends[f], report.ends[t]);
      if (f == t || !drawn(cell)) continue;
      out.edges += curve(*at[f].first, at[f].second, *at[t].first, at[t].second, "data-from=\"" + std::to_string(f) + "\" data-to=\"" + std::to_string(t) + "\"", report.ends[f].name + " → " + report.ends[t].name + "   " + what(report, cell), mark_of(report, cell));
    }
  return out;
}

// All lines between two boxes: pairs that something passes between, but not everything, and those that have changed.
struct Bundle {
  std::uint64_t pairs = 0, opened = 0, closed = 0, other = 0;
  std::uint64_t changed() const { return opened + closed + other; }
  char mark() const { return changed() == 0 ? ' ' : opened == changed() ? '+' : closed == changed() ? '-' : '~'; }
};

// By group: a namespace of a thousand pods has few of them.
Bundle between(const Report& report, const Box& from, const Box& to) {
  std::map<std::uint32_t, std::uint64_t> sources, destinations;
  for (const auto e : from.ends) ++sources[report.ends[e].group];
  for (const auto e : to.ends) ++destinations[report.ends[e].group];
  Bundle out;
  for (const auto& [f, many] : sources)
    for (const auto& [t, times] : destinations) {
      const ReportCell& cell = report.cells[f][t];
      if (cell.kind == Kind::Some) out.pairs += many * times;
      const char mark = mark_of(report, cell);
      if (mark != ' ') (mark == '+' ? out.opened : mark == '-' ? out.closed : out.other) += many * times;
    }
  return out;
}

// Namespaces only; of two of them, how many pairs of ends something passes between.
Picture closed_boxes(const Report& report, std::vector<Box> all) {
  Picture out;
  out.height = place(all, false);
  for (const Box& box : all) {
    out.add(box);
    out.texts += "<text class=\"end\" x=\"" + number(box.x + 14) + "\" y=\"" + number(box.y + kHead + 14) + "\">" + std::to_string(box.ends.size()) + (box.ends.size() == 1 ? " end" : " ends") + "</text>\n";
  }
  for (const Box& from : all)
    for (const Box& to : all) {
      if (&from == &to) continue;
      const Bundle lines = between(report, from, to);
      if (lines.pairs == 0 && lines.changed() == 0) continue;
      std::string said = from.name + " → " + to.name + "   " + std::to_string(lines.pairs) + (lines.pairs == 1 ? " pair" : " pairs");
      if (lines.opened != 0) said += ", " + std::to_string(lines.opened) + " opened";
      if (lines.closed != 0) said += ", " + std::to_string(lines.closed) + " closed";
      if (lines.other != 0) said += ", " + std::to_string(lines.other) + " changed";
      out.edges += curve(from, from.y + 15, to, to.y + 15, "", said, lines.mark());
    }
  return out;
}

std::string arrow(const char* id, const char* colour) {
  return std::string("<marker id=\"") + id + "\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" stroke=\"none\" fill=\"" + colour + "\"/></marker>";
}

const char* dot_style(char mark) {
  if (mark == '+') return ", color=\"#1a7f37\", penwidth=2.5";
  if (mark == '-') return ", color=\"#b42318\", style=dashed";
  return mark == '~' ? ", color=\"#8a5a00\", style=dotted, penwidth=1.5" : "";
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
         "<style>text{font:13px system-ui,sans-serif;fill:var(--text,#222)}.head,.end{paint-order:stroke;stroke:var(--panel,#f5f6f8);stroke-width:3px}.head{font-weight:600}.box{fill:var(--panel,#f5f6f8);stroke:var(--line,#c9ced6)}"
         ".edge{stroke:var(--edge,#2563a8);stroke-width:1.2;opacity:.55}.edge path{fill:none}.edge.opened,.edge.closed,.edge.changed{opacity:.9;stroke-width:1.8}"
         ".edge.opened{stroke:var(--opened,#1a7f37);stroke-width:3}.edge.closed{stroke:var(--closed,#b42318);stroke-dasharray:7 4}.edge.changed{stroke:var(--changed,#8a5a00);stroke-dasharray:2 3}"
         ".edge circle{fill:var(--page,#fff);stroke-width:1;stroke-dasharray:none}.edge .sign{font-weight:700;text-anchor:middle;stroke:none}.came{font-weight:700}</style>\n<defs>" +
         arrow("arrow", "var(--edge,#2563a8)") + arrow("arrow-opened", "var(--opened,#1a7f37)") + arrow("arrow-closed", "var(--closed,#b42318)") + arrow("arrow-changed", "var(--changed,#8a5a00)") + "</defs>\n" +
         picture.boxes + picture.edges + picture.texts + "</svg>\n";
}

std::string report_dot(const Report& report) {
  std::string out = "digraph reachability {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n";
  std::size_t cluster = 0;
  for (const Box& box : boxes(report)) {
    out += "  subgraph cluster_" + std::to_string(cluster++) + " {\n    label=" + dot_quoted(box.name) + ";\n";
    for (const auto e : box.ends) out += "    " + dot_quoted(report.ends[e].name) + " [label=" + dot_quoted(short_name(report.ends[e]) + (report.ends[e].came ? " (new)" : "")) + "];\n";
    out += "  }\n";
  }
  for (std::size_t f = 0; f < report.ends.size(); ++f)
    for (std::size_t t = 0; t < report.ends.size(); ++t) {
      const ReportCell& cell = report.cell(report.ends[f], report.ends[t]);
      if (f == t || !drawn(cell)) continue;
      const char mark = mark_of(report, cell);
      const std::string label = (mark == ' ' ? "" : std::string(1, mark) + " ") + what(report, cell);
      out += "  " + dot_quoted(report.ends[f].name) + " -> " + dot_quoted(report.ends[t].name) + " [label=" + dot_quoted(label) + dot_style(mark) + "];\n";
    }
  return out + "}\n";
}

}  // namespace netpolc::compiler
