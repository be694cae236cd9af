// A report as one page. All that it says stands in its tables; the script only looks things up in them.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/report/assets.h"
#include "compiler/report/model.h"

namespace netpolc::compiler {
namespace {

using Kind = ReportCell::Kind;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMostRows = 60;  // of the matrix: of more ends, a namespace is a row

// A row of the matrix, and a column.
struct Row {
  std::string name;
  std::vector<std::uint32_t> ends;
};

std::vector<Row> rows(const Report& report) {
  std::vector<Row> out;
  std::map<std::string, std::size_t> namespaces;
  const bool by_namespace = report.ends.size() > kMostRows;
  for (std::uint32_t e = 0; e < report.ends.size(); ++e) {
    const ReportEnd& end = report.ends[e];
    if (!by_namespace || end.ns.empty()) {
      out.push_back({end.name, {e}});
      continue;
    }
    const auto [found, fresh] = namespaces.emplace(end.ns, out.size());
    if (fresh) out.push_back({end.ns + "/*", {}});
    out[found->second].ends.push_back(e);
  }
  return out;
}

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

// Of all pairs; an end and itself is none.
char letter(const Report& report, const Row& from, const Row& to) {
  std::map<std::uint32_t, std::vector<std::uint32_t>> sources, destinations;
  for (const auto e : from.ends) sources[report.ends[e].group].push_back(e);
  for (const auto e : to.ends) destinations[report.ends[e].group].push_back(e);
  std::set<char> seen;
  for (const auto& [f, one] : sources)
    for (const auto& [t, other] : destinations)
      if (!(one.size() == 1 && one == other)) seen.insert(letter(report.cells[f][t].kind));
  if (seen.size() > 1) seen.erase('-');
  return seen.empty() ? '-' : seen.size() > 1 ? 'M' : *seen.begin();
}

std::string cell(const std::string& text, const char* kind = "td") { return std::string("<") + kind + ">" + escaped_html(text) + "</" + kind + ">"; }
std::string number(std::size_t n) { return "<td class=\"number\">" + std::to_string(n) + "</td>"; }

std::string head(std::initializer_list<const char*> names) {
  std::string out = "<thead><tr>";
  for (const char* name : names) out += cell(name, "th");
  return out + "</tr></thead>\n<tbody>\n";
}

std::string matrix(const Report& report, const std::vector<Row>& all) {
  std::string out = "<div class=\"matrix scroll\"><table id=\"matrix\">\n<thead><tr><th>from ↓ to →</th>";
  for (const Row& row : all) out += "<th><span>" + escaped_html(row.name) + "</span></th>";
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t f = 0; f < all.size(); ++f) {
    out += "<tr data-f=\"" + std::to_string(f) + "\"><th>" + escaped_html(all[f].name) + "</th>";
    for (std::size_t t = 0; t < all.size(); ++t) {
      const char said = letter(report, all[f], all[t]);
      if (said == '-') {
        out += f == t ? "<td></td>" : "<td><span class=\"cell\">·</span></td>";
        continue;
      }
      const bool one = all[f].ends.size() == 1 && all[t].ends.size() == 1;
      const ReportCell& what = report.cell(report.ends[all[f].ends.front()], report.ends[all[t].ends.front()]);
      const std::string title = all[f].name + " → " + all[t].name + (one ? "   " + report.texts[what.text] : "");
      out += std::string("<td><button class=\"cell ") + said + "\" data-f=\"" + std::to_string(f) + "\" data-t=\"" + std::to_string(t) + "\" title=\"" + escaped_html(title) + "\">" + said + "</button></td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

const char* const kLegend =
    "<p class=\"legend\"><span><span class=\"cell A\">A</span>everything</span><span><span class=\"cell P\">P</span>some ports, or through a proxy</span>"
    "<span><span class=\"cell D\">D</span>nothing</span><span><span class=\"cell M\">M</span>differs between its pods</span>"
    "<span><span class=\"cell U\">U</span>undecided</span><span><span class=\"cell\">·</span>no policy of either says anything</span></p>\n";

std::string names(const Report& report, const std::vector<std::uint32_t>& ends) {
  constexpr std::size_t kShown = 20;
  std::string out;
  for (std::size_t i = 0; i < ends.size() && i < kShown; ++i) out += (i == 0 ? "" : ", ") + report.ends[ends[i]].name;
  return ends.size() > kShown ? out + " and " + std::to_string(ends.size() - kShown) + " more" : out;
}

// Workloads that are reached from the internet.
std::string exposure(const Report& report) {
  std::string lines;
  std::size_t open = 0;
  for (const ReportEnd& to : report.ends) {
    if (to.kind != ReportEnd::Kind::Workload) continue;
    std::map<std::string, std::string> by_traffic;
    for (const ReportEnd& from : report.ends) {
      const ReportCell& what = report.cell(from, to);
      if (!from.internet || what.kind == Kind::Nothing || what.kind == Kind::Unsaid) continue;
      std::string& sources = by_traffic[report.texts[what.text]];
      sources += (sources.empty() ? "" : ", ") + from.name;
    }
    if (to.ingress == "none") ++open;
    for (const auto& [traffic, sources] : by_traffic) lines += "<tr>" + cell(to.name) + cell(sources) + cell(traffic) + cell(to.ingress == "none" ? "no policy is for its ingress" : "by policy") + "</tr>\n";
  }
  std::string out = "<h2 id=\"exposure\">Reached from the internet</h2>\n<p>What policy lets through; whether a route leads there is not known here. " + std::to_string(open) + " workloads have no policy for ingress.</p>\n";
  if (lines.empty()) return out + "<p>Nothing.</p>\n";
  return out + "<div class=\"scroll\"><table class=\"searched\">" + head({"workload", "from", "traffic", "why"}) + lines + "</tbody></table></div>\n";
}

std::string traffic(const Report& report) {
  std::string out = "<h2 id=\"traffic\">What passes</h2>\n<details><summary>Every line, by ends that do the same</summary>\n<div class=\"scroll\"><table class=\"searched\">" + head({"from", "to", "traffic"});
  for (std::size_t f = 0; f < report.groups.size(); ++f)
    for (std::size_t t = 0; t < report.groups.size(); ++t) {
      const ReportCell& what = report.cells[f][t];
      if (what.kind == Kind::Nothing || what.kind == Kind::Unsaid || (f == t && report.groups[f].size() == 1)) continue;
      out += "<tr>" + cell(names(report, report.groups[f])) + cell(names(report, report.groups[t])) + cell((what.kind == Kind::Undecided ? "undecided: " : "") + report.texts[what.text]) + "</tr>\n";
    }
  return out + "</tbody></table></div></details>\n";
}

std::string policies(const Report& report) {
  std::string out = "<h2 id=\"policies\">Policies</h2>\n<div class=\"scroll\"><table class=\"searched\">" + head({"policy", "where", "rules", "workloads selected"});
  for (const ReportPolicy& one : report.policies) out += "<tr>" + cell(one.name) + cell(one.place) + number(one.rules) + number(one.selected) + "</tr>\n";
  return out + "</tbody></table></div>\n";
}

std::string endpoints(const Report& report) {
  std::string out = "<h2 id=\"endpoints\">Workloads</h2>\n<div class=\"scroll\"><table class=\"searched\">" + head({"workload", "ingress", "egress", "policies"});
  for (const ReportEnd& end : report.ends) {
    if (end.kind != ReportEnd::Kind::Workload) continue;
    std::string by;
    for (const auto p : end.policies) by += (by.empty() ? "" : ", ") + report.policies[p].name;
    out += "<tr>" + cell(end.name) + cell(end.ingress) + cell(end.egress) + cell(by) + "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string said_of_names(const Report& report) {
  if (report.names == 0) return "";
  return " <strong>" + std::to_string(report.names) + (report.names == 1 ? " rule allows" : " rules allow") + " DNS names (toFQDNs)</strong>: whom they mean is known only where names are resolved, and not shown here otherwise.";
}

// For the script. `<` would end the element that it stands in.
std::string data(const Report& report, const std::vector<Row>& all) {
  Json out;
  for (const ReportEnd& end : report.ends) out["ends"].push_back({{"name", end.name}, {"group", end.group}});
  // Few things are said of many pairs.
  std::map<std::pair<char, std::uint32_t>, std::size_t> said;
  out["says"] = Json::array();
  for (const auto& from : report.cells) {
    Json row = Json::array();
    for (const ReportCell& one : from) {
      const auto [found, fresh] = said.emplace(std::pair(letter(one.kind), one.text), said.size());
      if (fresh) out["says"].push_back({std::string(1, letter(one.kind)), one.text});
      row.push_back(found->second);
    }
    out["cells"].push_back(std::move(row));
  }
  out["texts"] = report.texts;
  for (const Row& row : all) {
    std::string search;
    for (const auto e : row.ends) search += report.ends[e].name + " ";
    out["rows"].push_back({{"name", row.name}, {"ends", row.ends}, {"search", search}});
  }
  const std::string text = out.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string safe;
  for (const char c : text) safe += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return safe;
}

}  // namespace

std::string escaped_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&#39;";
    else out += c;
  }
  return out;
}

std::string report_html(const Report& report) {
  const std::vector<Row> all = rows(report);
  std::size_t workloads = 0;
  for (const ReportEnd& end : report.ends) workloads += end.kind == ReportEnd::Kind::Workload ? 1 : 0;
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Network policy report</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:\">\n<style>\n";
  out += std::string(asset_page_css) + "</style>\n</head>\n<body>\n<h1>Network policy report</h1>\n<p>" + std::to_string(workloads) + " workloads · " + std::to_string(report.policies.size()) + " policies · Cilium " +
         escaped_html(report.cilium) + "</p>\n<nav><a href=\"#exposure\">Exposure</a><a href=\"#reach\">Matrix</a><a href=\"#picture\">Graph</a><a href=\"#traffic\">Traffic</a><a href=\"#policies\">Policies</a><a href=\"#endpoints\">Workloads</a>"
         "<label class=\"needs-script\"><input id=\"filter\" type=\"search\" placeholder=\"filter by name\" aria-label=\"filter by name\"> <span id=\"found\" role=\"status\"></span></label></nav>\n";
  out += exposure(report);
  out += "<h2 id=\"reach\">Who reaches whom</h2>\n<p>A connection needs its source's egress and its destination's ingress; replies pass." + said_of_names(report) + "</p>\n" + std::string(kLegend) + matrix(report, all) +
         "<p class=\"needs-script\">A cell chosen says what passes:</p>\n<div id=\"details\" class=\"needs-script\" role=\"status\"></div>\n";
  out += "<h2 id=\"picture\">Graph</h2>\n<p>A line says that something passes, but not everything. <span class=\"needs-script\">A name chosen shows its lines alone.</span></p>\n<div class=\"scroll\">\n" + report_svg(report) + "</div>\n";
  out += traffic(report) + policies(report) + endpoints(report);
  out += "<script type=\"application/json\" id=\"data\">" + data(report, all) + "</script>\n<script>\n" + std::string(asset_page_js) + "</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace netpolc::compiler
