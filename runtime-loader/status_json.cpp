// What `status -o json` and /status say.
#include <nlohmann/json.hpp>

#include "runtime-loader/health.h"
#include "runtime-loader/policy_output.h"
#include "runtime-loader/reasons.h"
#include "runtime-loader/status.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json components_json(const std::vector<Component>& all) {
  Json out = Json::array();
  for (const Component& it : all) out.push_back({{"name", it.name}, {"state", to_string(it.health)}, {"summary", it.summary}, {"reasons", it.reasons}});
  return out;
}

Json flows_json(const Status& status) {
  return {{"alive", status.flows.alive},
          {"room", status.flows.room},
          {"opened", status.stats.at(NP_STAT_OPENED)},
          {"evicted", status.stats.at(NP_STAT_EVICTED)},
          {"refused", status.stats.at(NP_STAT_REFUSED)}};
}

Json attachment_json(const Status& status, const AttachmentStatus& it) {
  const bool known = it.attachment.bundle_endpoint != kNoEndpoint;
  return {{"endpoint", it.attachment.endpoint},
          {"ifname", it.attachment.ifname},
          {"netns", it.attachment.netns},
          {"ifindex", it.attachment.ifindex},
          {"mode", to_string(it.attachment.mode)},
          {"identity", known ? Json(status.bundle.endpoints[it.attachment.bundle_endpoint].identity) : Json()},
          {"program", or_null(it.attachment.program)},
          {"inForce", it.is_as_wanted()},
          {"audit", it.attachment.audit},
          {"problem", or_null(it.problem)},
          {"kernelPrograms", {{"fromPod", it.programs.from_pod}, {"toPod", it.programs.to_pod}}},
          {"state", to_string(it.state)},
          {"forNode", it.attachment.for_node},
          {"origin", or_null(it.attachment.origin)}};
}

// Those with nothing attached are no attachments: a list of their own.
Json open_json(const Status& status) {
  Json out = Json::array();
  for (const AttachmentStatus& it : status.attachments)
    if (it.state == AttachmentState::Open)
      out.push_back({{"endpoint", it.attachment.endpoint}, {"ifname", it.attachment.ifname}, {"netns", it.attachment.netns}, {"reason", it.problem}});
  return out;
}

Json unattached_json(const Status& status) {
  Json out = Json::array();
  for (const UnattachedPod& it : status.unattached) {
    const BundleEndpoint& endpoint = status.bundle.endpoints[it.endpoint];
    out.push_back({{"endpoint", endpoint.ns + "/" + endpoint.pods[it.pod].name},
                   {"workload", endpoint.full_name()},
                   {"identity", endpoint.identity},
                   {"hasPolicy", status.bundle.programs[endpoint.program].is_enforced()}});
  }
  return out;
}

Json drops_json(const Status& status) {
  Json out = Json::array();
  for (std::size_t reason = 0; reason < status.drops.size(); ++reason)
    if (status.drops[reason].packets != 0)
      out.push_back({{"reason", reason},
                     {"name", reason_name(static_cast<std::uint8_t>(reason))},
                     {"packets", status.drops[reason].packets},
                     {"bytes", status.drops[reason].bytes},
                     {"secondsAgo", status.dropped_at.at(reason) == UINT64_MAX ? Json() : Json(status.dropped_at[reason])}});
  return out;
}

Json generation_json(const Status& status) {
  Json out{{"number", status.state.number}, {"previous", nullptr}, {"confirmSecondsLeft", nullptr}, {"setAside", or_null(status.state.set_aside)}};
  if (const auto& former = status.state.previous) out["previous"] = {{"number", former->number}, {"bundle", former->bundle}, {"loaded", former->loaded}};
  if (status.confirm_left) out["confirmSecondsLeft"] = *status.confirm_left;
  if (const auto& change = status.last_change)
    out["lastChange"] = {{"endpointsAdded", change->added}, {"endpointsRemoved", change->removed}, {"endpointsChanged", change->changed}};
  return out;
}

// The daemon's own words come as they are (docs/daemon.md).
Json daemon_json(const DaemonStatus& daemon) {
  Json out{{"runs", daemon.runs}};
  if (daemon.figures) out["figures"] = Json::parse(to_json(*daemon.figures), nullptr, false);
  return out;
}

void add_installed(const Status& status, Json& out) {
  out["inForce"] = status.good();
  out["bundle"] = {{"digest", status.bundle.digest}, {"generator", status.bundle.generator}, {"signer", or_null(status.state.signer)}};
  out["loaded"] = status.state.loaded;
  out["node"] = or_null(status.state.node);
  out["addresses"] = {{"known", status.addresses}, {"toldAtRunTime", status.state.overrides.size()}};
  Json attachments = Json::array(), external = Json::array(), programs = Json::array(), maps = Json::array();
  for (const AttachmentStatus& it : status.attachments)
    if (it.state != AttachmentState::Open) attachments.push_back(attachment_json(status, it));
  for (const ExternalDevice& it : status.external) external.push_back({{"ifname", it.ifname}, {"ifindex", it.ifindex}, {"mode", it.native ? "native" : "generic"}});
  for (const ProgramStatus& program : status.programs) programs.push_back(program_json(status, program));
  for (const MapFill& it : status.maps) maps.push_back({{"map", it.map}, {"used", it.used}, {"capacity", it.capacity}, {"percent", it.percent()}});
  out["attachments"] = std::move(attachments);
  out["external"] = std::move(external);
  out["programs"] = std::move(programs);
  out["drops"] = drops_json(status);
  out["flows"] = flows_json(status);
  out["eventsLeftOut"] = status.stats.at(NP_STAT_SUPPRESSED);
  out["audited"] = status.stats.at(NP_STAT_AUDITED);
  out["generation"] = generation_json(status);
  out["open"] = open_json(status);
  out["notAttached"] = unattached_json(status);
  out["maps"] = std::move(maps);
  out["faults"] = status.faults;
}

}  // namespace

std::string status_json(const Status& status) {
  Json out{{"root", status.root}, {"installed", status.installed}};
  if (status.unfinished) out["unfinished"] = true;
  if (status.installed) add_installed(status, out);
  if (status.installed || status.daemon.runs) {
    out["components"] = components_json(components(status));
    out["daemon"] = daemon_json(status.daemon);
  }
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace netpolc::loader
