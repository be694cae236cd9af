#include "runtime-loader/status.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <set>
#include <thread>

#include "runtime-loader/blocked.h"
#include "runtime-loader/clock.h"
#include "runtime-loader/confirmation.h"
#include "runtime-loader/files.h"
#include "runtime-loader/kept_bundle.h"
#include "runtime-loader/netns.h"
#include "runtime-loader/own_programs.h"

namespace netpolc::loader {
namespace {

constexpr std::size_t kFiguresLimit = 64u << 20;
constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint64_t now_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_nsec);
}

// ---- what is attached ------------------------------------------------------------------------------

// Why there are not both programs.
void find_absence(AttachmentStatus& it) {
  const auto now = find_interface(it.attachment.netns, it.attachment.ifname);
  it.state = AttachmentState::Gone;
  if (!now) {
    it.problem = "the interface is gone";
  } else if (now->index != it.attachment.ifindex || now->netns != it.attachment.netns_inode) {
    it.problem = "the interface was made anew: load again to attach to it";
  } else {
    it.state = AttachmentState::Detached;
    it.problem = "a program was detached by somebody else: load again";
  }
}

bool has_blocked_programs(const Installation& site) {
  return open_pinned(site.own_program_path("blocked_from")) && open_pinned(site.own_program_path("blocked_to"));
}

AttachmentStatus attachment_status(const Installation& site, std::uint64_t generation, OwnPrograms& ours, const Attachment& attachment) {
  AttachmentStatus it{attachment, {}, AttachmentState::Enforced, ""};
  if (!attachment.open.empty()) {
    it.state = AttachmentState::Open;
    it.problem = attachment.open;
    return it;
  }
  it.programs = in_force(site, attachment);
  if (!it.programs.both()) {
    find_absence(it);
    return it;
  }
  const bool is_blocked = !attachment.blocked.empty();
  const auto wanted = is_blocked && !has_blocked_programs(site) ? refused("the program that lets nothing pass is not pinned") : ours.of(site, generation, attachment);
  if (!wanted || wanted->from_pod.id != it.programs.from_pod || wanted->to_pod.id != it.programs.to_pod) {
    it.state = AttachmentState::Stale;
    it.problem = wanted ? "other programs are in force there than generation " + std::to_string(generation) + " has for it: load again" : wanted.error().message;
  } else if (is_blocked) {
    it.state = AttachmentState::Blocked;
    it.problem = attachment.blocked;
  }
  return it;
}

Done add_attachments(const Installation& site, Status& status) {
  OwnPrograms ours;
  Done sound = ours.add_generation(site, status.state.number);
  if (sound) sound = ours.check(site, status.state.tags, status.state.number);
  if (!sound) status.faults.push_back(sound.error().message);
  for (const Attachment& it : status.state.attachments) {
    if (it.bundle_endpoint != kNoEndpoint && it.bundle_endpoint >= status.bundle.endpoints.size()) return refused("the state is of another bundle; load again");
    status.attachments.push_back(attachment_status(site, status.state.number, ours, it));
  }
  status.external = devices_in_force(site);
  const std::vector<std::string> links = site.pinned_links();
  const auto devices = static_cast<std::size_t>(std::count_if(links.begin(), links.end(), is_device_link));
  status.external_gone = devices - std::min(devices, status.external.size());
  return {};
}

// An attachment that names a workload stands for whichever of its pods here no other one names.
std::vector<UnattachedPod> unattached_pods(const Bundle& bundle, const State& state) {
  std::vector<UnattachedPod> out;
  if (state.node.empty()) return out;
  std::map<std::size_t, std::set<std::string>> named;
  std::map<std::size_t, std::size_t> unnamed;
  for (const Attachment& it : state.attachments) {
    if (it.for_node || it.bundle_endpoint == kNoEndpoint) continue;
    const BundleEndpoint& endpoint = bundle.endpoints[it.bundle_endpoint];
    const bool is_pod = std::any_of(endpoint.pods.begin(), endpoint.pods.end(), [&](const BundlePod& pod) { return endpoint.ns + "/" + pod.name == it.endpoint; });
    if (is_pod) named[it.bundle_endpoint].insert(it.endpoint);
    else ++unnamed[it.bundle_endpoint];
  }
  for (std::size_t i = 0; i < bundle.endpoints.size(); ++i) {
    const BundleEndpoint& endpoint = bundle.endpoints[i];
    if (endpoint.is_node) continue;
    for (std::size_t pod = 0; pod < endpoint.pods.size(); ++pod) {
      if (endpoint.pods[pod].node != state.node || named[i].contains(endpoint.ns + "/" + endpoint.pods[pod].name)) continue;
      if (unnamed[i] != 0) --unnamed[i];
      else out.push_back({i, pod});
    }
  }
  return out;
}

// ---- what was counted ------------------------------------------------------------------------------

