// What `status` prints for people.
#include <map>

#include "runtime-loader/health.h"
#include "runtime-loader/policy_output.h"
#include "runtime-loader/reasons.h"
#include "runtime-loader/status.h"
#include "runtime-loader/table.h"

namespace netpolc::loader {
namespace {

std::string short_digest(const std::string& digest) { return digest.substr(0, 12); }

std::string state_words(const AttachmentStatus& it) {
  if (!it.problem.empty()) return std::string(to_string(it.state)) + ": " + it.problem;
  return it.attachment.audit ? "in force, audit only" : "in force";
}

// A node's program is at its devices and at every pod's interface: where all is well, that makes one
// line, its devices first.
std::string attachments_text(const Status& status) {
  constexpr std::size_t kNamed = 3;
  TableRows rows{{"ENDPOINT", "INTERFACE", "MODE", "IDENTITY", "PROGRAM", "STATE"}};
  std::map<std::vector<std::string>, std::vector<std::string>> of_node;  // interfaces by the rest of the line
  for (const AttachmentStatus& it : status.attachments) {
    const bool known = it.attachment.bundle_endpoint != kNoEndpoint;
    const std::string interface = it.attachment.ifname + (it.attachment.netns.empty() ? "" : " in " + it.attachment.netns);
    std::vector<std::string> row{it.attachment.endpoint, "", it.state == AttachmentState::Open ? "" : to_string(it.attachment.mode),
                                 known ? std::to_string(status.bundle.endpoints[it.attachment.bundle_endpoint].identity) : "",
                                 short_digest(it.attachment.program), state_words(it)};
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

std::string maps_text(const Status& status) {
  TableRows rows{{"MAP", "USED", "CAPACITY", "FULL"}};
  for (const MapFill& it : status.maps) rows.push_back({it.map, std::to_string(it.used), std::to_string(it.capacity), std::to_string(it.percent()) + " %"});
  return table_text(rows);
}

std::string drops_text(const Status& status) {
  TableRows rows{{"REASON", "PACKETS", "BYTES", ""}};
  for (std::size_t reason = 0; reason < status.drops.size(); ++reason)
    if (status.drops[reason].packets != 0)
      rows.push_back({std::to_string(reason), std::to_string(status.drops[reason].packets),
                      std::to_string(status.drops[reason].bytes), reason_name(static_cast<std::uint8_t>(reason))});
  std::string text = rows.size() == 1 ? "no packet was dropped\n" : "dropped so far\n" + table_text(rows, "  ");
  const auto stat = [&](std::size_t which) { return std::to_string(status.stats.at(which)); };
  if (status.stats.at(NP_STAT_SUPPRESSED) != 0) text += "events: " + stat(NP_STAT_SUPPRESSED) + " left out, beyond the limit or unread for too long\n";
  if (status.stats.at(NP_STAT_AUDITED) != 0) text += "audit: " + stat(NP_STAT_AUDITED) + " packets passed that policy denies\n";
  return text;
}

}  // namespace

std::string status_text(const Status& status, bool brief) {
  const std::vector<Component> all = components(status);
  TableRows rows;
  for (const Component& it : all) rows.push_back({it.name, to_string(it.health), it.summary});
  std::string text = table_text(rows), reasons;
  if (brief) return text;
  constexpr std::size_t kNamed = 20;  // of each component: one screen
  for (const Component& it : all) {
    for (std::size_t i = 0; i < it.reasons.size() && i < kNamed; ++i) reasons += it.name + ": " + it.reasons[i] + "\n";
    if (it.reasons.size() > kNamed) reasons += it.name + ": and " + std::to_string(it.reasons.size() - kNamed) + " more; -o json has them all\n";
  }
  return reasons.empty() ? text : text + "\n" + reasons;
}

std::string details_text(const Status& status) {
  if (!status.installed) return "";
  std::string text = "\n" + std::to_string(status.addresses) + " addresses known, " + std::to_string(status.state.overrides.size()) + " of them told at run time\n\n" +
                     attachments_text(status) + "\n" + maps_text(status) + "\n";
  for (const ProgramStatus& program : status.programs) text += rules_text(status, program) + "\n";
  return text + drops_text(status);
}

}  // namespace netpolc::loader
