#include "compiler/explain/nearest_output.h"

#include <utility>

#include "compiler/explain/json.h"
#include "compiler/explain/witness.h"

namespace netpolc::explain {

using ir::Direction;

std::string nearest_text(const Why& why, const Sources& sources) {
  if (!why.nearest) return "";
  std::string out = "  nearest  " + compiler::rule_line(why.nearest->rule, sources.world.policies, sources.places.sources()) + "\n";
  for (const std::string& one : why.nearest->sentences()) out += "             " + one + "\n";
  return out;
}

std::string nearest_json(const Why& why, compiler::JsonAnswers& writer) {
  if (!why.nearest) return "null";
  std::vector<std::string> differences;
  for (const Difference& one : why.nearest->differences) {
    JsonObject difference;
    difference.text("in", to_string(one.in));
    if (one.in == Differs::Label) difference.text("key", one.key);
    differences.push_back(difference.text("asked", one.asked).text("allowed", one.allowed).take());
  }
  JsonObject out;
  out.raw("rule", writer.rule(why.nearest->rule)).list("differences", differences);
  if (why.fix) {
    JsonObject fix;
    fix.text("file", why.fix->file).number(why.fix->inside_list ? "listOnLine" : "belowLine", why.fix->line).text("list", why.fix->list);
    out.raw("fix", fix.number("indent", why.fix->indent).text("yaml", why.fix->yaml).take());
  }
  return out.take();
}

std::string assuming_text(const std::vector<std::string>& sentences) {
  std::string out;
  const char* heading = "  assuming ";
  for (const std::string& one : sentences) out += std::exchange(heading, "           ") + one + "\n";
  return out;
}

std::string assuming_field(const std::vector<std::string>& sentences) {
  std::string all;
  for (const std::string& one : sentences) all += (all.empty() ? "" : "; ") + one;
  return all.empty() ? "" : ",\"assuming\":" + json_quoted(all);
}

compiler::SideNotes verify_notes(const verify::Answer& answer, const Sources& sources, const ir::IdentityLock& lock) {
  compiler::SideNotes out;
  if (answer.pairs.size() != 1) {
    out.end = assuming_text(answer.assuming);
    return out;
  }
  const verify::PairAnswer& pair = answer.pairs.front();
  const Why egress = nearest_to(pair.egress, Direction::Egress, pair.flow, sources), ingress = nearest_to(pair.ingress, Direction::Ingress, pair.flow, sources);
  out.egress = nearest_text(egress, sources);
  out.ingress = nearest_text(ingress, sources);
  if (const auto dropped = first_drop(pair, sources, lock)) out.end += "\n  witness  " + dropped->ends() + "\n             " + dropped->verdict() + "\n";
  out.end += assuming_text(assumed(answer, egress, sources.world.policies));
  for (const Why* why : {&egress, &ingress})
    if (why->fix) out.end += "\n" + to_text(*why->fix);
  return out;
}

compiler::SideNotes verify_fields(const verify::Answer& answer, const Sources& sources, const ir::IdentityLock& lock, compiler::JsonAnswers& writer) {
  compiler::SideNotes out;
  if (answer.pairs.size() != 1) {
    out.end = assuming_field(answer.assuming);
    return out;
  }
  const verify::PairAnswer& pair = answer.pairs.front();
  const Why egress = nearest_to(pair.egress, Direction::Egress, pair.flow, sources), ingress = nearest_to(pair.ingress, Direction::Ingress, pair.flow, sources);
  if (egress.nearest) out.egress = ",\"nearest\":" + nearest_json(egress, writer);
  if (ingress.nearest) out.ingress = ",\"nearest\":" + nearest_json(ingress, writer);
  if (const auto dropped = first_drop(pair, sources, lock)) out.end += ",\"witness\":" + json_quoted(dropped->ends() + " " + dropped->verdict());
  out.end += assuming_field(assumed(answer, egress, sources.world.policies));
  return out;
}

}  // namespace netpolc::explain
