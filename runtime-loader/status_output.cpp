#include <map>
#include <nlohmann/json.hpp>

#include "runtime-loader/names.h"
#include "runtime-loader/reasons.h"
#include "runtime-loader/status.h"
#include "runtime-loader/table.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

std::string short_digest(const std::string& digest) { return digest.substr(0, 12); }

std::string endpoints_of(const Bundle& bundle, std::size_t program) {
  std::string names;
  for (const BundleEndpoint& endpoint : bundle.endpoints)
    if (endpoint.program == program) names += (names.empty() ? "" : ", ") + endpoint.full_name();
  return names;
}

// A node's program is at its devices and at every pod's interface: where all is well, that makes one
// line, its devices first.
std::string attachments_text(const Status& status) {
  constexpr std::size_t kNamed = 3;
  TableRows rows{{"ENDPOINT", "INTERFACE", "MODE", "IDENTITY", "PROGRAM", "STATE"}};
  std::map<std::vector<std::string>, std::vector<std::string>> of_node;  // interfaces by the rest of the line
  for (const AttachmentStatus& it : status.attachments) {
    const BundleEndpoint& endpoint = status.bundle.endpoints[it.attachment.bundle_endpoint];
    const std::string interface = it.attachment.ifname + (it.attachment.netns.empty() ? "" : " in " + it.attachment.netns);
    std::vector<std::string> row{it.attachment.endpoint, "", to_string(it.attachment.mode), std::to_string(endpoint.identity),
                                 short_digest(status.bundle.programs[endpoint.program].digest),
                                 !it.problem.empty() ? it.problem : it.attachment.audit ? "in force, audit only" : "in force"};
    if (it.attachment.for_node && it.problem.empty()) {
      of_node[std::move(row)].push_back(interface);
      continue;
    }
    row[1] = interface;
    rows.push_back(std::move(row));
  }
  for (const auto& [rest, interfaces] : of_node) {
    std::vector<std::string> row = rest;
    for (std::size_t i = 0; i < interfaces.size() && i < kNamed; ++i) row[1] += (i == 0 ? "" : ", ") + interfaces[i];
    if (interfaces.size() > kNamed) row[1] += " and " + std::to_string(interfaces.size() - kNamed) + " more";
    rows.push_back(std::move(row));
  }
  for (const ExternalDevice& it : status.external) rows.push_back({"from outside", it.ifname, it.native ? "xdp" : "xdp generic", "", "", "in force"});
  return table_text(rows);
}

void add_rows(const Status& status, const ProgramStatus& program, int direction, TableRows& rows) {
  const auto& counters = direction == NP_INGRESS ? program.ingress : program.egress;
  const auto& texts = direction_of(status.bundle.programs[program.program], direction).rule_texts;
  for (std::size_t rule = 0; rule < counters.size(); ++rule) {
    const bool is_rule = rule < texts.size();
    std::string meaning = is_rule ? texts[rule] : "no rule decided";
    for (const RuleOrigin& place : places(status.bundle, program.program, direction, rule))
      meaning += "\n" + to_string(place);
    rows.push_back({direction_name(direction), is_rule ? std::to_string(rule) : "-",
                    std::to_string(counters[rule].packets), std::to_string(counters[rule].bytes), meaning});
  }
}

// Second lines of a cell stand below it.
std::string rules_text(const Status& status, const ProgramStatus& program) {
  TableRows rows{{"DIRECTION", "RULE", "PACKETS", "BYTES", "MEANING"}}, spread;
  add_rows(status, program, NP_INGRESS, rows);
  add_rows(status, program, NP_EGRESS, rows);
  for (auto& row : rows) {
    std::string rest = row.back();
    for (bool first = true;; first = false) {
      const auto end = rest.find('\n');
      spread.push_back(first ? row : std::vector<std::string>{"", "", "", "", ""});
      spread.back().back() = (first ? "" : "  ") + rest.substr(0, end);
      if (end == std::string::npos) break;
      rest.erase(0, end + 1);
    }
  }
  return table_text(spread, "  ");
}

std::string drops_text(const Status& status) {
  TableRows rows{{"REASON", "PACKETS", "BYTES", ""}};
  for (std::size_t reason = 0; reason < status.drops.size(); ++reason)
    if (status.drops[reason].packets != 0)
      rows.push_back({std::to_string(reason), std::to_string(status.drops[reason].packets),
                      std::to_string(status.drops[reason].bytes), reason_name(static_cast<std::uint8_t>(reason))});
  return rows.size() == 1 ? "no packet was dropped\n" : "dropped so far\n" + table_text(rows, "  ");
}

std::string flows_text(const Status& status) {
  const auto stat = [&](std::size_t which) { return std::to_string(status.stats.at(which)); };
  std::string text = "flows: " + std::to_string(status.flows.alive) + " alive, room for " + std::to_string(status.flows.room) +
                     "; so far " + stat(NP_STAT_OPENED) + " opened, " + stat(NP_STAT_EVICTED) + " of them in place of a live one, " +
                     stat(NP_STAT_REFUSED) + " refused for want of room\n";
  if (status.stats.at(NP_STAT_SUPPRESSED) != 0) text += "events: " + stat(NP_STAT_SUPPRESSED) + " left out, beyond the limit or unread for too long\n";
  if (status.stats.at(NP_STAT_AUDITED) != 0) text += "audit: " + stat(NP_STAT_AUDITED) + " packets passed that policy denies\n";
  return text;
}

Json flows_json(const Status& status) {
  return {{"alive", status.flows.alive},
          {"room", status.flows.room},
          {"opened", status.stats.at(NP_STAT_OPENED)},
          {"evicted", status.stats.at(NP_STAT_EVICTED)},
          {"refused", status.stats.at(NP_STAT_REFUSED)}};
}

