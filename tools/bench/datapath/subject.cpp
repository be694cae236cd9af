#include "tools/bench/datapath/subject.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstring>
#include <stdexcept>

namespace netpolc::datapath_bench {
namespace {

// Packets between two emptyings of a ring of 1 MiB.
constexpr std::uint32_t kEventBatch = 8000;
constexpr std::uint32_t kTestInterface = 1;  // the loopback device: what packets of a test run come by

template <class T>
T value_of(loader::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void must(const loader::Done& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

u32 word(const loader::Address& address) {
  u32 out = 0;
  std::memcpy(&out, address.bytes.data(), sizeof out);
  return out;
}

Loaded load(const World& world, loader::SharedMaps& shared, std::uint32_t flows) {
  if (flows != 0) shared.max_entries = {{NP_MAP_FLOWS4, flows}, {NP_MAP_FLOWS6, flows}, {NP_MAP_ADDRESSES4, 16384}, {NP_MAP_ADDRESSES6, 16384}};
  shared.rows = loader::PeerRows::of({&world.peers_in, &world.peers_out});
  codegen_bpf::Emitted emitted = codegen_bpf::emit(world.table);
  const auto object = codegen_bpf::compile(emitted);
  if (!object) throw std::runtime_error(object.error().message);
  loader::Object loaded = value_of(loader::Object::load(object->bytes, "benchmark", shared, world.peers_in, world.peers_out));
  return {std::move(emitted), std::move(loaded)};
}

std::uint64_t take_all(int map, std::size_t key_size, std::size_t value_size) {
  constexpr std::uint32_t kAtOnce = 1u << 16;
  static std::vector<std::uint8_t> keys(std::size_t{kAtOnce} * 64), values(std::size_t{kAtOnce} * 64);
  if (key_size > 64 || value_size > 64) throw std::runtime_error("a map's entries are larger than expected");
  std::uint64_t sum = 0;
  std::uint32_t from = 0, next = 0;
  bpf_map_batch_opts options{};
  options.sz = sizeof options;
  for (bool first = true, more = true; more; first = false) {
    std::uint32_t count = kAtOnce;
    const int error = bpf_map_lookup_and_delete_batch(map, first ? nullptr : &from, &next, keys.data(), values.data(), &count, &options);
    if (error != 0 && errno != ENOENT) throw std::runtime_error("emptying a map: " + std::string(std::strerror(errno)));
    more = error == 0;
    sum += count;
    from = next;
  }
  return sum;
}

}  // namespace

KernelObject& Subject::mutator(Hook hook) {
  auto& mutator = mutators_[hook];
  if (mutator) return *mutator;
  mutator = std::make_unique<KernelObject>(embedded("mutate"), LoadOptions{});
  put(mutator->map("measured"), 0u, program(hook));
  return *mutator;
}

double Subject::run_once(int program, const Traffic& traffic, std::uint32_t packets) {
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = traffic.frame.data();
  options.data_size_in = static_cast<std::uint32_t>(traffic.frame.size());
  __sk_buff context{};
  context.ingress_ifindex = 1;  // forwarded, not the node's own
  options.ctx_in = &context;
  options.ctx_size_in = sizeof context;
  options.repeat = static_cast<int>(packets);
  if (bpf_prog_test_run_opts(program, &options) != 0) throw std::runtime_error(name() + ": test run: " + std::strerror(errno));
  last_answer_ = options.retval;
  if (answers() && traffic.answer && options.retval != *traffic.answer)
    throw std::runtime_error(name() + " answers " + std::to_string(options.retval) + " instead of " + std::to_string(*traffic.answer) + " to " + (traffic.how ? traffic.how : "a packet") + " at hook " + std::to_string(static_cast<int>(traffic.hook)));
  return options.duration;
}

double Subject::run(const Traffic& traffic, std::uint32_t packets) {
  int measured = program(traffic.hook);
  if (traffic.how != nullptr) {
    put(mutator(traffic.hook).map("mutation"), 0u, traffic.tuples);
    measured = mutator(traffic.hook).program(traffic.how);
  }
  if (!traffic.events) return run_once(measured, traffic, packets);
  double sum = 0;
  if (ring() != nullptr) ring()->drain();
  for (std::uint32_t done = 0, batch; done < packets; done += batch) {
    batch = std::min(kEventBatch, packets - done);
    sum += run_once(measured, traffic, batch) * batch;
    const std::uint64_t written = ring() == nullptr ? 0 : ring()->drain();
    if (answers() && written != std::uint64_t{batch} * ((record_size() + 7) / 8 * 8 + 8))
      throw std::runtime_error(name() + ": " + std::to_string(batch) + " packets wrote " + std::to_string(written) + " bytes of events");
  }
  return sum / packets;
}

// ---- baseline ----

Baseline::Baseline(const World& world, std::uint32_t flows)
    : object_(embedded("baseline"), flows == 0 ? LoadOptions{} : LoadOptions{{{"ct_tcp", flows}, {"ct_any", flows}}, {}}), ring_(object_.map("events")) {
  for (const auto& [prefix, identity] : world.addresses) put(object_.map("ipcache"), lpm_address{prefix.length, word(prefix.address)}, endpoint{identity, 0, 0});
  for (const BaselineEntry& entry : world.entries) put(object_.map("policy"), entry.key, entry.entry);
  report_allowed(false);
}

void Baseline::report_allowed(bool on) { put(object_.map("settings"), 0u, settings{word(pod_address()), kPodIdentity, on, 0}); }

std::uint64_t Baseline::forget() {
  take_all(object_.map("ct_any"), sizeof(ct_tuple), sizeof(ct_entry));
  return take_all(object_.map("ct_tcp"), sizeof(ct_tuple), sizeof(ct_entry));
}

int Baseline::program(Hook hook) const { return object_.program(hook == Hook::FromPod ? "from_pod" : hook == Hook::ToPod ? "to_pod" : "verdict_alone"); }

// ---- netpolc ----

Netpolc::Netpolc(const World& world, std::uint32_t flows) : loaded_(load(world, shared_, flows)) {
  LoadOptions options;
  for (const auto& [name, map] : shared_.by_name) options.reuse[name] = map.get();
  for (const char* name : {NP_MAP_PEERS_IN, NP_MAP_PEERS_OUT, NP_MAP_RULES}) options.reuse[name] = object().map(name);
  options.only = {"verdict_alone"};
  verdict_ = std::make_unique<KernelObject>(link_policy(loaded_.emitted.c, embedded("verdict")), options);

  const auto map = [&](const char* name) { return shared_.by_name.at(name).get(); };
  ring_.emplace(map(NP_MAP_EVENTS));
  must(loader::fill_addresses({map(NP_MAP_ADDRESSES4), map(NP_MAP_ADDRESSES6), map(NP_MAP_IPCACHE4), map(NP_MAP_IPCACHE6), map(NP_MAP_NEAR4)}, world.addresses, shared_.rows));
  must(loader::fill_interfaces(map(NP_MAP_INTERFACES), {{kTestInterface, {kPodIdentity, NP_SOURCE_IPV4 | NP_SOURCE_IPV6}}}));
  np_config config = loader::fresh_config();
  config.world4 = {9, shared_.rows.row(9)};
  config.world6 = {10, shared_.rows.row(10)};
  config.buckets4 = value_of(loader::map_shape(map(NP_MAP_FLOWS4))).max_entries;
  config.buckets6 = value_of(loader::map_shape(map(NP_MAP_FLOWS6))).max_entries;
  config.event_limit = ~0u;
  if (loader::has_cluster_prefixes(world.addresses)) config.flags |= NP_CONFIG_PREFIXES;
  must(loader::set_config(map(NP_MAP_CONFIG), config));
}

void Netpolc::report_allowed(bool on) {
  const int map = shared_.by_name.at(NP_MAP_CONFIG).get();
  np_config config = value_of(loader::read_config(map));
  config.flags = on ? config.flags | NP_CONFIG_REPORT_ALLOWED : config.flags & ~NP_CONFIG_REPORT_ALLOWED;
  must(loader::set_config(map, config));
}

std::uint64_t Netpolc::stat(std::uint32_t number) const {
  std::vector<std::uint64_t> each(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  if (bpf_map_lookup_elem(shared_.by_name.at(NP_MAP_STATS).get(), &number, each.data()) != 0) throw std::runtime_error("reading " NP_MAP_STATS);
  std::uint64_t sum = 0;
  for (const std::uint64_t one : each) sum += one;
  return sum;
}

std::uint64_t Netpolc::forget() {
  const auto map = [&](const char* name) { return shared_.by_name.at(name).get(); };
  must(loader::forget_flows(map(NP_MAP_FLOWS4), map(NP_MAP_FLOWS6), map(NP_MAP_FRAGMENTS)));
  const std::uint64_t before = opened_;
  opened_ = stat(NP_STAT_OPENED);
  return opened_ - before;
}

int Netpolc::program(Hook hook) const {
  if (hook == Hook::Verdict) return verdict_->program("verdict_alone");
  return object().program(hook == Hook::FromPod ? NP_PROGRAM_FROM_POD : NP_PROGRAM_TO_POD);
}

}  // namespace netpolc::datapath_bench
