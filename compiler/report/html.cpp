// A report as one page. All that it says stands in its tables; the script only looks things up in them.
#include "compiler/report/html.h"

#include "compiler/report/assets.h"

namespace netpolc::compiler {
namespace {

std::string navigation(const Report& report) {
  std::string out = "<nav>";
  const auto link = [&](const char* to, const char* name, bool there) {
    if (there) out += std::string("<a href=\"#") + to + "\">" + name + "</a>";
  };
  link("changes", "Changes", report.difference.has_value());
  link("exposure", "Exposure", true);
  link("reach", "Matrix", true);
  link("picture", "Graph", true);
  link("names", "Names", has_names(report));
  link("traffic", "Traffic", true);
  link("cost", "Cost", report.cost.has_value());
  link("policies", "Policies", true);
  link("endpoints", "Workloads", true);
  return out + "<label class=\"needs-script\"><input id=\"filter\" type=\"search\" placeholder=\"filter by name\" aria-label=\"filter by name\"> <span id=\"found\" role=\"status\"></span></label></nav>\n";
}

std::string picture(const Report& report) {
  std::string out = "<h2 id=\"picture\">Graph</h2>\n<p>A line says that something passes, but not everything.";
  if (report.difference) out += " What has changed has a line whatever passes: <b>+</b> opened, thick; <b>−</b> closed, dashed; <b>~</b> changed, dotted.";
  return out + " <span class=\"needs-script\">A name chosen shows its lines alone.</span></p>\n<div class=\"scroll\">\n" + report_svg(report) + "</div>\n";
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

std::string html_cell(const std::string& text, const char* element) { return std::string("<") + element + ">" + escaped_html(text) + "</" + element + ">"; }

std::string html_number(std::uint64_t number) { return "<td class=\"number\">" + std::to_string(number) + "</td>"; }

std::string html_head(std::initializer_list<const char*> names) {
  std::string out = "<thead><tr>";
  for (const char* name : names) out += html_cell(name, "th");
  return out + "</tr></thead>\n<tbody>\n";
}

std::string html_mark(char mark) {
  const char *kind = "", *shown = "";
  switch (mark) {
    case '+': kind = "opened", shown = "+"; break;
    case '-': kind = "closed", shown = "−"; break;
    case '~': kind = "changed", shown = "~"; break;
    default: return "<span class=\"sign\">" + escaped_html(std::string(1, mark)) + "</span>";
  }
  return std::string("<span class=\"sign ") + kind + "\" title=\"" + kind + "\">" + shown + "</span>";
}

std::string report_html(const Report& report) {
  const std::vector<MatrixRow> rows = matrix_rows(report);
  std::size_t workloads = 0;
  for (const ReportEnd& end : report.ends) workloads += end.kind == ReportEnd::Kind::Workload ? 1 : 0;
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Network policy report</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:\">\n<style>\n";
  out += std::string(asset_page_css) + "</style>\n</head>\n<body>\n<h1>Network policy report</h1>\n<p>" + std::to_string(workloads) + " workloads · " + std::to_string(report.policies.size()) + " policies · Cilium " +
         escaped_html(report.cilium) + (report.difference ? " · compared with " + escaped_html(report.against) : "") + "</p>\n" + navigation(report);
  if (report.difference) out += changes_section(report);
  out += exposure_section(report) + matrix_section(report, rows) + picture(report) + names_section(report) + traffic_section(report);
  if (report.cost) out += cost_section(report);
  out += policies_section(report) + endpoints_section(report);
  out += "<script type=\"application/json\" id=\"data\">" + matrix_data(report, rows) + "</script>\n<script>\n" + std::string(asset_page_js) + "</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace netpolc::compiler