Json counters_json(const Status& status, const ProgramStatus& program, int direction) {
  Json out = Json::array();
  const auto& counters = direction == NP_INGRESS ? program.ingress : program.egress;
  const auto& texts = direction_of(status.bundle.programs[program.program], direction).rule_texts;
  for (std::size_t rule = 0; rule < counters.size(); ++rule) {
    Json origins = Json::array();
    for (const RuleOrigin& place : places(status.bundle, program.program, direction, rule))
      origins.push_back(to_json(place));
    const bool is_rule = rule < texts.size();
    out.push_back({{"direction", direction_name(direction)},
                   {"rule", is_rule ? Json(rule) : Json()},
                   {"text", is_rule ? Json(texts[rule]) : Json()},
                   {"packets", counters[rule].packets},
                   {"bytes", counters[rule].bytes},
                   {"origins", std::move(origins)}});
  }
  return out;
}

Json attachment_json(const Status& status, const AttachmentStatus& it) {
  const BundleEndpoint& endpoint = status.bundle.endpoints[it.attachment.bundle_endpoint];
  return {{"endpoint", it.attachment.endpoint},
          {"ifname", it.attachment.ifname},
          {"netns", it.attachment.netns},
          {"ifindex", it.attachment.ifindex},
          {"mode", to_string(it.attachment.mode)},
          {"identity", endpoint.identity},
          {"program", status.bundle.programs[endpoint.program].digest},
          {"inForce", it.problem.empty()},
          {"audit", it.attachment.audit},
          {"problem", it.problem.empty() ? Json() : Json(it.problem)},
          {"kernelPrograms", {{"fromPod", it.programs.from_pod}, {"toPod", it.programs.to_pod}}}};
}

Json program_json(const Status& status, const ProgramStatus& program) {
  const BundleProgram& own = status.bundle.programs[program.program];
  Json endpoints = Json::array(), rules = counters_json(status, program, NP_INGRESS);
  for (const BundleEndpoint& endpoint : status.bundle.endpoints)
    if (endpoint.program == program.program) endpoints.push_back(endpoint.full_name());
  for (Json& rule : counters_json(status, program, NP_EGRESS)) rules.push_back(std::move(rule));
  return {{"digest", own.digest},
          {"endpoints", std::move(endpoints)},
          {"enforcement", {{"ingress", own.ingress.enforcement}, {"egress", own.egress.enforcement}}},
          {"rules", std::move(rules)}};
}

}  // namespace

std::string status_text(const Status& status) {
  const std::string unfinished =
      status.unfinished ? "a load was killed before it was done, and its programs may be in force: load again, or unload\n" : "";
  if (!status.installed) return "nothing is loaded under " + status.root + "\n" + unfinished;
  std::string text = unfinished + "bundle " + short_digest(status.bundle.digest) +
                     (status.bundle.generator.empty() ? "" : " by " + status.bundle.generator) + ", loaded " +
                     status.state.loaded + " under " + status.root + "\n";
  text += (status.state.node.empty() ? "no local node" : "node " + status.state.node) + ", " +
          std::to_string(status.addresses) + " addresses known, " + std::to_string(status.state.overrides.size()) +
          " of them told at run time\n\n";
  text += attachments_text(status);
  for (const ProgramStatus& program : status.programs) {
    const BundleProgram& own = status.bundle.programs[program.program];
    text += "\nprogram " + short_digest(own.digest) + " of " + endpoints_of(status.bundle, program.program) +
            ": ingress " + own.ingress.enforcement + ", egress " + own.egress.enforcement + "\n";
    text += rules_text(status, program);
  }
  return text + "\n" + flows_text(status) + drops_text(status);
}

std::string status_json(const Status& status) {
  Json out{{"root", status.root}, {"installed", status.installed}};
  if (status.unfinished) out["unfinished"] = true;
  if (status.installed) {
    out["inForce"] = status.good();
    out["bundle"] = {{"digest", status.bundle.digest}, {"generator", status.bundle.generator}};
    out["loaded"] = status.state.loaded;
    out["node"] = status.state.node.empty() ? Json() : Json(status.state.node);
    out["addresses"] = {{"known", status.addresses}, {"toldAtRunTime", status.state.overrides.size()}};
    Json attachments = Json::array(), programs = Json::array(), drops = Json::array();
    for (const AttachmentStatus& it : status.attachments) attachments.push_back(attachment_json(status, it));
    for (const ProgramStatus& program : status.programs) programs.push_back(program_json(status, program));
    for (std::size_t reason = 0; reason < status.drops.size(); ++reason)
      if (status.drops[reason].packets != 0)
        drops.push_back({{"reason", reason},
                         {"name", reason_name(static_cast<std::uint8_t>(reason))},
                         {"packets", status.drops[reason].packets},
                         {"bytes", status.drops[reason].bytes}});
    out["attachments"] = std::move(attachments);
    out["external"] = Json::array();
    for (const ExternalDevice& it : status.external)
      out["external"].push_back({{"ifname", it.ifname}, {"ifindex", it.ifindex}, {"mode", it.native ? "native" : "generic"}});
    out["programs"] = std::move(programs);
    out["drops"] = std::move(drops);
    out["flows"] = flows_json(status);
    out["eventsLeftOut"] = status.stats.at(NP_STAT_SUPPRESSED);
    out["audited"] = status.stats.at(NP_STAT_AUDITED);
  }
  return out.dump(1) + "\n";
}

}  // namespace netpolc::loader