Result<ProgramStatus> counters(const Installation& site, const Bundle& bundle, std::size_t index) {
  const BundleProgram& program = bundle.programs[index];
  const std::size_t in = program.ingress.rule_texts.size(), out = program.egress.rule_texts.size();
  ProgramStatus status{index, std::vector<np_counter>(in + 1), std::vector<np_counter>(out + 1)};
  const Fd map = open_pinned(site.rules_path(program.digest));
  if (!map) return status;  // not on this node
  const auto all = read_counters(map.get());
  if (!all) return tl::make_unexpected(all.error());
  if (all->size() != in + out + 2)
    return refused("the counters of program " + program.digest + " have " + std::to_string(all->size()) + " slots");
  // Slots as in ir/map_layout.h: rules of both directions, then what no rule decided.
  std::copy_n(all->begin(), in, status.ingress.begin());
  std::copy_n(all->begin() + static_cast<std::ptrdiff_t>(in), out, status.egress.begin());
  status.ingress.back() = (*all)[in + out];
  status.egress.back() = (*all)[in + out + 1];
  return status;
}

Done add_programs(const Installation& site, Status& status) {
  std::set<std::size_t> used;
  for (const Attachment& it : status.state.attachments)
    if (it.blocked.empty() && it.open.empty() && it.bundle_endpoint != kNoEndpoint) used.insert(status.bundle.endpoints[it.bundle_endpoint].program);
  for (const std::size_t program : used) {
    auto own = counters(site, status.bundle, program);
    if (!own) return tl::make_unexpected(own.error());
    status.programs.push_back(std::move(*own));
  }
  return {};
}

Done add_drops(const Installation& site, Status& status) {
  const Fd drops = open_pinned(site.map_path(NP_MAP_DROPS)), stats_map = open_pinned(site.map_path(NP_MAP_STATS));
  if (!drops || !stats_map) return refused("the maps of counters are not where they were pinned");
  auto all = read_counters(drops.get());
  if (!all) return tl::make_unexpected(all.error());
  status.drops = std::move(*all);
  const auto last = last_dropped(drops.get());
  if (!last) return tl::make_unexpected(last.error());
  const std::uint64_t now = now_of(CLOCK_MONOTONIC);
  for (const std::uint64_t time : *last) status.dropped_at.push_back(time == 0 ? UINT64_MAX : (now - std::min(now, time)) / kSecond);
  auto stats = read_stats(stats_map.get());
  if (!stats) return tl::make_unexpected(stats.error());
  status.stats = std::move(*stats);
  return {};
}

// ---- how full it is --------------------------------------------------------------------------------

Done add_fill(const std::string& path, const char* name, const auto& count, Status& status) {
  const Fd map = open_pinned(path);
  if (!map) return refused(path + " is not where it was pinned");
  const auto shape = map_shape(map.get());
  if (!shape) return tl::make_unexpected(shape.error());
  const auto used = count(map.get());
  if (!used) return tl::make_unexpected(used.error());
  status.maps.push_back({name, *used, shape->max_entries});
  return {};
}

// Rows are given out from the first on.
Done add_rows(const Installation& site, Status& status) {
  const Fd rows = open_pinned(site.generation_map_path(status.state.number, NP_MAP_ROWS));
  if (!rows) return refused(NP_MAP_ROWS " is not where it was pinned");
  const auto known = read_rows(rows.get());
  if (!known) return tl::make_unexpected(known.error());
  for (const std::string& digest : site.pinned_programs(status.state.number)) {
    const Fd peers = open_pinned(site.peers_path(status.state.number, digest, "in"));
    const auto shape = peers ? map_shape(peers.get()) : refused("no peers");
    if (!shape) continue;
    status.maps.push_back({"np_peers", known->count(), shape->max_entries});
    break;
  }
  return {};
}

Done add_flows(const Installation& site, Status& status) {
  const auto now = current_tick();
  if (!now) return tl::make_unexpected(now.error());
  for (const bool six : {false, true}) {
    const char* name = six ? NP_MAP_FLOWS6 : NP_MAP_FLOWS4;
    const Fd map = open_pinned(site.map_path(name));
    if (!map) return refused(std::string(name) + " is not where it was pinned");
    const auto flows = count_table(map.get(), six, *now);
    if (!flows) return tl::make_unexpected(flows.error());
    status.flows.alive += flows->alive;
    status.flows.room += flows->room;
    status.maps.push_back({name, flows->alive, flows->room});
  }
  return add_fill(site.map_path(NP_MAP_FRAGMENTS), NP_MAP_FRAGMENTS, [&](int map) { return count_fragments(map, *now); }, status);
}

