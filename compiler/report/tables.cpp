// A report as rows for spreadsheets.
#include "codegen-bpf/room.h"
#include "compiler/report/model.h"

namespace netpolc::compiler {
namespace {

// RFC 4180: quoted where needed.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

const char* word(ReportCell::Kind kind) {
  switch (kind) {
    case ReportCell::Kind::Nothing: return "nothing";
    case ReportCell::Kind::Some: return "some";
    case ReportCell::Kind::Everything: return "everything";
    case ReportCell::Kind::Undecided: return "undecided";
    case ReportCell::Kind::Unsaid: return "unsaid";
  }
  return "";
}

}  // namespace

std::string report_csv(const Report& report) {
  std::string out = report.difference ? "from,to,passes,traffic,change,before\r\n" : "from,to,passes,traffic\r\n";
  for (std::size_t f = 0; f < report.ends.size(); ++f)
    for (std::size_t t = 0; t < report.ends.size(); ++t) {
      const ReportEnd &from = report.ends[f], &to = report.ends[t];
      const ReportCell& cell = report.cell(from, to);
      const bool passes = cell.kind != ReportCell::Kind::Unsaid && cell.kind != ReportCell::Kind::Nothing;
      if (f == t || (!passes && cell.change == 0)) continue;
      out += field(from.name) + "," + field(to.name) + "," + word(cell.kind) + "," + field(report.texts[cell.text]);
      if (report.difference) {
        const ReportChange& change = report.changes[cell.change];
        if (cell.change != 0) out += "," + change.word + "," + field(report.texts[change.before]);
        else out += from.came || to.came ? ",new," : ",,";
      }
      out += "\r\n";
    }
  return out;
}

std::string report_cost_csv(const Report& report) {
  const ReportCost& cost = *report.cost;
  std::string out =
      "endpoints,endpoint_count,ingress_rules,egress_rules,ingress_table_lines,egress_table_lines,ingress_peer_rows,egress_peer_rows,"
      "policy_map_entries,policy_map_max,ingress_table_turns,egress_table_turns,table_turns_max,instructions,instructions_max,note\r\n";
  const auto pair = [&](auto ingress, auto egress) { out += "," + std::to_string(ingress) + "," + std::to_string(egress); };
  for (const ReportCost::Policy& one : cost.policies) {
    std::string names;
    for (const std::string& name : one.endpoints) names += (names.empty() ? "" : " ") + name;
    out += field(names) + "," + std::to_string(one.endpoints.size());
    pair(one.ingress.rules, one.egress.rules);
    pair(one.ingress.lines, one.egress.lines);
    pair(one.ingress.peers, one.egress.peers);
    out += "," + (one.policy_map ? std::to_string(*one.policy_map) : "") + "," + std::to_string(cost.policy_map_max);
    pair(one.ingress.turns, one.egress.turns);
    out += "," + std::to_string(codegen_bpf::kRoom.turns) + "," + (one.instructions ? std::to_string(*one.instructions) : "") + "," + std::to_string(kVerifierLimit) + "," + field(one.note) + "\r\n";
  }
  return out;
}

}  // namespace netpolc::compiler
