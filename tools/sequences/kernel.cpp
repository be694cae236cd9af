#include "tools/sequences/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <system_error>

#include "codegen-bpf/codegen.h"
#include "runtime-loader/clock.h"

namespace netpolc::sequences {
namespace {

constexpr std::uint32_t kLoopback = 1;        // what BPF_PROG_TEST_RUN says the interface is
constexpr ir::flow::Time kFragmentTicks = 60;  // a minute, as the runtime counts it

template <class T>
T checked(loader::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

[[noreturn]] void failed(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

loader::PeerBits peer_bits(const ir::DirectionTable& table, std::uint32_t words) {
  loader::PeerBits out;
  for (std::size_t bit = 1; bit < table.bits.size(); ++bit)
    for (const std::uint32_t identity : table.bits[bit].identities) {
      auto& own = out.try_emplace(identity, words, 0).first->second;
      own[0] |= 1;  // everyone
      own[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
  return out;
}

// BPF_PROG_TEST_RUN says that packets came through the loopback device, or through another one that
// there is: in a network namespace of our own, which is gone with this process.
std::uint32_t second_interface() {
  static const std::uint32_t index = [] {
    if (unshare(CLONE_NEWNET) != 0) failed("making a network namespace");
    if (std::system("ip link add neighbour type veth peer name other") != 0) throw std::runtime_error("`ip link add neighbour type veth peer name other` failed: is iproute2 there, and veth?");
    const unsigned found = if_nametoindex("neighbour");
    if (found == 0) failed("looking for the device that was just made");
    return found;
  }();
  return index;
}

bool run(const loader::Object& object, loader::Side side, const Frame& frame, ir::flow::Origin origin, std::uint32_t interface) {
  const bool from_pod = side == loader::Side::FromPod;
  __sk_buff context{};
  context.ifindex = interface;
  context.ingress_ifindex = origin == ir::flow::Origin::Node ? 0 : kLoopback;
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof context;
  options.repeat = 1;
  if (bpf_prog_test_run_opts(object.program(from_pod ? NP_PROGRAM_FROM_POD : NP_PROGRAM_TO_POD), &options) != 0) failed("running a program on a packet");
  constexpr std::uint32_t unspec = ~0u, shot = 2;  // TC_ACT_*
  if (options.retval != unspec && options.retval != shot) throw std::runtime_error("a program returned " + std::to_string(options.retval) + ", which is neither pass nor drop");
  return options.retval == unspec;
}

}  // namespace

template <class Bucket>
FlowTable<Bucket>::~FlowTable() {
  if (buckets != nullptr) munmap(buckets, count * sizeof(Bucket));
}
template <class Bucket>
void FlowTable<Bucket>::map(int fd) {
  count = checked(loader::map_shape(fd)).max_entries;
  void* at = mmap(nullptr, count * sizeof(Bucket), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) failed("mapping a flow table");
  buckets = static_cast<Bucket*>(at);
}
template <class Bucket>
void FlowTable<Bucket>::forget() {
  std::memset(static_cast<void*>(buckets), 0, count * sizeof(Bucket));
}
template <class Bucket>
void FlowTable<Bucket>::age(std::uint32_t ticks) {
  for (std::size_t i = 0; i < count; ++i)
    if (buckets[i].tags != 0)
      for (auto& way : buckets[i].way)
        if (way.track.state != 0) way.track.expires -= ticks;
}

template <class Bucket>
std::size_t FlowTable<Bucket>::used() const {
  std::size_t out = 0;
  for (std::size_t i = 0; i < count; ++i)
    for (const auto& way : buckets[i].way) out += (way.track.state >> NP_FLOW_PROTOCOL_SHIFT & 0xff) != 0;
  return out;
}

template struct FlowTable<np_bucket4>;
template struct FlowTable<np_bucket6>;

Kernel::Kernel(const Script& script) : node_(script.node), neighbour_(second_interface()) {
  const std::vector<std::uint32_t> identities = script.identities();
  for (const Policy& policy : script.policies) {
    const ir::DecisionTable table = table_of(policy, identities);
    const codegen_bpf::Emitted emitted = codegen_bpf::emit(table, node_ ? codegen_bpf::Subject::Node : codegen_bpf::Subject::Pod);
    const auto object = codegen_bpf::compile(emitted);
    if (!object) throw std::runtime_error("policy " + policy.name + ": " + object.error().message);
    auto loaded = loader::Object::load(object->bytes, policy.name, maps_.shared, peer_bits(table.ingress, emitted.ingress_words), peer_bits(table.egress, emitted.egress_words));
    programs_.push_back({checked(std::move(loaded)), {}});
    programs_.back().counters = counters(programs_.back());
  }
  config_ = loader::fresh_config();
  config_.flags |= NP_CONFIG_REPORT_ALLOWED | NP_CONFIG_AUDIT;  // it may begin in any case
  loader::set_lifetimes(config_, script.lifetimes);
  events_.emplace(checked(loader::EventReader::open(maps_.map(NP_MAP_EVENTS))));
  flows4_.map(maps_.map(NP_MAP_FLOWS4));
  flows6_.map(maps_.map(NP_MAP_FLOWS6));
}

std::uint64_t Kernel::tick() { return checked(loader::current_tick()); }

std::uint32_t Kernel::ticks(std::uint32_t seconds) {
  return static_cast<std::uint32_t>(std::uint64_t{seconds} * loader::jiffies_per_second() >> loader::tick_shift());
}

ir::flow::Lifetimes Kernel::lifetimes() const {
  const np_u32* of = config_.lifetimes;
  return {of[NP_IS_TCP | NP_IS_ESTABLISHED], of[NP_IS_TCP], of[NP_IS_TCP | NP_IS_CLOSED], of[0], kFragmentTicks};
}

void Kernel::forget() {
  flows4_.forget();
  flows6_.forget();
  const int fragments = maps_.map(NP_MAP_FRAGMENTS);
  np_fragment_key key{};
  while (bpf_map_get_next_key(fragments, nullptr, &key) == 0)
    if (bpf_map_delete_elem(fragments, &key) != 0) failed("forgetting a fragment");
}

void Kernel::begin(const Script& script) {
  forget();
  policy_ = 0;
  if (!clean_ || world_.addresses != script.world.addresses || world_.world4 != script.world.world4 || world_.world6 != script.world.world6 || world_.tunnel_port != script.world.tunnel_port) set_world(script.world);
  clean_ = true;
  set_pod(script.pod);
  checked(events_->read([](const np_event&) {}));
}

void Kernel::use_policy(std::uint32_t policy) {
  policy_ = policy;
  set_world(world_);  // a new generation
}

void Kernel::set_world(const ir::flow::World& world) {
  world_ = world;
  loader::AddressIdentities addresses;
  for (const auto& [prefix, identity] : world.addresses) addresses[{{prefix.address.v6, prefix.address.bytes}, prefix.length}] = identity;
  config_.world4 = {world.world4, maps_.shared.rows.row(world.world4)};
  config_.world6 = {world.world6, maps_.shared.rows.row(world.world6)};
  config_.tunnel_port = world.tunnel_port;
  config_.generation = config_.generation % (NP_FROM_HOST - 1) + 1;
  checked(maps_.set_addresses(addresses, config_));
}

void Kernel::set_pod(const ir::flow::Pod& pod) {
  const np_u32 flags = (pod.check4 ? NP_SOURCE_IPV4 : 0) | (pod.check6 ? NP_SOURCE_IPV6 : 0) | (pod.audit ? NP_AUDIT : 0);
  checked(loader::fill_interfaces(maps_.map(NP_MAP_INTERFACES), {{0, {1, node_ ? flags & NP_AUDIT : 0}}, {kLoopback, {pod.identity, node_ ? 0 : flags}}, {neighbour_, {pod.identity, node_ ? 0 : flags}}}));
}

void Kernel::age(std::uint32_t ticks) {
  flows4_.age(ticks);
  flows6_.age(ticks);
  const int fragments = maps_.map(NP_MAP_FRAGMENTS);
  std::vector<np_fragment_key> keys;
  np_fragment_key key{};
  for (bool more = bpf_map_get_next_key(fragments, nullptr, &key) == 0; more; more = bpf_map_get_next_key(fragments, &keys.back(), &key) == 0) keys.push_back(key);
  for (const np_fragment_key& one : keys) {
    np_fragment first{};
    if (bpf_map_lookup_elem(fragments, &one, &first) != 0) continue;
    first.expires -= ticks;
    if (bpf_map_update_elem(fragments, &one, &first, BPF_EXIST) != 0) failed("ageing a fragment");
  }
}

std::vector<std::uint64_t> Kernel::counters(const Program& program) const {
  std::vector<std::uint64_t> out;
  for (const np_counter& counter : checked(loader::read_counters(program.object.map(NP_MAP_RULES)))) out.push_back(counter.packets);
  return out;
}

bool Kernel::takes(const Frame& frame) {
  if (frame.size() <= 14) return false;
  const std::uint32_t type = static_cast<std::uint32_t>(frame[12] << 8 | frame[13]);
  return frame.size() >= (type == 0x0800 ? 34u : type == 0x86dd ? 54u : 15u);
}

Seen Kernel::send(ir::Direction direction, ir::flow::Origin origin, bool neighbour, const Frame& frame) {
  Program& program = programs_.at(policy_);
  Seen out;
  const auto side = direction == ir::Direction::Egress ? loader::Side::FromPod : loader::Side::ToPod;
  out.passed = run(program.object, side, frame, origin, neighbour ? neighbour_ : kLoopback);
  checked(events_->read([&](const np_event& event) { out.events.push_back(event); }));
  auto now = counters(program);
  for (std::uint32_t slot = 0; slot < now.size(); ++slot) out.counted.insert(out.counted.end(), now[slot] - program.counters[slot], slot);
  program.counters = std::move(now);
  return out;
}

Kernel::Totals Kernel::Totals::since(const Totals& before) const {
  Totals out{{}, opened - before.opened, audited - before.audited, suppressed - before.suppressed, crowded - before.crowded};
  for (const auto& [reason, packets] : drops) {
    const auto former = before.drops.find(reason);
    if (const std::uint64_t more = packets - (former == before.drops.end() ? 0 : former->second); more != 0) out.drops[reason] = more;
  }
  return out;
}

Kernel::Totals Kernel::totals() const {
  Totals out;
  const auto drops = checked(maps_.drops());
  for (std::uint32_t reason = 0; reason < drops.size(); ++reason)
    if (drops[reason].packets != 0) out.drops[reason] = drops[reason].packets;
  std::vector<std::uint64_t> by_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const auto stat = [&](np_u32 which) {
    if (bpf_map_lookup_elem(maps_.map(NP_MAP_STATS), &which, by_cpu.data()) != 0) failed("reading " NP_MAP_STATS);
    return std::accumulate(by_cpu.begin(), by_cpu.end(), std::uint64_t{0});
  };
  out.opened = stat(NP_STAT_OPENED);
  out.audited = stat(NP_STAT_AUDITED);
  out.suppressed = stat(NP_STAT_SUPPRESSED);
  out.crowded = stat(NP_STAT_EVICTED) + stat(NP_STAT_REFUSED);
  return out;
}

std::optional<std::string> kernel_unavailable() {
  if (geteuid() != 0) return "not root";
  try {
    Script script;
    script.policies.push_back({.name = "nothing", .ingress = true, .egress = true, .rules = {}});
    Kernel kernel(script);
    kernel.begin(script);
    if (kernel.send(ir::Direction::Ingress, ir::flow::Origin::Device, false, Frame(60, 0)).passed) return "BPF_PROG_TEST_RUN gives no verdicts";
  } catch (const std::exception& error) {
    return error.what();
  }
  return std::nullopt;
}

}  // namespace netpolc::sequences
