#include "runtime-loader/load.h"

#include <bpf/bpf.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <memory>
#include <set>

#include "runtime-loader/attach.h"
#include "runtime-loader/bundle.h"
#include "runtime-loader/certificate.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/object.h"
#include "runtime-loader/plan.h"
#include "runtime-loader/refusal.h"
#include "runtime-loader/state.h"

namespace netpolc::loader {
namespace {

// What both generations use, and what each load makes anew.
constexpr std::array kKept = {NP_MAP_FLOWS4, NP_MAP_FLOWS6, NP_MAP_FRAGMENTS, NP_MAP_DROPS, NP_MAP_STATS, NP_MAP_EVENTS};
constexpr std::array kRenewed = {NP_MAP_ADDRESSES4, NP_MAP_ADDRESSES6, NP_MAP_NEAR4, NP_MAP_IPCACHE4, NP_MAP_IPCACHE6, NP_MAP_ROWS, NP_MAP_INTERFACES, NP_MAP_CONFIG};

// What a load is about to put in force.
struct Generation {
  Bundle bundle;
  std::string node;
  std::vector<ResolvedRequest> named;     // all that were asked for: their addresses count
  std::vector<ResolvedRequest> requests;  // those that get programs, the node's own last
  std::size_t skipped = 0;                // of those that were asked for
  std::vector<Attachment> attachments;
  AddressIdentities addresses;
  std::map<Prefix, AddressOverride> overrides;
  LearnedIdentities learned;
  SharedMaps maps;
  std::map<std::size_t, Object> objects;  // by Bundle::programs
  std::vector<Address> node_addresses;    // beside those that the bundle knows
  std::string nothing_at_host;
  std::vector<ExternalDevice> external;
  std::string nothing_external;
  std::optional<OutsideProgram> outside;
  std::string left_over;                  // what could not be cleaned up afterwards
  std::vector<std::string> forgotten;     // see LoadReport
};

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string now() {
  const std::time_t time = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// Every distinct program holds a dozen descriptors until all are attached.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

template <class T>
Done keep_value(Result<T> result, T& into) {
  if (!result) return tl::make_unexpected(result.error());
  into = std::move(*result);
  return {};
}

Done plan_for_node(const LoadOptions& options, const std::vector<Attachment>& pods, Generation& next) {
  auto host = plan_host(next.bundle, next.node, options.host, pods);
  if (!host) return tl::make_unexpected(host.error());
  next.nothing_at_host = std::move(host->nothing);
  next.requests.insert(next.requests.end(), host->requests.begin(), host->requests.end());
  next.attachments.insert(next.attachments.end(), host->attachments.begin(), host->attachments.end());
  // Of a node whose interfaces are elsewhere the addresses here say nothing.
  const bool here = std::any_of(next.attachments.begin(), next.attachments.end(), [](const Attachment& it) { return it.netns.empty(); });
  return next.node.empty() || !here ? Done{} : keep_value(local_addresses(), next.node_addresses);
}

Done plan(const LoadOptions& options, Generation& next) {
  if (Done done = keep_value(read_bundle(options.bundle), next.bundle); !done) return done;
  if (options.require_proof)
    if (Done done = check_certificates(next.bundle, options.bundle); !done) return done;
  if (options.require_proof && !options.external.empty())
    if (Done done = check_outside_certificate(next.bundle, options.bundle); !done) return done;
  if (Done done = keep_value(choose_node(next.bundle, options.node, host_name()), next.node); !done) return done;
  if (Done done = keep_value(resolve(next.bundle, options.requests), next.named); !done) return done;
  std::vector<Attachment> pods;
  if (Done done = keep_value(locate(next.named), pods); !done) return done;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    if (options.skip_unenforced && !next.bundle.programs[next.bundle.endpoints[pods[i].bundle_endpoint].program].is_enforced()) continue;
    next.requests.push_back(next.named[i]);
    next.attachments.push_back(pods[i]);
  }
  next.skipped = pods.size() - next.requests.size();
  if (Done done = plan_for_node(options, pods, next); !done) return done;
  return keep_value(find_devices(options.external, "--xdp"), next.external);
}

// In terms that mean the same with this bundle: another one numbers identities otherwise.
std::map<Prefix, AddressOverride> said_before(const Installation& site, const State& state, const Bundle& bundle) {
  if (state.bundle == bundle.digest) return state.overrides;
  const auto former = kept_manifest(site, state);
  return in_words(state.overrides, former ? *former : Bundle(), state.learned);
}

// What the bundle knows itself is no loss.
std::vector<std::string> forgotten(const State& state, const Generation& next) {
  std::vector<std::string> out;
  for (const auto& [prefix, what] : state.overrides) {
    if (next.overrides.contains(prefix) || next.bundle.addresses.contains(prefix)) continue;
    if (!what.endpoint.empty()) out.push_back(prefix.to_string() + ": the bundle has no endpoint " + what.endpoint);
    else if (what.identity) out.push_back(prefix.to_string() + ": nobody knows any more whom identity " + std::to_string(*what.identity) + " meant");
  }
  return out;
}

Done plan_addresses(const Installation& site, const KnownState& known, Generation& next) {
  constexpr std::size_t kNumbersKept = 16384;
  if (known.current) next.overrides = surviving(said_before(site, known.state, next.bundle), next.bundle, known.state.bundle);
  if (known.current) next.forgotten = forgotten(known.state, next);
  auto plan = addresses(next.bundle, {next.node, next.node_addresses}, next.named, next.overrides, known.state.learned);
  if (!plan) return tl::make_unexpected(plan.error());
  next.learned = plan->learned.size() > kNumbersKept ? plan->used() : plan->learned;
  const LearnedIdentities peers = plan->peers();
  next.addresses = std::move(plan->addresses);
  return add_peers(next.bundle, programs_of(next.bundle, next.attachments), peers);
}

Done load_object(const Installation& site, std::size_t index, Generation& next) {
  const BundleProgram& program = next.bundle.programs[index];
  const Fd counters = open_pinned(site.rules_path(program.digest));
  std::map<std::string, int> reuse;
  if (counters) reuse[NP_MAP_RULES] = counters.get();
  auto object =
      Object::load(program.bytes, program.object, next.maps, program.ingress.peers, program.egress.peers, reuse);
  if (!object) {
    std::string message = object.error().message;
    while (message.ends_with('\n')) message.pop_back();
    return tl::make_unexpected(Failure{object.error().kind, message + policy_places(message, program)});
  }
  next.objects.emplace(index, std::move(*object));
  return {};
}

Done load_objects(const Installation& site, Generation& next) {
  for (const char* name : kKept)
    if (Fd map = open_pinned(site.map_path(name))) next.maps.by_name.emplace(name, std::move(map));
  const std::set<std::size_t> needed = programs_of(next.bundle, next.attachments);
  std::vector<const PeerBits*> peers;
  for (const std::size_t program : needed)
    for (const BundleDirection* direction : {&next.bundle.programs[program].ingress, &next.bundle.programs[program].egress})
      peers.push_back(&direction->peers);
  next.maps.rows = PeerRows::of(peers);
  for (const std::size_t program : needed) {
    if (Done done = load_object(site, program, next); !done) return done;
  }
  // A node without pods has an installation all the same: the maps come with any program.
  if (next.objects.empty()) return bad_input("the bundle has no programs: no endpoint was compiled");
  return {};
}

Result<std::uint32_t> buckets(int map) {
  const auto shape = map_shape(map);
  if (!shape) return tl::make_unexpected(shape.error());
  return shape->max_entries;
}

Done fill_maps(const Installation& site, const LoadOptions& options, const Generation& next) {
  const auto map = [&](const char* name) { return next.maps.by_name.at(name).get(); };
  const AddressMaps maps{map(NP_MAP_ADDRESSES4), map(NP_MAP_ADDRESSES6), map(NP_MAP_IPCACHE4), map(NP_MAP_IPCACHE6), map(NP_MAP_NEAR4)};
  if (Done done = fill_rows(map(NP_MAP_ROWS), next.maps.rows); !done) return done;
  if (Done done = fill_addresses(maps, next.addresses, next.maps.rows); !done) return done;
  const auto behind = interfaces(next.bundle, next.requests, next.attachments);
  if (Done done = fill_interfaces(map(NP_MAP_INTERFACES), behind); !done) return done;
  np_config config = fresh_config();
  // The flows that are known stay where their hash put them.
  if (const Fd former = open_pinned(site.map_path(NP_MAP_CONFIG)))
    if (const auto known = read_config(former.get())) config.seed = known->seed;
  config.world4 = {next.bundle.world4, next.maps.rows.row(next.bundle.world4)};
  config.world6 = {next.bundle.world6, next.maps.rows.row(next.bundle.world6)};
  config.host = {kHostIdentity, next.maps.rows.row(kHostIdentity)};
  config.tunnel_port = next.bundle.tunnel_port;
  config.event_limit = options.event_limit;
  set_lifetimes(config, options.lifetimes);
  if (std::any_of(behind.begin(), behind.end(), [](const auto& one) { return one.second.flags & NP_AUDIT; })) config.flags |= NP_CONFIG_AUDIT;
  if (options.report_allowed) config.flags |= NP_CONFIG_REPORT_ALLOWED;
  if (has_cluster_prefixes(next.addresses) ||
      prefixes_matter(next.bundle, programs_of(next.bundle, next.attachments), next.addresses))
    config.flags |= NP_CONFIG_PREFIXES;
  if (Done done = keep_value(buckets(map(NP_MAP_FLOWS4)), config.buckets4); !done) return done;
  if (Done done = keep_value(buckets(map(NP_MAP_FLOWS6)), config.buckets6); !done) return done;
  return set_config(map(NP_MAP_CONFIG), config);
}

// A program for external devices, where it would have something to drop.
Done load_outside(Generation& next) {
  if (next.external.empty()) return {};
  OutsidePlan plan = plan_outside(next.bundle, next.requests, next.attachments, next.addresses, next.overrides, next.external.front().netns);
  next.nothing_external = plan.nothing;
  if (!plan.nothing.empty()) {
    next.external.clear();
    return {};
  }
  auto outside = OutsideProgram::load(next.bundle, next.addresses, std::move(plan), next.maps);
  if (!outside) return tl::make_unexpected(outside.error());
  next.outside.emplace(std::move(*outside));
  return {};
}

// Maps and counters that outlive a load are pinned before anything uses them.
Done pin_kept(const Installation& site, const Generation& next, Journal& journal) {
  std::map<std::string, int> pins;
  for (const char* name : kKept) pins[site.map_path(name)] = next.maps.by_name.at(name).get();
  for (const auto& [program, object] : next.objects)
    pins[site.rules_path(next.bundle.programs[program].digest)] = object.map(NP_MAP_RULES);
  for (const auto& [path, map] : pins) {
    if (open_pinned(path)) continue;
    if (Done done = pin(map, path); !done) return done;
    journal.add([pinned = path] { unpin(pinned); });
  }
  return {};
}

// In place of the former generation's; taken back they are again where they were.
Done pin_renewed(const Installation& site, const Generation& next, Journal& journal) {
  std::map<std::string, int> pins;
  for (const char* name : kRenewed) pins[site.map_path(name)] = next.maps.by_name.at(name).get();
  for (const auto& [program, object] : next.objects) {
    pins[site.peers_path(next.bundle.programs[program].digest, "in")] = object.map(NP_MAP_PEERS_IN);
    pins[site.peers_path(next.bundle.programs[program].digest, "out")] = object.map(NP_MAP_PEERS_OUT);
  }
  for (const auto& [path, map] : pins) {
    auto former = std::make_shared<Fd>(open_pinned(path));
    if (Done done = pin_over(map, path); !done) return done;
    journal.add([pinned = path, former] {
      if (*former)
        (void)pin_over(former->get(), pinned);
      else
        unpin(pinned);
    });
  }
  return {};
}

Done attach_all(const Installation& site, const LoadOptions& options, Generation& next, Journal& journal) {
  for (Attachment& it : next.attachments) {
    if (interrupted()) return refused("interrupted");
    const Object& object = next.objects.at(next.bundle.endpoints[it.bundle_endpoint].program);
    if (Done done = attach(site, it, {object.program(NP_PROGRAM_FROM_POD), object.program(NP_PROGRAM_TO_POD)},
                           options.mode, journal);
        !done)
      return done;
  }
  return {};
}

std::uint32_t map_id(int map) {
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  return bpf_obj_get_info_by_fd(map, &info, &length) == 0 ? info.id : 0;
}

// The state as it was, with what may be attached from now on.
Done announce(const Installation& site, const KnownState& known, const Generation& next, Journal& journal) {
  State state = known.state;
  state.conntrack = map_id(next.maps.by_name.at(NP_MAP_FLOWS4).get());
  state.pending.insert(state.pending.end(), next.attachments.begin(), next.attachments.end());
  for (Attachment& it : state.pending) it.mode = AttachMode::Clsact;  // tcx links are found by their pins
  state.unfinished = true;
  journal.add([&site, &journal, former = known.state, current = known.current] {
    if (journal.failed()) return;  // what was announced may be in force
    if (current)
      (void)write_state(site, former);
    else
      unlink(site.state_path().c_str());
  });
  return write_state(site, state);
}

State final_state(const Generation& next) {
  State state;
  state.conntrack = map_id(next.maps.by_name.at(NP_MAP_FLOWS4).get());
  state.node = next.node;
  state.node_addresses = next.node_addresses;
  state.loaded = now();
  state.bundle = next.bundle.digest;
  state.attachments = next.attachments;
  state.overrides = next.overrides;
  state.learned = next.learned;
  return state;
}

// Counters and peers of programs that are not loaded any more.
void forget_other_pins(const Installation& site, const Generation& next) {
  std::set<std::string> used;
  for (const auto& [program, object] : next.objects) used.insert(next.bundle.programs[program].digest);
  for (const std::string& name : site.pinned_rules())
    if (!used.contains(name)) unpin(site.rules_path(name));
  for (const std::string& name : site.pinned_peers())
    for (const char* direction : {"in", "out"})
      if (!used.contains(name.substr(0, 64))) unpin(site.peers_path(name, direction));
}

Done put_in_force(const Installation& site, const LoadOptions& options, const KnownState& known, Generation& next) {
  Journal journal;
  if (Done done = pin_kept(site, next, journal); !done) return done;
  if (Done done = keep_manifest(site, next.bundle); !done) return done;
  if (Done done = announce(site, known, next, journal); !done) return done;
  if (Done done = pause_outside(site, journal); !done) return done;
  if (Done done = attach_all(site, options, next, journal); !done) return done;
  if (Done done = pin_renewed(site, next, journal); !done) return done;
  if (next.outside)
    if (Done done = next.outside->attach(site, next.external, journal); !done) return done;
  State state = final_state(next);
  state.pending = known.state.attachments;
  state.pending.insert(state.pending.end(), known.state.pending.begin(), known.state.pending.end());
  if (Done done = write_state(site, state); !done) return done;
  journal.keep();

  // The new generation is in force; what is left goes. What can't is tried again by the next load.
  if (const Done done = detach_others(site, state.pending, next.attachments); !done) next.left_over = done.error().message;
  if (next.left_over.empty() && !state.pending.empty()) {
    state.pending.clear();
    if (const Done done = write_state(site, state); !done) next.left_over = done.error().message;
  }
  detach_other_devices(site, next.external);
  forget_other_pins(site, next);
  forget_other_manifests(site, state);
  return {};
}

}  // namespace

Result<LoadReport> load(const LoadOptions& options) {
  Generation next;
  // What is wrong with the request is said before anything is made on the node.
  if (const Done done = plan(options, next); !done) return tl::make_unexpected(done.error());
  const auto site = Installation::open(options.root, options.state);
  if (!site) return tl::make_unexpected(site.error());
  const auto known = read_state(*site);
  if (!known) return tl::make_unexpected(known.error());
  raise_file_limit();
  Done done = plan_addresses(*site, *known, next);
  if (done) done = load_objects(*site, next);
  if (done) done = fill_maps(*site, options, next);
  if (done) done = load_outside(next);
  if (done && interrupted()) done = refused("interrupted");
  if (done) done = put_in_force(*site, options, *known, next);
  if (!done) {
    if (!known->current) (void)site->remove_if_unused();
    return tl::make_unexpected(done.error());
  }
  return LoadReport{next.bundle.digest,  known->current ? known->state.bundle : "",
                    next.node,           next.attachments,
                    next.objects.size(), next.addresses.size(),
                    next.external,       next.nothing_at_host,
                    next.nothing_external,
                    next.left_over,      next.forgotten,
                    next.skipped};
}

}  // namespace netpolc::loader
