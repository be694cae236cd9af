// Sections of a page that are tables.
#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/report/html.h"

namespace netpolc::compiler {
namespace {

using Kind = ReportCell::Kind;

std::string names(const Report& report, const std::vector<std::uint32_t>& ends) {
  constexpr std::size_t kShown = 40;
  std::string out;
  for (std::size_t i = 0; i < ends.size() && i < kShown; ++i) out += (i == 0 ? "" : ", ") + report.ends[ends[i]].name;
  return ends.size() > kShown ? out + " and " + std::to_string(ends.size() - kShown) + " more" : out;
}

bool passes(const ReportCell& cell) { return cell.kind != Kind::Nothing && cell.kind != Kind::Unsaid; }

std::string text(const Report& report, const ReportCell& cell) { return (cell.kind == Kind::Undecided ? "undecided: " : "") + report.texts[cell.text]; }

std::string table(std::initializer_list<const char*> head, const std::string& lines) {
  return "<div class=\"scroll\"><table class=\"searched\">" + html_head(head) + lines + "</tbody></table></div>\n";
}

std::string reasons(const DiffLine& line) {
  std::string out;
  for (const DiffReason& reason : line.reasons) {
    out += (out.empty() ? "" : "<br>") + escaped_html(reason.said);
    if (!reason.place.empty()) out += " <span class=\"place\">" + escaped_html(reason.place) + "</span>";
  }
  return out;
}

}  // namespace

std::string changes_section(const Report& report) {
  const DiffReport& difference = *report.difference;
  std::string out = "<h2 id=\"changes\">Changes since " + escaped_html(report.against) + "</h2>\n<p>" + escaped_html(difference.counts) + "</p>\n";
  if (report.difference_unsure) out += "<p><strong>Undecided:</strong> Cilium 1.16 chooses otherwise between rules that redirect or authenticate; a difference in that alone may be missing here.</p>\n";
  if (difference.lines.empty()) return out;
  std::string lines;
  for (const DiffLine& line : difference.lines)
    lines += "<tr><td class=\"mark\">" + html_mark(line.symbol) + "</td>" + html_cell(line.word) + html_cell(line.who) + "<td>" + escaped_html(line.what) +
             (line.alarm.empty() ? "" : " <strong class=\"alarm\">" + escaped_html(line.alarm) + "</strong>") + "</td><td>" + reasons(line) + "</td></tr>\n";
  return out + table({"", "", "who", "what", "why"}, lines);
}

std::string exposure_section(const Report& report) {
  std::string lines;
  std::size_t open = 0;
  for (const ReportEnd& to : report.ends) {
    if (to.kind != ReportEnd::Kind::Workload) continue;
    std::map<std::string, std::string> by_traffic;
    for (const ReportEnd& from : report.ends) {
      const ReportCell& what = report.cell(from, to);
      if (!from.internet || !passes(what)) continue;
      std::string& sources = by_traffic[text(report, what)];
      sources += (sources.empty() ? "" : ", ") + from.name;
    }
    if (to.ingress == "none") ++open;
    for (const auto& [traffic, sources] : by_traffic) lines += "<tr>" + html_cell(to.name) + html_cell(sources) + html_cell(traffic) + html_cell(to.ingress == "none" ? "no policy is for its ingress" : "by policy") + "</tr>\n";
  }
  const std::string out = "<h2 id=\"exposure\">Reached from the internet</h2>\n<p>What policy lets through; whether a route leads there is not known here. " + std::to_string(open) +
                          (open == 1 ? " workload has" : " workloads have") + " no policy for ingress.</p>\n";
  return out + (lines.empty() ? "<p>Nothing.</p>\n" : table({"workload", "from", "traffic", "why"}, lines));
}

bool has_names(const Report& report) {
  return std::any_of(report.ends.begin(), report.ends.end(), [](const ReportEnd& end) { return !end.how.empty(); });
}

std::string names_section(const Report& report) {
  if (!has_names(report)) return "";
  std::string lines;
  for (const ReportEnd& to : report.ends) {
    if (to.how.empty()) continue;
    std::map<std::string, std::vector<std::uint32_t>> by_traffic;
    for (std::uint32_t f = 0; f < report.ends.size(); ++f)
      if (const ReportCell& what = report.cell(report.ends[f], to); report.ends[f].kind == ReportEnd::Kind::Workload && passes(what)) by_traffic[text(report, what)].push_back(f);
    if (by_traffic.empty()) by_traffic["nothing"];
    std::string rules;
    for (const std::string& rule : to.by) rules += (rules.empty() ? "" : ", ") + rule;
    for (const auto& [traffic, sources] : by_traffic) lines += "<tr>" + html_cell(to.name) + html_cell(names(report, sources)) + html_cell(traffic) + html_cell(to.how) + html_cell(rules) + "</tr>\n";
  }
  return "<h2 id=\"names\">DNS names</h2>\n<p>A rule about a name allows the addresses that pods were told when they asked for it. What passes to them by other rules is here, too: their addresses belong to the world.</p>\n" +
         table({"name", "reached by", "traffic", "which addresses", "rules that name it"}, lines);
}

// For each group of destinations a line for all sources that may send the same.
std::string traffic_section(const Report& report) {
  std::string lines;
  for (std::size_t t = 0; t < report.groups.size(); ++t) {
    std::map<std::tuple<std::string, std::string, char>, std::vector<std::uint32_t>> sources;
    for (std::size_t f = 0; f < report.groups.size(); ++f) {
      const ReportCell& what = report.cells[f][t];
      if ((!passes(what) && what.change == 0) || (f == t && report.groups[f].size() == 1)) continue;
      auto& all = sources[{text(report, what), change_text(report, what), report.changes[what.change].mark}];
      all.insert(all.end(), report.groups[f].begin(), report.groups[f].end());
    }
    for (auto& [said, ends] : sources) {
      const auto& [traffic, change, mark] = said;
      std::sort(ends.begin(), ends.end());
      lines += "<tr>" + html_cell(names(report, ends)) + html_cell(names(report, report.groups[t])) + html_cell(traffic);
      if (report.difference) lines += "<td>" + (mark == ' ' ? "" : html_mark(mark) + " " + escaped_html(change)) + "</td>";
      lines += "</tr>\n";
    }
  }
  const std::string out = "<h2 id=\"traffic\">What passes</h2>\n<details><summary>Every line, by ends that do the same</summary>\n";
  return out + (report.difference ? table({"from", "to", "traffic", "change"}, lines) : table({"from", "to", "traffic"}, lines)) + "</details>\n";
}

std::string policies_section(const Report& report) {
  std::string lines;
  for (const ReportPolicy& one : report.policies) {
    std::string meaning;
    for (const std::string& line : one.meaning) meaning += "<li>" + escaped_html(line) + "</li>";
    lines += "<tr><td>" + escaped_html(one.name) + "<details class=\"meaning\"><summary>what it means</summary><ul>" + meaning + "</ul></details></td>" + html_cell(one.place) + html_number(one.rules) + html_number(one.selected) + "</tr>\n";
  }
  return "<h2 id=\"policies\">Policies</h2>\n" + table({"policy", "where", "rules", "workloads selected"}, lines);
}

std::string endpoints_section(const Report& report) {
  std::string lines;
  for (const ReportEnd& end : report.ends) {
    if (end.kind != ReportEnd::Kind::Workload) continue;
    std::string by;
    for (const auto p : end.policies) by += (by.empty() ? "" : ", ") + report.policies[p].name;
    lines += "<tr>" + html_cell(end.name) + html_cell(end.ingress) + html_cell(end.egress) + html_cell(by) + "</tr>\n";
  }
  return "<h2 id=\"endpoints\">Workloads</h2>\n" + table({"workload", "ingress", "egress", "policies"}, lines);
}

}  // namespace netpolc::compiler
