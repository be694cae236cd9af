// The matrix of a page, and what its script knows.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/report/html.h"

namespace netpolc::compiler {
namespace {

using Kind = ReportCell::Kind;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMostRows = 60;     // of more ends, a namespace is a row
constexpr std::size_t kMostOutside = 12;  // and so are names, or addresses outside, of more than these

char letter(Kind kind) {
  switch (kind) {
    case Kind::Nothing: return 'D';
    case Kind::Some: return 'P';
    case Kind::Everything: return 'A';
    case Kind::Undecided: return 'U';
    case Kind::Unsaid: return '-';
  }
  return '-';
}

// Of all pairs of two rows; an end and itself is none.
struct Square {
  char letter = '-', mark = ' ';
};

Square square(const Report& report, const MatrixRow& from, const MatrixRow& to) {
  std::map<std::uint32_t, std::vector<std::uint32_t>> sources, destinations;
  for (const auto e : from.ends) sources[report.ends[e].group].push_back(e);
  for (const auto e : to.ends) destinations[report.ends[e].group].push_back(e);
  std::set<char> letters, marks;
  for (const auto& [f, one] : sources)
    for (const auto& [t, other] : destinations) {
      if (one.size() == 1 && one == other) continue;
      const ReportCell& cell = report.cells[f][t];
      letters.insert(letter(cell.kind));
      if (cell.change != 0) marks.insert(report.changes[cell.change].mark);
    }
  if (letters.size() > 1) letters.erase('-');
  return {letters.empty() ? '-' : letters.size() > 1 ? 'M' : *letters.begin(), marks.empty() ? ' ' : marks.size() > 1 ? '~' : *marks.begin()};
}

const char* class_of(char mark) { return mark == '+' ? " opened" : mark == '-' ? " closed" : mark == '~' ? " changed" : ""; }

std::string button(const Report& report, const std::vector<MatrixRow>& rows, std::size_t f, std::size_t t, Square what) {
  std::string title = rows[f].name + " → " + rows[t].name;
  if (rows[f].ends.size() == 1 && rows[t].ends.size() == 1) {
    const ReportCell& cell = report.cell(report.ends[rows[f].ends.front()], report.ends[rows[t].ends.front()]);
    const std::string change = change_text(report, cell);
    title += "   " + (change.empty() ? report.texts[cell.text] : change);
  }
  const std::string shown(1, what.letter == '-' ? ' ' : what.letter);
  return "<button class=\"cell " + (what.letter == '-' ? "" : shown) + class_of(what.mark) + "\" data-f=\"" + std::to_string(f) + "\" data-t=\"" + std::to_string(t) + "\" title=\"" + escaped_html(title) + "\">" + shown +
         (what.mark == ' ' ? "" : html_mark(what.mark)) + "</button>";
}

// Rows and columns in which nothing has changed, and no end is new.
struct Unchanged {
  std::vector<bool> rows, columns;
};

std::string heading(const MatrixRow& row) { return escaped_html(row.name) + (row.came ? "<b class=\"came\"> new</b>" : ""); }

std::string matrix(const Report& report, const std::vector<MatrixRow>& rows) {
  std::vector<std::vector<Square>> squares;
  Unchanged same{std::vector<bool>(rows.size(), true), std::vector<bool>(rows.size(), true)};
  for (std::size_t f = 0; f < rows.size(); ++f) {
    auto& line = squares.emplace_back();
    for (std::size_t t = 0; t < rows.size(); ++t) {
      line.push_back(rows[f].sends ? square(report, rows[f], rows[t]) : Square{});
      if (line.back().mark != ' ') same.rows[f] = same.columns[t] = false;
    }
    if (rows[f].came) same.rows[f] = same.columns[f] = false;
  }
  const auto unchanged = [&](const std::vector<bool>& of, std::size_t i) { return report.difference && of[i] ? " class=\"unchanged\"" : ""; };
  std::string out = "<div class=\"matrix scroll\" tabindex=\"0\" role=\"region\" aria-label=\"matrix\"><table id=\"matrix\">\n<thead><tr><th>from ↓ to →</th>";
  for (std::size_t t = 0; t < rows.size(); ++t) out += std::string("<th scope=\"col\"") + unchanged(same.columns, t) + "><span>" + heading(rows[t]) + "</span></th>";
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t f = 0; f < rows.size(); ++f) {
    if (!rows[f].sends) continue;
    out += "<tr data-f=\"" + std::to_string(f) + "\"" + unchanged(same.rows, f) + "><th scope=\"row\">" + heading(rows[f]) + "</th>";
    for (std::size_t t = 0; t < rows.size(); ++t) {
      const Square& what = squares[f][t];
      out += std::string("<td") + unchanged(same.columns, t) + ">";
      if (what.letter != '-' || what.mark != ' ') out += button(report, rows, f, t, what);
      else if (f != t) out += "<span class=\"cell\">·</span>";
      out += "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

const char* const kLegend =
    "<p class=\"legend\"><span><span class=\"cell A\">A</span>everything</span><span><span class=\"cell P\">P</span>some ports, or through a proxy</span>"
    "<span><span class=\"cell D\">D</span>nothing</span><span><span class=\"cell M\">M</span>differs between its ends</span>"
    "<span><span class=\"cell U\">U</span>undecided</span><span><span class=\"cell\">·</span>no policy of either says anything</span></p>\n";

std::string change_legend(const Report& report) {
  std::string out = "<p class=\"legend\">";
  const std::pair<char, const char*> all[] = {{'+', "opened: nothing passed before"}, {'-', "closed: nothing passes now"}, {'~', "something else passes, or another way, or not all of its ends alike"}};
  for (const auto& [mark, said] : all) out += std::string("<span><span class=\"cell") + class_of(mark) + "\">" + html_mark(mark) + "</span>" + said + "</span>";
  return out + "<span><b class=\"came\">new</b> not in " + escaped_html(report.against) + "</span></p>\n<p class=\"needs-has\"><label><input type=\"checkbox\" id=\"only-changes\"> only changes, in the matrix and in the graph</label></p>\n";
}

}  // namespace

std::vector<MatrixRow> matrix_rows(const Report& report) {
  std::vector<MatrixRow> out;
  std::map<std::string, std::size_t> known;
  std::map<ReportEnd::Kind, std::size_t> count;
  for (const ReportEnd& end : report.ends) ++count[end.kind];
  const bool many = report.ends.size() > kMostRows;
  for (std::uint32_t e = 0; e < report.ends.size(); ++e) {
    const ReportEnd& end = report.ends[e];
    std::string row = end.name;
    if (many && !end.ns.empty()) row = end.ns + "/*";
    if (many && end.kind == ReportEnd::Kind::Name && count[end.kind] > kMostOutside) row = "DNS names";
    if (many && end.kind == ReportEnd::Kind::Outside && !end.name.starts_with("entity:") && count[end.kind] > kMostOutside) row = "addresses outside";
    const auto [found, fresh] = known.emplace(row, out.size());
    if (fresh) out.push_back({row, {}});
    MatrixRow& into = out[found->second];
    into.ends.push_back(e);
    into.sends = into.sends || end.sends;
    into.came = into.came || end.came;
  }
  return out;
}

std::string matrix_section(const Report& report, const std::vector<MatrixRow>& rows) {
  std::string out = "<h2 id=\"reach\">Who reaches whom</h2>\n<p>A connection needs its source's egress and its destination's ingress; replies pass.";
  if (has_names(report)) out += " <strong>" + std::to_string(report.names) + (report.names == 1 ? " rule allows" : " rules allow") + " DNS names (toFQDNs)</strong>: what they mean is said <a href=\"#names\">below</a>.";
  out += "</p>\n" + std::string(kLegend);
  if (report.difference) out += change_legend(report);
  return out + matrix(report, rows) + "<p class=\"needs-script\">A cell chosen says what passes:</p>\n<div id=\"details\" class=\"needs-script\" role=\"status\"></div>\n";
}

std::string matrix_data(const Report& report, const std::vector<MatrixRow>& rows) {
  Json out;
  out["ends"] = Json::array();
  for (const ReportEnd& end : report.ends) out["ends"].push_back({{"name", end.name}, {"group", end.group}});
  // Few things are said of many pairs: a letter, a text, and what has changed.
  std::map<std::tuple<char, std::uint32_t, std::uint32_t>, std::size_t> said;
  out["says"] = Json::array();
  out["cells"] = Json::array();
  for (const auto& from : report.cells) {
    Json row = Json::array();
    for (const ReportCell& one : from) {
      const auto [found, fresh] = said.emplace(std::tuple(letter(one.kind), one.text, one.change), said.size());
      if (fresh) {
        out["says"].push_back({std::string(1, letter(one.kind)), one.text});
        if (one.change != 0) out["says"].back().push_back(change_text(report, one));
      }
      row.push_back(found->second);
    }
    out["cells"].push_back(std::move(row));
  }
  out["texts"] = report.texts;
  out["rows"] = Json::array();
  for (const MatrixRow& row : rows) {
    std::string search;
    for (const auto e : row.ends) search += report.ends[e].name + " ";
    out["rows"].push_back({{"name", row.name}, {"ends", row.ends}, {"search", search}});
  }
  const std::string text = out.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string safe;
  for (const char c : text) safe += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return safe;
}

}  // namespace netpolc::compiler
