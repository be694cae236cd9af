#include "runtime-loader/policy_output.h"

#include <nlohmann/json.hpp>

#include "runtime-loader/names.h"
#include "runtime-loader/table.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

std::vector<RuleOrigin> origins(const Status& status, std::size_t program, int direction, std::size_t rule, OnlyEndpoint only) {
  if (!only) return places(status.bundle, program, direction, rule);
  const auto& own = origins_of(status.bundle.endpoints[*only], direction);
  return rule < own.size() && own[rule] ? std::vector{*own[rule]} : std::vector<RuleOrigin>{};
}

const std::vector<np_counter>& counters_of(const ProgramStatus& program, int direction) { return direction == NP_INGRESS ? program.ingress : program.egress; }

void add_rows(const Status& status, const ProgramStatus& program, int direction, OnlyEndpoint only, TableRows& rows) {
  const auto& counters = counters_of(program, direction);
  const auto& texts = direction_of(status.bundle.programs[program.program], direction).rule_texts;
  for (std::size_t rule = 0; rule < counters.size(); ++rule) {
    const bool is_rule = rule < texts.size();
    rows.push_back({direction_name(direction), is_rule ? std::to_string(rule) : "-", std::to_string(counters[rule].packets),
                    std::to_string(counters[rule].bytes), is_rule ? texts[rule] : "no rule decided"});
    for (const RuleOrigin& place : origins(status, program.program, direction, rule, only)) rows.push_back({"", "", "", "", "  " + to_string(place)});
  }
}

Json counters_json(const Status& status, const ProgramStatus& program, int direction, OnlyEndpoint only) {
  Json out = Json::array();
  const auto& counters = counters_of(program, direction);
  const auto& texts = direction_of(status.bundle.programs[program.program], direction).rule_texts;
  for (std::size_t rule = 0; rule < counters.size(); ++rule) {
    Json its = Json::array();
    for (const RuleOrigin& place : origins(status, program.program, direction, rule, only)) its.push_back(to_json(place));
    const bool is_rule = rule < texts.size();
    out.push_back({{"direction", direction_name(direction)},
                   {"rule", is_rule ? Json(rule) : Json()},
                   {"text", is_rule ? Json(texts[rule]) : Json()},
                   {"packets", counters[rule].packets},
                   {"bytes", counters[rule].bytes},
                   {"origins", std::move(its)}});
  }
  return out;
}

std::vector<std::string> endpoints_of(const Bundle& bundle, std::size_t program, OnlyEndpoint only) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < bundle.endpoints.size(); ++i)
    if (bundle.endpoints[i].program == program && (!only || *only == i)) names.push_back(bundle.endpoints[i].full_name());
  return names;
}

bool shown(const Status& status, const ProgramStatus& program, OnlyEndpoint only) {
  return !only || status.bundle.endpoints[*only].program == program.program;
}

}  // namespace

std::string rules_text(const Status& status, const ProgramStatus& program, OnlyEndpoint only) {
  const BundleProgram& own = status.bundle.programs[program.program];
  std::string names;
  for (const std::string& name : endpoints_of(status.bundle, program.program, only)) names += (names.empty() ? "" : ", ") + name;
  TableRows rows{{"DIRECTION", "RULE", "PACKETS", "BYTES", "MEANING"}};
  add_rows(status, program, NP_INGRESS, only, rows);
  add_rows(status, program, NP_EGRESS, only, rows);
  return "program " + own.digest.substr(0, 12) + " of " + names + ": ingress " + own.ingress.enforcement + ", egress " + own.egress.enforcement + "\n" +
         table_text(rows, "  ");
}

Json program_json(const Status& status, const ProgramStatus& program, OnlyEndpoint only) {
  const BundleProgram& own = status.bundle.programs[program.program];
  Json rules = counters_json(status, program, NP_INGRESS, only);
  for (Json& rule : counters_json(status, program, NP_EGRESS, only)) rules.push_back(std::move(rule));
  return {{"digest", own.digest},
          {"endpoints", endpoints_of(status.bundle, program.program, only)},
          {"enforcement", {{"ingress", own.ingress.enforcement}, {"egress", own.egress.enforcement}}},
          {"rules", std::move(rules)}};
}

Result<std::size_t> endpoint_of(const Status& status, const std::string& name) {
  for (const AttachmentStatus& it : status.attachments) {
    if (it.attachment.endpoint != name && it.attachment.ifname != name) continue;
    if (it.state == AttachmentState::Open || it.state == AttachmentState::Blocked || it.attachment.bundle_endpoint == kNoEndpoint)
      return bad_input(it.attachment.endpoint + " has no policy here, it is " + to_string(it.state) + ": " + it.problem);
    if (!it.attachment.for_node || it.attachment.endpoint == name) return it.attachment.bundle_endpoint;
  }
  const auto found = find_endpoint(status.bundle, name);
  if (!found) return found;
  for (const AttachmentStatus& it : status.attachments)
    if (it.attachment.bundle_endpoint == *found && it.attachment.blocked.empty() && it.attachment.open.empty()) return found;
  return bad_input(name + " is in the bundle, and nothing is attached to it on this node");
}

std::string policies_text(const Status& status, OnlyEndpoint only) {
  std::string text;
  for (const ProgramStatus& program : status.programs)
    if (shown(status, program, only)) text += (text.empty() ? "" : "\n") + rules_text(status, program, only);
  return text;
}

std::string policies_json(const Status& status, OnlyEndpoint only) {
  Json programs = Json::array();
  for (const ProgramStatus& program : status.programs)
    if (shown(status, program, only)) programs.push_back(program_json(status, program, only));
  return Json{{"bundle", status.bundle.digest}, {"programs", std::move(programs)}}.dump(1) + "\n";
}

}  // namespace netpolc::loader
