#include "runtime-loader/health.h"

#include <algorithm>
#include <array>
#include <map>

#include "runtime-loader/blocked.h"
#include "runtime-loader/reasons.h"

namespace netpolc::loader {
namespace {

std::string short_digest(const std::string& digest) { return digest.substr(0, 12); }

// "1 pod", "2 pods"
std::string several(std::uint64_t count, const std::string& one) { return std::to_string(count) + " " + one + (count == 1 ? "" : "s"); }

// "3 s", "4 min", "5 h", "6 d"
std::string duration(std::uint64_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  if (seconds < 172800) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

// The worse of both.
void worsen(Component& component, Health health, std::string reason) {
  component.health = std::max(component.health, health);
  component.reasons.push_back(std::move(reason));
}

Component of_installation(const Status& status) {
  Component out{"netpolc", Health::Ok, "", {}};
  if (status.installed) {
    if (status.state.number != 0) out.summary = "generation " + std::to_string(status.state.number) + ", ";
    out.summary += "loaded " + status.state.loaded + ", bundle " + short_digest(status.bundle.digest) +
                   (status.bundle.generator.empty() ? "" : " by " + status.bundle.generator) +
                   (status.state.signer.empty() ? "" : ", signed by " + status.state.signer) +
                   (status.state.node.empty() ? ", no local node" : ", node " + status.state.node);
  } else {
    out.health = Health::Off;
    out.summary = "nothing is loaded under " + status.root;
  }
  if (status.unfinished) worsen(out, Health::Fail, "a load was killed before it was done, and its programs may be in force: load again, or unload");
  return out;
}

// What a daemon that runs has not put into force.
void add_shortcomings(const Status& status, const DaemonFigures& said, Component& out) {
  if (!said.healthy) worsen(out, Health::Fail, "it does not do its work" + (said.state.empty() ? "" : ": " + said.state));
  const bool other = !said.wanted_bundle.empty() && said.wanted_bundle != status.bundle.digest;
  if (!said.bundle_error.empty())
    worsen(out, Health::Fail, "bundle " + (said.wanted_path.empty() ? short_digest(said.wanted_bundle) : said.wanted_path) + " is not in force: " + said.bundle_error);
  else if (other)
    worsen(out, Health::Warn, "bundle " + short_digest(said.wanted_bundle) + " is wanted, and " + (status.installed ? short_digest(status.bundle.digest) : "nothing") + " runs");
  if (!said.feed_error.empty()) worsen(out, Health::Warn, "what the feed was told before this daemon started: " + said.feed_error);
  if (!said.list_error.empty()) worsen(out, Health::Warn, "the list of endpoints: " + said.list_error);
  for (const EndpointWord& it : said.failed) worsen(out, Health::Fail, it.endpoint + " at " + it.ifname + " could not be attached: " + it.reason);
  for (const EndpointWord& it : said.waiting) worsen(out, Health::Warn, it.endpoint + " waits for its interface " + it.ifname);
  if (out.health == Health::Ok && !said.ready) worsen(out, Health::Warn, "it is not ready" + (said.state.empty() ? "" : ": " + said.state));
}

Component of_daemon(const Status& status) {
  Component out{"daemon", Health::Ok, "", {}};
  const DaemonStatus& daemon = status.daemon;
  if (!daemon.runs) {
    out.health = Health::Off;
    out.summary = "none runs";
    return out;
  }
  if (!daemon.figures) {
    out.summary = "runs";
    worsen(out, Health::Warn, "what it says of itself can't be read" + (daemon.unreadable.empty() ? std::string() : ": " + daemon.unreadable));
    return out;
  }
  const DaemonFigures& said = *daemon.figures;
  out.summary = "pid " + std::to_string(said.pid);
  if (!said.watch.empty()) out.summary += ", watches " + said.watch;
  if (!said.feed.empty()) out.summary += ", listens at " + said.feed;
  out.summary += ", " + several(said.loads, "load");
  std::uint64_t failures = 0;
  for (const auto& [kind, count] : said.load_failures) failures += count;
  if (failures != 0) out.summary += ", " + std::to_string(failures) + " of them failed";
  add_shortcomings(status, said, out);
  return out;
}

std::string place(const Attachment& it) { return it.endpoint + " at " + it.ifname + (it.netns.empty() ? "" : " in " + it.netns); }

Health health_of(AttachmentState state) {
  switch (state) {
    case AttachmentState::Enforced:
    case AttachmentState::Open: return Health::Ok;
    case AttachmentState::Blocked: return Health::Warn;
    case AttachmentState::Stale:
    case AttachmentState::Detached:
    case AttachmentState::Gone: return Health::Fail;
  }
  return Health::Fail;
}

Component of_endpoints(const Status& status) {
  Component out{"endpoints", Health::Ok, "", {}};
  std::map<AttachmentState, std::size_t> by_state;
  for (const AttachmentStatus& it : status.attachments) {
    ++by_state[it.state];
    if (const Health health = health_of(it.state); health != Health::Ok) worsen(out, health, place(it.attachment) + " is " + to_string(it.state) + ": " + it.problem);
  }
  out.summary = std::to_string(by_state[AttachmentState::Enforced]) + " of " + std::to_string(status.attachments.size()) + " enforcing";
  for (const auto& [state, count] : by_state)
    if (state != AttachmentState::Enforced && count != 0) out.summary += ", " + std::to_string(count) + " " + to_string(state);
  std::size_t left = 0;
  for (const UnattachedPod& it : status.unattached) {
    const BundleEndpoint& endpoint = status.bundle.endpoints[it.endpoint];
    if (!status.bundle.programs[endpoint.program].is_enforced()) continue;
    ++left;
    worsen(out, Health::Warn, endpoint.ns + "/" + endpoint.pods[it.pod].name + " is on this node, as the bundle says, and nothing is attached to it: its policy is not in force");
  }
  if (left != 0) out.summary += ", " + std::to_string(left) + " not attached";
  return out;
}

bool is_of_flows(const MapFill& it) { return it.map == NP_MAP_FLOWS4 || it.map == NP_MAP_FLOWS6 || it.map == NP_MAP_FRAGMENTS; }

void judge_fill(const MapFill& it, const std::string& consequence, Component& out) {
  if (it.percent() < kNearlyFull) return;
  worsen(out, it.percent() >= 100 ? Health::Fail : Health::Warn,
         it.map + " is " + (it.percent() >= 100 ? "full" : std::to_string(it.percent()) + " % full") + " (" + std::to_string(it.used) + " of " +
             std::to_string(it.capacity) + "): " + consequence);
}

std::string consequence(const std::string& map) {
  if (map == "np_peers") return "beyond that no new kind of peer can be told to the programs; loading the same bundle again makes room";
  if (map == NP_MAP_INTERFACES) return "beyond that no endpoint can be added";
  return "beyond that nobody new can be told to the programs";
}

Component of_maps(const Status& status) {
  Component out{"maps", Health::Ok, "", {}};
  const MapFill* fullest = nullptr;
  for (const MapFill& it : status.maps) {
    if (is_of_flows(it)) continue;
    if (fullest == nullptr || it.percent() > fullest->percent()) fullest = &it;
    judge_fill(it, consequence(it.map), out);
  }
  if (fullest != nullptr) out.summary = "fullest " + std::to_string(fullest->percent()) + " % (" + fullest->map + "), " + std::to_string(status.addresses) + (status.addresses == 1 ? " address" : " addresses") + " known";
  return out;
}

Component of_programs(const Status& status) {
  Component out{"programs", Health::Ok, several(status.programs.size(), "program"), {}};
  std::size_t links = 0, filters = 0;
  for (const AttachmentStatus& it : status.attachments) {
    const std::size_t both = (it.programs.from_pod != 0) + (it.programs.to_pod != 0);
    (it.attachment.mode == AttachMode::Tcx ? links : filters) += both;
  }
  if (links != 0) out.summary += ", " + several(links, "tcx link");
  if (filters != 0) out.summary += ", " + several(filters, "clsact filter");
  if (!status.external.empty()) out.summary += ", " + several(status.external.size(), "xdp link");
  if (!status.ready) worsen(out, Health::Fail, "they have no configuration, and drop everything (reason 165): load again");
  for (const std::string& fault : status.faults) worsen(out, Health::Fail, fault);
  if (status.external_gone != 0)
    worsen(out, Health::Warn, several(status.external_gone, "external device") + " went away; what comes in by another is still judged at the pods");
  return out;
}

Component of_flows(const Status& status) {
  Component out{"flows", Health::Ok, "", {}};
  const auto stat = [&](std::size_t which) { return std::to_string(status.stats.at(which)); };
  const std::uint64_t percent = status.flows.room == 0 ? 0 : status.flows.alive * 100 / status.flows.room;
  out.summary = std::to_string(status.flows.alive) + " alive, room for " + std::to_string(status.flows.room) + " (" + std::to_string(percent) + " %); so far " +
                stat(NP_STAT_OPENED) + " opened, " + stat(NP_STAT_EVICTED) + " of them in place of a live one, " + stat(NP_STAT_REFUSED) + " refused for want of room";
  for (const MapFill& it : status.maps)
    if (is_of_flows(it))
      judge_fill(it, it.map == NP_MAP_FRAGMENTS ? "beyond that the oldest are forgotten, and the rest of their packets dropped (reason 175)"
                                                : "beyond that new connections take the place of idle ones, or are dropped (reason 155)", out);
  return out;
}

Component of_drops(const Status& status) {
  Component out{"drops", Health::Ok, "", {}};
  std::vector<std::pair<std::uint64_t, std::size_t>> reasons;  // most first
  std::uint64_t packets = 0, last = UINT64_MAX;
  for (std::size_t reason = 1; reason < status.drops.size(); ++reason) {
    if (status.drops[reason].packets == 0) continue;
    reasons.emplace_back(status.drops[reason].packets, reason);
    packets += status.drops[reason].packets;
    const std::uint64_t ago = status.dropped_at.at(reason);
    last = std::min(last, ago);
    if (is_trouble(static_cast<std::uint32_t>(reason)) && ago < kRecently)
      worsen(out, Health::Warn, reason_name(static_cast<std::uint8_t>(reason)) + " (reason " + std::to_string(reason) + "): " +
                 several(status.drops[reason].packets, "packet") + " so far, the last one " + duration(ago) + " ago");
  }
  std::sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  out.summary = packets == 0 ? "no packet was dropped" : several(packets, "packet") + " so far";
  constexpr std::size_t kNamed = 3;
  for (std::size_t i = 0; i < reasons.size() && i < kNamed; ++i)
    out.summary += (i == 0 ? ": " : ", ") + reason_name(static_cast<std::uint8_t>(reasons[i].second)) + " " + std::to_string(reasons[i].first);
  if (reasons.size() > kNamed) out.summary += " and others";
  if (packets != 0 && last != UINT64_MAX) out.summary += "; the last one " + duration(last) + " ago";
  if (status.stats.at(NP_STAT_AUDITED) != 0) out.summary += "; audit let " + std::to_string(status.stats.at(NP_STAT_AUDITED)) + " pass";
  return out;
}

Component of_last_change(const Status& status) {
  Component out{"last change", Health::Ok, "", {}};
  if (!status.state.previous) {
    out.summary = "none since the first load; nothing to roll back to";
  } else {
    out.summary = std::to_string(status.state.previous->number) + " -> " + std::to_string(status.state.number);
    if (const auto& it = status.last_change) {
      if (it->added + it->removed + it->changed == 0) out.summary += ", no endpoint has another policy";
      if (it->changed != 0) out.summary += ", " + several(it->changed, "endpoint") + " with another policy";
      if (it->added != 0) out.summary += ", " + several(it->added, "endpoint") + " added";
      if (it->removed != 0) out.summary += ", " + several(it->removed, "endpoint") + " removed";
    }
    out.summary += "; bundle " + short_digest(status.state.previous->bundle) + " is kept";
  }
  if (status.confirm_left) {
    if (*status.confirm_left >= 0)
      worsen(out, Health::Warn, (status.state.previous ? "it goes back" : "all is taken away") + std::string(" by itself in ") + std::to_string(*status.confirm_left) + " s: `netpol-loader commit` keeps it");
    else
      worsen(out, Health::Fail, "nobody confirmed it in time, and it has not gone back yet: `netpol-loader recover` does it");
  }
  if (!status.state.set_aside.empty()) worsen(out, Health::Warn, "bundle " + short_digest(status.state.set_aside) + " was rolled back; the daemon doesn't take it up again by itself");
  return out;
}

}  // namespace

const char* to_string(Health health) {
  switch (health) {
    case Health::Ok: return "ok";
    case Health::Off: return "off";
    case Health::Warn: return "warn";
    case Health::Fail: return "fail";
  }
  return "";
}

bool is_trouble(std::uint32_t reason) {
  return reason == NP_REASON_CT_CREATE_FAILED || reason == NP_REASON_NO_CONFIG || reason == kReasonNotReady;
}

std::vector<Component> components(const Status& status) {
  std::vector<Component> out{of_installation(status), of_daemon(status)};
  if (!status.installed) {
    for (const char* name : {"endpoints", "maps", "programs", "flows", "drops", "last change"}) out.push_back({name, Health::Off, "", {}});
    return out;
  }
  for (Component& it : std::array{of_endpoints(status), of_maps(status), of_programs(status), of_flows(status), of_drops(status), of_last_change(status)})
    out.push_back(std::move(it));
  return out;
}

bool is_healthy(const std::vector<Component>& all) {
  return all.at(0).health == Health::Ok && std::none_of(all.begin(), all.end(), [](const Component& it) { return it.health == Health::Fail; });
}

bool is_all_well(const std::vector<Component>& all) {
  return is_healthy(all) && std::none_of(all.begin(), all.end(), [](const Component& it) { return it.health == Health::Warn; });
}

}  // namespace netpolc::loader
