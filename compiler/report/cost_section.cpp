// What policies cost, as a section of the page: pictures, and the table that they are of.
#include <algorithm>

#include "codegen-bpf/room.h"
#include "compiler/report/html.h"
#include "compiler/report/plots.h"

namespace netpolc::compiler {
namespace {

using Policy = ReportCost::Policy;

std::string name(const Policy& one) {
  return one.endpoints.front() + (one.endpoints.size() == 1 ? "" : " and " + std::to_string(one.endpoints.size() - 1) + " more");
}

// 0.6146 % of a million: two digits that say something, and never 100 % of less than all.
std::string percent(std::uint64_t part, std::uint64_t whole) {
  const std::uint64_t hundredths = part * 10000 / whole;
  const std::string digits = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + (hundredths >= 1000 ? "" : "." + (digits.size() == 1 ? "0" + digits : digits)) + " %";
}

std::string number_and_percent(std::uint64_t part, std::uint64_t whole) { return "<td class=\"number\">" + grouped(part) + " <span class=\"place\">" + percent(part, whole) + "</span></td>"; }

std::string none() { return "<td class=\"number\">–</td>"; }

std::uint64_t headroom(std::uint64_t used) { return used < kVerifierLimit ? kVerifierLimit - used : 0; }

std::string line(const Policy& one, const ReportCost& cost) {
  constexpr std::size_t kShown = 6;
  std::string names;
  for (std::size_t i = 0; i < one.endpoints.size() && i < kShown; ++i) names += (i == 0 ? "" : ", ") + one.endpoints[i];
  if (one.endpoints.size() > kShown) names += " and " + std::to_string(one.endpoints.size() - kShown) + " more";
  std::string out = "<tr>" + html_cell((one.node ? "node " : "") + names) + html_number(one.ingress.rules) + html_number(one.egress.rules) + html_number(one.ingress.lines + one.egress.lines) + html_number(one.ingress.peers + one.egress.peers);
  out += one.policy_map ? number_and_percent(*one.policy_map, cost.policy_map_max) : none();
  out += one.instructions ? "<td class=\"number\">" + grouped(*one.instructions) + "</td>" + number_and_percent(headroom(*one.instructions), kVerifierLimit) : none() + none();
  return out + number_and_percent(std::max(one.ingress.turns, one.egress.turns), codegen_bpf::kRoom.turns) + html_cell(one.note) + "</tr>\n";
}

template <typename Value>
BarPlot plot(const ReportCost& cost, BarPlot out, const Value& value) {
  for (const Policy& one : cost.policies)
    if (const std::optional<std::uint64_t> of = value(one)) out.bars.push_back({name(one), *of});
  return out;
}

std::string plots(const ReportCost& cost) {
  std::string out = bar_plot(plot(cost, {"plot-map", "Entries that rules need in Cilium's policy map", "entries", cost.policy_map_max, "bpf-policy-map-max", {}},
                                  [](const Policy& one) { return one.policy_map ? std::optional<std::uint64_t>(*one.policy_map) : std::nullopt; }));
  out += bar_plot(plot(cost, {"plot-instructions", "Instructions of netpolc's programs", "static instructions", kVerifierLimit, "verifier's limit", {}},
                       [](const Policy& one) { return one.instructions ? std::optional<std::uint64_t>(*one.instructions) : std::nullopt; }));
  const auto turns = [](const Policy& one) -> std::optional<std::uint64_t> {
    const std::uint64_t most = std::max(one.ingress.turns, one.egress.turns);
    return most == 0 ? std::nullopt : std::optional(most);
  };
  return out + bar_plot(plot(cost, {"plot-turns", "Turns of loops over constant tables", "turns", codegen_bpf::kRoom.turns, "netpolc's limit", {}}, turns));
}

std::string not_compiled(const ReportCost& cost) {
  if (cost.not_compiled == 0) return "";
  return "<p><strong>Programs were not compiled for this page:</strong> there are " + std::to_string(cost.not_compiled) +
         " distinct policies, and their instructions are not known here. <code>--instructions all</code> compiles them, <code>--cache</code> keeps them for the next time.</p>\n";
}

}  // namespace

std::string cost_section(const Report& report) {
  const ReportCost& cost = *report.cost;
  std::string out = "<h2 id=\"cost\">What policies cost</h2>\n<p>A line for each distinct policy of endpoints. <b>Table lines</b>: pairs of ports and peer that decide something. <b>Peer rows</b>: identities that netpolc's peers maps have bits of. "
                    "<b>Policy map</b>: entries that the rules need in Cilium's policy map, of the endpoint that needs most, with an entry for each selector of DNS names. "
                    "<b>Instructions</b>: static ones, of both programs of an object and what they share, as <code>compile</code> counts them; <b>headroom</b>: what is left to the " +
                    grouped(kVerifierLimit) +
                    " that the kernel's verifier walks at most for a program. It walks some of them once for each path that leads there: how many it walks is known to a kernel alone, and is mostly more. <b>Loop turns</b>: what loops over constant tables take of the limit up to which netpolc compiles them, of the direction "
                    "that takes more; small policies are code, and have none.</p>\n" +
                    not_compiled(cost);
  if (cost.policies.empty()) return out + "<p>No endpoint is governed by policy here.</p>\n";
  out += "<div class=\"scroll plots\">" + plots(cost) + "</div>\n<div class=\"scroll\"><table class=\"searched\" id=\"costs\">" +
         html_head({"endpoints", "ingress rules", "egress rules", "table lines", "peer rows", "policy map", "instructions", "headroom", "loop turns", "note"});
  for (const Policy& one : cost.policies) out += line(one, cost);
  return out + "</tbody></table></div>\n";
}

}  // namespace netpolc::compiler
