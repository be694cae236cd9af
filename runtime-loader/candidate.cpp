#include "runtime-loader/candidate.h"

#include <bpf/bpf.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <set>
#include <thread>

#include "runtime-loader/certificate.h"
#include "runtime-loader/files.h"
#include "runtime-loader/kept_bundle.h"
#include "runtime-loader/netns.h"
#include "runtime-loader/node_plan.h"
#include "runtime-loader/refusal.h"
#include "runtime-loader/running.h"

namespace netpolc::loader {
namespace {

// What all generations use, and what each has of its own.
constexpr std::array kKept = {NP_MAP_FLOWS4, NP_MAP_FLOWS6, NP_MAP_FRAGMENTS, NP_MAP_DROPS, NP_MAP_STATS, NP_MAP_EVENTS};
constexpr std::array kRenewed = {NP_MAP_ADDRESSES4, NP_MAP_ADDRESSES6, NP_MAP_NEAR4, NP_MAP_IPCACHE4, NP_MAP_IPCACHE6, NP_MAP_ROWS, NP_MAP_INTERFACES, NP_MAP_CONFIG};

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

Done check_proofs(const LoadOptions& options, const Bundle& bundle) {
  if (!options.require_proof) return {};
  if (Done done = check_certificates(bundle, options.bundle); !done) return done;
  return options.external.empty() ? Done{} : check_outside_certificate(bundle, options.bundle);
}

// In terms that mean the same with this bundle: another one numbers identities otherwise.
std::map<Prefix, AddressOverride> said_before(const Installation& site, const State& state, const Bundle& bundle) {
  if (state.bundle == bundle.digest) return state.overrides;
  const auto former = kept_manifest(site, state.bundle);
  return in_words(state.overrides, former ? *former : Bundle(), state.learned);
}

// What the bundle knows itself is no loss.
std::vector<std::string> forgotten(const State& state, const Candidate& next) {
  std::vector<std::string> out;
  for (const auto& [prefix, what] : state.overrides) {
    if (next.state.overrides.contains(prefix) || next.bundle.addresses.contains(prefix)) continue;
    if (!what.endpoint.empty()) out.push_back(prefix.to_string() + ": the bundle has no endpoint " + what.endpoint);
    else if (what.identity) out.push_back(prefix.to_string() + ": nobody knows any more whom identity " + std::to_string(*what.identity) + " meant");
  }
  return out;
}

Done plan_addresses(const Installation& site, const KnownState& known, Candidate& next) {
  constexpr std::size_t kNumbersKept = 16384;
  if (known.current) next.state.overrides = surviving(said_before(site, known.state, next.bundle), next.bundle, known.state.bundle);
  say_unknown(next.bundle, known.current ? known.state.attachments : std::vector<Attachment>(), next.state.attachments, next.state.overrides);
  if (known.current) next.forgotten = forgotten(known.state, next);
  const auto requests = requests_of(known_to_bundle(next.state.attachments));
  auto plan = addresses(next.bundle, {next.state.node, next.state.node_addresses}, requests, next.state.overrides, known.state.learned);
  if (!plan) return tl::make_unexpected(plan.error());
  next.state.learned = plan->learned.size() > kNumbersKept ? plan->used() : plan->learned;
  const LearnedIdentities peers = plan->peers();
  next.addresses = std::move(plan->addresses);
  return add_peers(next.bundle, programs_of(next.bundle, with_program(next.state.attachments)), peers);
}

// With the policy's places, where the kernel refuses it.
Failure explained(const Failure& failure, const Bundle& bundle, const std::string& directory, BundleProgram program) {
  std::string message = failure.message;
  while (message.ends_with('\n')) message.pop_back();
  const auto source = read_checked(directory, bundle, program.source_path), map = read_checked(directory, bundle, program.source_map_path);
  if (!source || !map) return {failure.kind, message};
  program.source = *source;
  program.source_map = *map;
  return {failure.kind, message + policy_places(message, program)};
}

Result<Object> load_object(const Installation& site, const Bundle& bundle, const std::string& directory, const BundleProgram& program, SharedMaps& maps) {
  const auto bytes = read_checked(directory, bundle, program.object);
  if (!bytes) return tl::make_unexpected(bytes.error());
  const Fd counters = open_pinned(site.rules_path(program.digest));
  std::map<std::string, int> reuse;
  if (counters) reuse[NP_MAP_RULES] = counters.get();
  auto object = Object::load(*bytes, program.object, maps, program.ingress.peers, program.egress.peers, reuse);
  if (object) return object;
  return tl::make_unexpected(explained(object.error(), bundle, directory, program));
}

// Nearly all of it is the kernel's verifier, which looks at several at a time.
Done load_side_by_side(const Installation& site, const std::string& directory, const std::vector<const BundleProgram*>& programs, Candidate& next) {
  std::vector<std::optional<Result<Object>>> done(programs.size());
  std::atomic<std::size_t> first = 0;
  std::atomic<bool> failed = false;
  const auto work = [&] {
    for (std::size_t i = first++; i < programs.size() && !failed; i = first++) {
      done[i] = load_object(site, next.bundle, directory, *programs[i], next.maps);
      if (!*done[i]) failed = true;
    }
  };
  constexpr std::size_t kMostThreads = 8;
  const std::size_t wanted = std::min({programs.size(), kMostThreads, std::size_t{std::max(1u, std::thread::hardware_concurrency())}});
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < wanted; ++i) threads.emplace_back(work);
    work();
  }
  for (std::size_t i = 0; i < programs.size(); ++i) {
    if (!done[i]) continue;  // of one before it or after it that is said below
    if (!*done[i]) return tl::make_unexpected(done[i]->error());
    next.objects.emplace(programs[i]->digest, std::move(**done[i]));
  }
  return {};
}

