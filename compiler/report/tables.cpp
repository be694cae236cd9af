// A report as rows for spreadsheets.
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
  std::string out = "from,to,passes,traffic\r\n";
  for (std::size_t f = 0; f < report.ends.size(); ++f)
    for (std::size_t t = 0; t < report.ends.size(); ++t) {
      const ReportCell& cell = report.cell(report.ends[f], report.ends[t]);
      if (f == t || cell.kind == ReportCell::Kind::Unsaid || cell.kind == ReportCell::Kind::Nothing) continue;
      out += field(report.ends[f].name) + "," + field(report.ends[t].name) + "," + word(cell.kind) + "," + field(report.texts[cell.text]) + "\r\n";
    }
  return out;
}

}  // namespace netpolc::compiler