Done add_maps(const Installation& site, Status& status) {
  const auto of_generation = [&](const char* name) { return site.generation_map_path(status.state.number, name); };
  for (const char* name : {NP_MAP_ADDRESSES4, NP_MAP_ADDRESSES6, NP_MAP_IPCACHE4, NP_MAP_IPCACHE6}) {
    if (const Done done = add_fill(of_generation(name), name, count_entries, status); !done) return done;
    status.addresses += status.maps.back().used;
  }
  if (const Done done = add_fill(of_generation(NP_MAP_ROWS), NP_MAP_ROWS, count_entries, status); !done) return done;
  if (const Done done = add_rows(site, status); !done) return done;
  if (const Done done = add_fill(of_generation(NP_MAP_INTERFACES), NP_MAP_INTERFACES, count_entries, status); !done) return done;
  const Fd config_map = open_pinned(of_generation(NP_MAP_CONFIG));
  const auto config = config_map ? read_config(config_map.get()) : refused(NP_MAP_CONFIG " is not where it was pinned");
  if (!config) return tl::make_unexpected(config.error());
  status.ready = config->ready == 1;
  return add_flows(site, status);
}

// ---- the rest --------------------------------------------------------------------------------------

// Where the former bundle can't be read any more, nobody knows.
std::optional<LastChange> change_since(const Installation& site, const Status& status) {
  if (!status.state.previous) return std::nullopt;
  if (status.state.previous->bundle == status.state.bundle) return LastChange{};
  const auto former = kept_manifest(site, status.state.previous->bundle);
  if (!former) return std::nullopt;
  const auto programs = [](const Bundle& bundle) {
    std::map<std::pair<std::string, std::string>, std::string> out;
    for (const BundleEndpoint& it : bundle.endpoints) out[{it.full_name(), it.kind}] = bundle.programs[it.program].digest;
    return out;
  };
  const auto before = programs(*former), after = programs(status.bundle);
  LastChange change;
  for (const auto& [name, program] : after) {
    const auto found = before.find(name);
    if (found == before.end()) ++change.added;
    else if (found->second != program) ++change.changed;
  }
  for (const auto& [name, program] : before) change.removed += !after.contains(name);
  return change;
}

DaemonStatus daemon_status(const std::string& directory) {
  DaemonStatus out;
  out.runs = daemon_runs(directory);
  const auto text = read_file(daemon_figures_path(directory), kFiguresLimit);
  const auto figures = text ? parse_daemon_figures(*text, daemon_figures_path(directory)) : Result<DaemonFigures>(tl::make_unexpected(text.error()));
  if (figures) out.figures = *figures;
  else out.unreadable = figures.error().message;
  return out;
}

Result<Status> read_once(const Installation& site) {
  Status out;
  out.root = site.root();
  out.daemon = daemon_status(site.state_directory());
  auto known = read_state(site);
  if (!known) return tl::make_unexpected(known.error());
  out.unfinished = known->current && known->state.unfinished;
  if (!known->current || known->state.bundle.empty()) return out;
  out.state = std::move(known->state);
  auto bundle = kept_manifest(site, out.state.bundle);
  if (!bundle) return tl::make_unexpected(bundle.error());
  out.bundle = std::move(*bundle);
  Done done = add_attachments(site, out);
  if (done) done = add_programs(site, out);
  if (done) done = add_drops(site, out);
  if (done) done = add_maps(site, out);
  if (!done) return tl::make_unexpected(done.error());
  out.unattached = unattached_pods(out.bundle, out.state);
  if (out.state.confirm)
    out.confirm_left = is_overdue(*out.state.confirm) ? -1 : static_cast<std::int64_t>((nanoseconds_left(*out.state.confirm) + kSecond - 1) / kSecond);
  out.last_change = change_since(site, out);
  out.installed = true;
  return out;
}

// What is half done isn't what was left half done.
void wait_for_who_changes_it(const Installation& site, std::chrono::steady_clock::time_point deadline) {
  while (std::chrono::steady_clock::now() < deadline) {
    const auto known = read_state(site);
    if (!known || !known->current || !known->state.unfinished || !site.is_locked()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

const char* to_string(AttachmentState state) {
  switch (state) {
    case AttachmentState::Enforced: return "enforced";
    case AttachmentState::Open: return "open";
    case AttachmentState::Blocked: return "blocked";
    case AttachmentState::Stale: return "stale";
    case AttachmentState::Detached: return "detached";
    case AttachmentState::Gone: return "gone";
  }
  return "";
}

bool Status::good() const {
  return installed && !unfinished && std::all_of(attachments.begin(), attachments.end(), [](const AttachmentStatus& it) { return it.is_as_wanted(); });
}

Result<Status> status(const std::string& root, const std::string& state) {
  const Installation site = Installation::at(root, state);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  // A load beside may have taken away the generation that the state spoke of: then there is another one by now.
  for (int tries = 0;; ++tries) {
    wait_for_who_changes_it(site, deadline);
    const auto before = read_state(site);
    auto out = read_once(site);
    if (out && out->unfinished && site.is_locked() && std::chrono::steady_clock::now() < deadline) {
      tries = -1;
      continue;
    }
    if (out || tries == 3) return out;
    const auto after = read_state(site);
    if (!before || !after || before->state.number == after->state.number) return out;
  }
}

}  // namespace netpolc::loader