Done load_objects(const Installation& site, const std::string& directory, Candidate& next) {
  for (const char* name : kKept) {
    auto map = open_if_pinned(site.map_path(name));
    if (!map) return tl::make_unexpected(map.error());
    if (*map) next.maps.by_name.emplace(name, std::move(*map));
  }
  std::vector<const BundleProgram*> programs;
  std::vector<const PeerBits*> peers;
  for (const std::size_t program : programs_of(next.bundle, with_program(next.state.attachments))) {
    programs.push_back(&next.bundle.programs[program]);
    for (const BundleDirection* direction : {&programs.back()->ingress, &programs.back()->egress}) peers.push_back(&direction->peers);
  }
  // A node without pods has an installation all the same: the maps come with any program.
  if (programs.empty()) return bad_input("the bundle has no programs: no endpoint was compiled");
  next.maps.rows = PeerRows::of(peers);
  auto first = load_object(site, next.bundle, directory, *programs.front(), next.maps);  // which makes the maps that all share
  if (!first) return tl::make_unexpected(first.error());
  next.objects.emplace(programs.front()->digest, std::move(*first));
  if (Done done = load_side_by_side(site, directory, {programs.begin() + 1, programs.end()}, next); !done) return done;
  for (const auto& [digest, object] : next.objects)
    for (const auto& [side, name] : {std::pair{"_from", NP_PROGRAM_FROM_POD}, std::pair{"_to", NP_PROGRAM_TO_POD}}) {
      const auto tag = program_tag(object.program(name));
      if (!tag) return tl::make_unexpected(tag.error());
      next.state.tags[digest + side] = *tag;
    }
  return {};
}

Result<std::uint32_t> buckets(int map) {
  const auto shape = map_shape(map);
  if (!shape) return tl::make_unexpected(shape.error());
  return shape->max_entries;
}

// The flows that are known stay where their hash put them.
Done keep_seed(const Installation& site, const KnownState& known, np_config& config) {
  if (!known.current) return {};
  const auto former = open_if_pinned(site.generation_map_path(known.state.number, NP_MAP_CONFIG));
  if (!former) return tl::make_unexpected(former.error());
  if (!*former) return {};
  const auto there = read_config(former->get());
  if (!there) return tl::make_unexpected(there.error());
  config.seed = there->seed;
  return {};
}

Done fill_maps(const Installation& site, const KnownState& known, const LoadOptions& options, const Candidate& next) {
  const auto map = [&](const char* name) { return next.maps.by_name.at(name).get(); };
  const AddressMaps maps{map(NP_MAP_ADDRESSES4), map(NP_MAP_ADDRESSES6), map(NP_MAP_IPCACHE4), map(NP_MAP_IPCACHE6), map(NP_MAP_NEAR4)};
  if (Done done = fill_rows(map(NP_MAP_ROWS), next.maps.rows); !done) return done;
  if (Done done = fill_addresses(maps, next.addresses, next.maps.rows); !done) return done;
  const std::vector<Attachment> enforced = with_program(next.state.attachments);
  const auto behind = interfaces(next.bundle, requests_of(enforced), enforced);
  if (Done done = fill_interfaces(map(NP_MAP_INTERFACES), behind); !done) return done;
  np_config config = fresh_config();
  if (Done done = keep_seed(site, known, config); !done) return done;
  config.world4 = {next.bundle.world4, next.maps.rows.row(next.bundle.world4)};
  config.world6 = {next.bundle.world6, next.maps.rows.row(next.bundle.world6)};
  config.host = {kHostIdentity, next.maps.rows.row(kHostIdentity)};
  config.tunnel_port = next.bundle.tunnel_port;
  config.event_limit = options.event_limit;
  set_lifetimes(config, options.lifetimes);
  if (std::any_of(behind.begin(), behind.end(), [](const auto& one) { return one.second.flags & NP_AUDIT; })) config.flags |= NP_CONFIG_AUDIT;
  if (options.report_allowed) config.flags |= NP_CONFIG_REPORT_ALLOWED;
  if (has_cluster_prefixes(next.addresses) || prefixes_matter(next.bundle, programs_of(next.bundle, enforced), next.addresses))
    config.flags |= NP_CONFIG_PREFIXES;
  if (Done done = keep_value(buckets(map(NP_MAP_FLOWS4)), config.buckets4); !done) return done;
  if (Done done = keep_value(buckets(map(NP_MAP_FLOWS6)), config.buckets6); !done) return done;
  return set_config(map(NP_MAP_CONFIG), config);
}

bool same_map(int a, int b) {
  const auto one = map_id(a), other = map_id(b);
  return one && other && *one == *other;
}

// Maps and counters that outlive a load are pinned before anything uses them.
Done pin_kept(const Installation& site, const Candidate& next, Journal& journal) {
  std::map<std::string, int> pins;
  for (const char* name : kKept) pins[site.map_path(name)] = next.maps.by_name.at(name).get();
  for (const auto& [digest, object] : next.objects) pins[site.rules_path(digest)] = object.map(NP_MAP_RULES);
  for (const auto& [path, map] : pins) {
    // Counters of another shape are of no use to the program that has this digest now.
    auto former = open_if_pinned(path);
    if (!former) return tl::make_unexpected(former.error());
    if (*former && same_map(former->get(), map)) continue;
    if (Done done = pin_over(map, path); !done) return done;
    journal.add([&journal, pinned = path, was = std::make_shared<Fd>(std::move(*former))] {
      if (journal.failed()) return;
      if (*was) (void)pin_over(was->get(), pinned);
      else unpin(pinned);
    });
  }
  return {};
}

}  // namespace

Result<Candidate> plan_candidate(const LoadOptions& options) {
  Candidate next;
  TrustOptions trust = options.trust;
  trust.contents = Contents::Left;  // the objects that are needed are read again, and checked again
  if (Done done = keep_value(read_trusted_bundle(options.bundle, trust), next.bundle); !done) return tl::make_unexpected(done.error());
  if (Done done = check_proofs(options, next.bundle); !done) return tl::make_unexpected(done.error());
  GenerationState& state = next.state;
  if (Done done = keep_value(choose_node(next.bundle, options.node, host_name()), state.node); !done) return tl::make_unexpected(done.error());
  auto plan = plan_node(next.bundle, {state.node, options.host, options.skip_unenforced, options.fresh, options.keep_going, options.exact_names ? PodNames::Exact : PodNames::ByController}, options.requests);
  if (!plan) return tl::make_unexpected(plan.error());
  state.attachments = std::move(plan->attachments);
  next.nothing_at_host = std::move(plan->nothing_at_host);
  next.gone = std::move(plan->gone);
  // Of a node whose interfaces are elsewhere the addresses here say nothing.
  const bool here = std::any_of(state.attachments.begin(), state.attachments.end(), [](const Attachment& it) { return it.netns.empty(); });
  if (!state.node.empty() && here)
    if (Done done = keep_value(local_addresses(), state.node_addresses); !done) return tl::make_unexpected(done.error());
  if (Done done = keep_value(find_devices(options.external, "--xdp"), next.outside.devices); !done) return tl::make_unexpected(done.error());
  state.bundle = next.bundle.digest;
  state.external = options.external;
  state.host = options.host;
  state.fresh = options.fresh;
  state.skip_unenforced = options.skip_unenforced;
  state.exact_names = options.exact_names;
  if (next.bundle.signer) state.signer = to_string(*next.bundle.signer);
  state.mode = options.mode;
  return next;
}

Done make(const Installation& site, const KnownState& known, const LoadOptions& options, Candidate& next) {
  raise_file_limit();
  next.state.number = 1;
  next.state.loaded = now();
  for (const std::uint64_t number : site.generations()) next.state.number = std::max(next.state.number, number + 1);
  if (known.current) next.state.number = std::max({next.state.number, known.state.number + 1, known.state.previous ? known.state.previous->number + 1 : 0});
  Done done = plan_addresses(site, known, next);
  if (done) done = load_objects(site, options.bundle, next);
  if (done) done = fill_maps(site, known, options, next);
  if (done && !next.outside.devices.empty() && !next.bundle.xdp.object.empty()) done = keep_value(read_checked(options.bundle, next.bundle, next.bundle.xdp.object), next.bundle.xdp.bytes);
  if (done) done = make_outside(next.bundle, next.state, next.addresses, next.maps, next.outside);
  return done;
}

Done make_outside(const Bundle& bundle, const GenerationState& state, const AddressIdentities& addresses, SharedMaps& maps, Outside& outside) {
  if (outside.devices.empty()) return {};
  const std::vector<Attachment> enforced = with_program(state.attachments);
  OutsidePlan plan = plan_outside(bundle, requests_of(enforced), enforced, addresses, state.overrides, outside.devices.front().netns);
  outside.nothing = plan.nothing;
  if (!plan.nothing.empty()) {
    outside.devices.clear();
    return {};
  }
  auto program = OutsideProgram::load(bundle, addresses, std::move(plan), maps);
  if (!program) return tl::make_unexpected(program.error());
  outside.program.emplace(std::move(*program));
  return {};
}

Done remake_outside(const Installation& site, const Running& running, OutsideParts& parts, Outside& outside) {
  // One that is gone drops nothing early; pods' own programs judge what comes.
  std::vector<std::string> names = running.state.external;
  std::erase_if(names, [](const std::string& name) { return presence("", name, 0, 0) == Presence::Gone; });
  auto devices = find_devices(names, "--xdp");
  if (!devices || devices->empty()) return {};
  parts.bundle = running.bundle;
  auto object = kept_object(site, running.bundle, running.bundle.xdp.object);
  if (!object) return {};
  parts.bundle.xdp.bytes = std::move(*object);
  const auto plan = running.plan(running.state.overrides);
  if (!plan) return tl::make_unexpected(plan.error());
  parts.addresses = plan->addresses;
  parts.maps = shared_maps(site, running.state.number);
  outside.devices = std::move(*devices);
  return make_outside(parts.bundle, running.state, parts.addresses, parts.maps, outside);
}

namespace {

// What the kernel charges for a map or a program, as /proc says it.
std::uint64_t charged(int fd) {
  const auto text = read_file("/proc/self/fdinfo/" + std::to_string(fd), 1u << 16);
  if (!text) return 0;
  const auto at = text->find("memlock:");
  return at == std::string::npos ? 0 : std::strtoull(text->c_str() + at + 8, nullptr, 10);
}

}  // namespace

std::uint64_t kernel_bytes(const Candidate& next) {
  std::uint64_t out = 0;
  for (const char* name : kRenewed) out += charged(next.maps.by_name.at(name).get());
  for (const auto& [digest, object] : next.objects) {
    for (const char* name : {NP_MAP_PEERS_IN, NP_MAP_PEERS_OUT, NP_MAP_RULES}) out += charged(object.map(name));
    for (const char* name : {NP_PROGRAM_FROM_POD, NP_PROGRAM_TO_POD}) out += charged(object.program(name));
  }
  return out;
}

Done pin(const Installation& site, Candidate& next, Journal& journal) {
  const std::uint64_t number = next.state.number;
  journal.add([&site, &journal, number] {
    if (!journal.failed()) site.remove_generation(number);
  });
  if (Done done = site.make_generation(number); !done) return done;
  for (const char* name : kRenewed)
    if (Done done = pin(next.maps.by_name.at(name).get(), site.generation_map_path(number, name)); !done) return done;
  for (const auto& [digest, object] : next.objects) {
    const std::pair<std::string, int> pins[] = {
        {site.program_path(number, digest, "from"), object.program(NP_PROGRAM_FROM_POD)},
        {site.program_path(number, digest, "to"), object.program(NP_PROGRAM_TO_POD)},
        {site.peers_path(number, digest, "in"), object.map(NP_MAP_PEERS_IN)},
        {site.peers_path(number, digest, "out"), object.map(NP_MAP_PEERS_OUT)},
    };
    for (const auto& [path, fd] : pins)
      if (Done done = pin(fd, path); !done) return done;
  }
  return pin_kept(site, next, journal);
}

}  // namespace netpolc::loader
