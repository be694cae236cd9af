// The program at the external device against the programs of the pods behind it, in the kernel by
// BPF_PROG_TEST_RUN: what it drops, they drop. Random policies, random packets, both families.
#include <bpf/bpf.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <random>
#include <stdexcept>

#include "codegen-bpf/xdp/outside.h"
#include "runtime-loader/xdp.h"
#include "tools/loader_test/bench.h"

using namespace netpolc::loader;
namespace ir = netpolc::ir;
namespace codegen_bpf = netpolc::codegen_bpf;
namespace loader_test = netpolc::loader_test;

namespace {

using Random = std::mt19937;

constexpr std::uint32_t kWorld4 = 9, kWorld6 = 10, kPod = 300, kPartner = 16777217, kFoe = 16777218, kApi = 16777219;
const std::vector<std::uint32_t> kOutside = {kWorld4, kWorld6, kPartner, kFoe};
constexpr ir::Protocol kProtocols[] = {ir::Protocol::Any, ir::Protocol::Tcp, ir::Protocol::Udp, ir::Protocol::Sctp, ir::Protocol::Icmp, ir::Protocol::Icmpv6};
constexpr std::uint16_t kPorts[] = {1, 53, 80, 443, 8080, 40000, 65535};
constexpr int kLoopback = 1;  // where test runs take place

bool kernel_is_here() {
  static const std::string why = loader_test::why_no_kernel();
  if (why.empty()) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL_CHECK("kernel tests can't run in CI: " << why);
  MESSAGE("skipped: " << why);
  return false;
}

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void must(const Done& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

// ---- policies ----

struct Policy {
  ir::DecisionTable table;
  PeerBits in, out;
};

PeerBits peer_bits(const ir::DirectionTable& table) {
  PeerBits out;
  for (std::size_t bit = 1; bit < table.bits.size(); ++bit)
    for (const std::uint32_t identity : table.bits[bit].identities) out.try_emplace(identity, std::vector<std::uint64_t>{1}).first->second[0] |= 1ull << bit;
  return out;
}

ir::DirectionTable default_deny() {
  ir::DirectionTable out;
  out.enforcement = ir::Enforcement::DefaultDeny;
  out.bits = {{"everyone", {}}};
  out.rules = {{0, 0}};
  out.rule_texts = {"a rule"};
  for (const ir::Protocol protocol : kProtocols) out.classes.push_back({protocol, 0, 65535, {}});
  return out;
}

ir::TableEntry entry(std::uint32_t bit, ir::Action action) { return {.bit = bit, .action = action, .rule = 0}; }

ir::DirectionTable random_direction(Random& random, bool mostly_closed) {
  const auto pick = [&](unsigned below) { return random() % below; };
  ir::DirectionTable out = default_deny();
  out.enforcement = mostly_closed && pick(4) ? ir::Enforcement::DefaultDeny : static_cast<ir::Enforcement>(pick(3));
  for (unsigned bit = pick(4); bit > 0; --bit) {
    out.bits.push_back({"cidr number " + std::to_string(bit), {}});
    for (const std::uint32_t identity : {kWorld4, kWorld6, kPod, kPartner, kFoe, kApi})
      if (pick(3) == 0) out.bits.back().identities.push_back(identity);
    std::sort(out.bits.back().identities.begin(), out.bits.back().identities.end());
  }
  out.classes.clear();
  if (out.enforcement == ir::Enforcement::None) return out;
  for (const ir::Protocol protocol : kProtocols)
    for (std::uint32_t first = 0; first <= 65535;) {
      const std::uint32_t last = pick(2) ? 65535 : std::min<std::uint32_t>(65535, std::max<std::uint32_t>(first, kPorts[pick(std::size(kPorts))] - pick(2)));
      ir::L4Class numbers{protocol, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last), {}};
      for (const ir::Action action : {ir::Action::Deny, ir::Action::Allow})
        for (std::uint32_t bit = 0; bit < out.bits.size(); ++bit)
          if (pick(bit == 0 ? 6 : 3) == 0) numbers.entries.push_back(entry(bit, action));
      if (out.enforcement == ir::Enforcement::DefaultAllow) numbers.entries.push_back(entry(0, ir::Action::Allow));
      out.classes.push_back(std::move(numbers));
      first = last + 1;
    }
  return out;
}

Policy policy_of(ir::DirectionTable in, ir::DirectionTable out) {
  Policy policy{{std::move(in), std::move(out), std::nullopt}, {}, {}};
  policy.in = peer_bits(policy.table.ingress);
  policy.out = peer_bits(policy.table.egress);
  return policy;
}

// ---- a node ----

Address at(const char* text) { return *Address::parse(text); }

// Two pods, what is loaded for them, and the program in front of them. Flows outlive `load`.
struct Node {
  TestMaps maps;
  Bundle bundle;
  AddressIdentities addresses;
  std::vector<Object> objects;
  std::optional<OutsideProgram> outside;

  Node() {
    const auto add = [&](const char* prefix, std::uint32_t identity) { addresses[*Prefix::parse(prefix)] = identity; };
    add("10.0.0.1", 301), add("10.0.0.2", 302), add("fd00::1", 301), add("fd00::2", 302);
    add("10.0.0.9", kPod), add("fd00::9", kPod);
    add("198.51.100.0/24", kPartner), add("2001:db8:1::/48", kPartner);
    add("198.51.100.66/32", kFoe), add("2001:db8:1::66/128", kFoe);
    add("192.0.2.0/25", kFoe), add("203.0.113.1/32", kApi);
    add("10.0.0.100", 1);
    bundle.world4 = kWorld4;
    bundle.world6 = kWorld6;
    bundle.xdp.object = codegen_bpf::kOutsideObject;
    bundle.xdp.bytes = codegen_bpf::outside_object();
  }
  static const std::vector<Address>& remotes() {
    static const std::vector<Address> all = {at("8.8.8.8"), at("198.51.100.5"), at("198.51.100.66"), at("192.0.2.7"), at("203.0.113.1"), at("10.0.0.9"), at("10.0.0.100"),
                                             at("2001:4860::8"), at("2001:db8:1::5"), at("2001:db8:1::66"), at("fd00::9")};
    return all;
  }

  // Returns why nothing is dropped.
  std::string load(const std::vector<Policy>& policies) {
    objects.clear();
    outside.reset();
    bundle.programs.clear();
    bundle.endpoints.clear();
    std::vector<ResolvedRequest> requests;
    std::vector<Attachment> attachments;
    for (std::size_t i = 0; i < policies.size(); ++i) {
      const auto compiled = codegen_bpf::compile(codegen_bpf::emit(policies[i].table));
      if (!compiled) throw std::runtime_error(compiled.error().message);
      objects.push_back(value_of(Object::load(compiled->bytes, "pod", maps.shared, policies[i].in, policies[i].out)));
      bundle.programs.emplace_back().outside = ir::denied_outside(policies[i].table, kOutside);
      BundleEndpoint& endpoint = bundle.endpoints.emplace_back();
      const std::string number = std::to_string(i + 1);
      endpoint.ns = "t";
      endpoint.name = "pod-" + number;
      endpoint.identity = 301 + static_cast<std::uint32_t>(i);
      endpoint.program = i;
      endpoint.pods = {{endpoint.name, "node", {at(("10.0.0." + number).c_str()), at(("fd00::" + number).c_str())}}};
      requests.push_back({AttachRequest{endpoint.full_name(), "lo", "", {}, false}, i});
      Attachment& attachment = attachments.emplace_back();
      attachment.ifindex = kLoopback;
      attachment.bundle_endpoint = i;
    }
    np_config config = fresh_config();
    config.seed = 5;  // one for all generations, as the loader keeps it
    config.world4 = {kWorld4, maps.shared.rows.row(kWorld4)};
    config.world6 = {kWorld6, maps.shared.rows.row(kWorld6)};
    must(maps.set_addresses(addresses, config));
    OutsidePlan plan = plan_outside(bundle, requests, attachments, addresses, {}, 0);
    if (!plan.nothing.empty()) return plan.nothing;
    outside.emplace(value_of(OutsideProgram::load(bundle, addresses, std::move(plan), maps.shared)));
    must(outside->start());
    return "";
  }

  bool dropped_outside(const Bytes& frame) const { return outside && run_outside(frame).first == 1; }
  std::pair<std::uint32_t, std::uint32_t> run_outside(const Bytes& frame, int repeat = 1) const {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.repeat = repeat;
    if (const int error = bpf_prog_test_run_opts(outside->program(), &options); error != 0) throw std::runtime_error("XDP test run: " + std::to_string(error));
    return {options.retval, options.duration};
  }
  bool dropped(std::size_t pod, Side side, const Bytes& frame) const { return value_of(test_run(objects[pod], side, frame)) == TcVerdict::Drop; }
  std::uint64_t drops(std::uint8_t reason) const { return value_of(maps.drops())[reason].packets; }
};

// ---- packets ----

// The pod that the frame is for, as the bytes have it now.
std::size_t receiver(const Bytes& frame, std::size_t otherwise) {
  const bool v6 = frame.size() > 13 && frame[12] == 0x86;
  const std::size_t from = v6 ? 14 + 24 : 14 + 16, size = v6 ? 16 : 4;
  for (std::size_t pod = 0; pod < 2 && frame.size() >= from + size; ++pod) {
    const Address own = at(((v6 ? "fd00::" : "10.0.0.") + std::to_string(pod + 1)).c_str());
    if (std::equal(frame.begin() + static_cast<std::ptrdiff_t>(from), frame.begin() + static_cast<std::ptrdiff_t>(from + size), own.bytes.begin())) return pod;
  }
  return otherwise;
}

PacketSpec reversed(PacketSpec spec) {
  std::swap(spec.source, spec.destination);
  std::swap(spec.source_port, spec.destination_port);
  if (spec.protocol == kProtocolTcp) spec.tcp_flags = kTcpSyn | kTcpAck;
  if (spec.icmp_type == 8) spec.icmp_type = 0;
  if (spec.icmp_type == 128) spec.icmp_type = 129;
  return spec;
}

struct Packets {
  Random& random;
  std::deque<std::pair<std::size_t, PacketSpec>> sent;  // by pods

  unsigned pick(unsigned below) { return random() % below; }

  // From pod `pod` to somebody, or the other way.
  PacketSpec spec(std::size_t pod, bool out) {
    PacketSpec spec;
    const Address remote = Node::remotes()[pick(static_cast<unsigned>(Node::remotes().size()))];
    const Address own = at(((remote.v6 ? "fd00::" : "10.0.0.") + std::to_string(pod + 1)).c_str());
    spec.source = out ? own : remote;
    spec.destination = out ? remote : own;
    const std::uint8_t protocols[] = {kProtocolTcp, kProtocolTcp, kProtocolUdp, kProtocolSctp, remote.v6 ? kProtocolIcmpv6 : kProtocolIcmp, static_cast<std::uint8_t>(random())};
    spec.protocol = protocols[pick(pick(4) ? 5 : 6)];
    spec.source_port = kPorts[pick(std::size(kPorts))];
    spec.destination_port = kPorts[pick(std::size(kPorts))];
    const std::uint8_t flags[] = {kTcpSyn, kTcpSyn, kTcpAck, kTcpSyn | kTcpAck, kTcpFin | kTcpAck, kTcpRst};
    spec.tcp_flags = flags[pick(std::size(flags))];
    const std::uint8_t types[] = {static_cast<std::uint8_t>(remote.v6 ? 128 : 8), static_cast<std::uint8_t>(remote.v6 ? 129 : 0), 3, 1, 11, 135};
    spec.icmp_type = types[pick(pick(3) ? 2 : 6)];
    spec.payload.resize(pick(3) ? 8 + pick(20) : 0, 'x');
    if (pick(12) == 0) spec.fragment_offset = static_cast<std::uint16_t>(pick(3));
    if (pick(12) == 0) spec.more_fragments = true;
    if (!remote.v6 && pick(12) == 0) spec.ip4_option_words = 1;
    if (remote.v6 && pick(12) == 0) spec.extensions = {60};
    return spec;
  }
  Bytes arriving(std::size_t& pod) {
    PacketSpec made = spec(pod, false);
    if (!sent.empty() && pick(2)) {
      const auto& [who, what] = sent[pick(static_cast<unsigned>(sent.size()))];
      pod = who;
      made = reversed(what);
      if (pick(4) == 0) made.tcp_flags = kTcpSyn;
      if (pick(8) == 0) return build_icmp_error(made.source, made.destination, made.source.v6 ? 1 : 3, 1, build_packet(what));
    }
    Bytes frame = build_packet(made);
    if (pick(8) == 0) frame[pick(static_cast<unsigned>(frame.size()))] ^= static_cast<std::uint8_t>(1u << pick(8));
    if (pick(16) == 0 && frame.size() > 60) frame.resize(54 + pick(static_cast<unsigned>(frame.size() - 54)));  // test runs need a whole IP header
    return frame;
  }
};

std::string hex(const Bytes& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) out += {digits[byte / 16], digits[byte % 16]};
  return out;
}

Policy closed_policy() { return policy_of(default_deny(), default_deny()); }

PacketSpec syn(const char* source, const char* destination, std::uint16_t port) {
  PacketSpec spec;
  spec.source = at(source);
  spec.destination = at(destination);
  spec.destination_port = port;
  return spec;
}

ir::DirectionTable allowing(std::uint32_t identity) {
  ir::DirectionTable out = default_deny();
  out.bits.push_back({"cidr one", {identity}});
  for (ir::L4Class& numbers : out.classes) numbers.entries = {entry(1, ir::Action::Allow)};
  return out;
}

}  // namespace

TEST_CASE("random policies, random packets: what is dropped outside, the pod's program drops") {
  if (!kernel_is_here()) return;
  const char* asked = std::getenv("NETPOLC_XDP_ROUNDS");
  const int rounds = asked != nullptr ? std::atoi(asked) : 8;
  Random random(2026);
  std::size_t arrived = 0, dropped_outside = 0, dropped_at_pod = 0, replies = 0, loads = 0;
  for (int round = 0; round < rounds; ++round) {
    Node node;
    Packets packets{random, {}};
    for (int generation = 0; generation < 2; ++generation) {
      std::vector<Policy> policies;
      for (int pod = 0; pod < 2; ++pod) policies.push_back(policy_of(random_direction(random, true), random_direction(random, false)));
      loads += node.load(policies).empty();
      for (int i = 0; i < 400; ++i) {
        std::size_t pod = random() % 2;
        if (random() % 3 == 0) {
          const PacketSpec sent = packets.spec(pod, true);
          if (!node.dropped(pod, Side::FromPod, build_packet(sent)) && sent.fragment_offset == 0) packets.sent.push_back({pod, sent});
          if (packets.sent.size() > 30) packets.sent.pop_front();
          continue;
        }
        // what happens to a running node: somebody says whose an address is
        if (random() % 60 == 0) {
          const std::uint32_t identities[] = {kPartner, kFoe, kPod, kApi};
          const Prefix prefix = *Prefix::parse(random() % 2 ? "8.8.8.8/32" : "2001:4860::/32");
          const std::uint32_t identity = identities[random() % 4];
          must(fill_addresses(node.maps.address_maps(), {{prefix, identity}}, node.maps.shared.rows));
          must(new_generation(node.maps.map(NP_MAP_CONFIG)));
        }
        const Bytes frame = packets.arriving(pod);
        pod = receiver(frame, pod);
        const bool outside = node.dropped_outside(frame);
        const bool inside = node.dropped(pod, Side::ToPod, frame);
        ++arrived;
        dropped_outside += outside;
        dropped_at_pod += inside;
        replies += !inside;
        INFO("round " << round << ", generation " << generation << ", packet " << i << ", pod " << pod << ": " << hex(frame));
        if (outside) REQUIRE(inside);
      }
    }
  }
  MESSAGE(loads << " loads; of " << arrived << " packets " << dropped_at_pod << " are denied, " << dropped_outside << " of them outside; " << replies << " pass");
  CHECK(loads > static_cast<std::size_t>(rounds));
  CHECK(dropped_outside * 6 > dropped_at_pod);
  CHECK(replies > arrived / 10);
}

TEST_CASE("a flood that every policy denies is dropped outside, counted and reported") {
  if (!kernel_is_here()) return;
  Node node;
  CHECK(node.load({closed_policy(), closed_policy()}) == "");
  for (const char* source : {"8.8.8.8", "198.51.100.5"})
    for (const std::uint8_t protocol : {kProtocolTcp, kProtocolUdp, kProtocolSctp, kProtocolIcmp}) {
      PacketSpec spec = syn(source, "10.0.0.2", 443);
      spec.protocol = protocol;
      spec.icmp_type = 8;
      spec.payload.assign(16, 'x');
      CHECK(node.dropped_outside(build_packet(spec)));
      spec.destination = at("10.0.0.3");  // nobody's
      CHECK_FALSE(node.dropped_outside(build_packet(spec)));
    }
  CHECK(node.drops(NP_REASON_DEFAULT_DENY) == 8);
  const auto events = value_of(node.maps.take_events());
  REQUIRE(events.size() == 8);
  CHECK(events[0].reason == NP_REASON_DEFAULT_DENY);
  CHECK(events[0].flags == NP_EVENT_OUTSIDE);
  CHECK(events[0].ifindex == kLoopback);
  CHECK(events[0].identity == kWorld4);
  CHECK(events[0].tcp_flags == kTcpSyn);
  CHECK(events[1].tcp_flags == 0);
  CHECK(events[4].identity == kPartner);
  CHECK(events[0].destination_port == 443);
  CHECK(node.dropped_outside(build_packet(syn("2001:4860::8", "fd00::1", 80))));
}

TEST_CASE("who is of the cluster, or an API server, is the pods' own business") {
  if (!kernel_is_here()) return;
  Node node;
  CHECK(node.load({closed_policy(), closed_policy()}) == "");
  for (const char* source : {"10.0.0.9", "10.0.0.100", "10.0.0.2", "203.0.113.1"}) CHECK_FALSE(node.dropped_outside(build_packet(syn(source, "10.0.0.1", 80))));
}

TEST_CASE("a deny rule has its reason, if all have one") {
  if (!kernel_is_here()) return;
  Node node;
  ir::DirectionTable denying = allowing(kPartner);
  denying.bits.push_back({"cidr foe", {kFoe}});
  for (ir::L4Class& numbers : denying.classes) numbers.entries.insert(numbers.entries.begin(), entry(2, ir::Action::Deny));
  CHECK(node.load({policy_of(denying, default_deny()), policy_of(denying, default_deny())}) == "");
  CHECK(node.dropped_outside(build_packet(syn("198.51.100.66", "10.0.0.1", 80))));
  CHECK(node.drops(NP_REASON_DENY) == 1);
  CHECK(node.dropped_outside(build_packet(syn("8.8.8.8", "10.0.0.1", 80))));
  CHECK(node.drops(NP_REASON_DEFAULT_DENY) == 1);
  CHECK_FALSE(node.dropped_outside(build_packet(syn("198.51.100.5", "10.0.0.1", 80))));
}

TEST_CASE("replies to what was sent pass, also after the policy that allowed it") {
  if (!kernel_is_here()) return;
  Node node;
  const Policy open = policy_of(default_deny(), allowing(kWorld4));
  CHECK(node.load({open, open}) == "");
  const PacketSpec out = syn("10.0.0.1", "8.8.8.8", 443);
  const Bytes reply = build_packet(reversed(out));
  CHECK(node.dropped_outside(reply));  // to nothing
  CHECK_FALSE(node.dropped(0, Side::FromPod, build_packet(out)));
  CHECK_FALSE(node.dropped_outside(reply));
  CHECK_FALSE(node.dropped(0, Side::ToPod, reply));
  // now nothing may be sent there any more; but this was
  CHECK(node.load({closed_policy(), closed_policy()}) == "");
  CHECK_FALSE(node.dropped_outside(reply));
  CHECK_FALSE(node.dropped(0, Side::ToPod, reply));
  must(node.maps.forget_connections());
  CHECK(node.dropped_outside(reply));
}

TEST_CASE("where nothing may be sent and nothing was, no flow is looked for, until something changes") {
  if (!kernel_is_here()) return;
  Node node;
  CHECK(node.load({closed_policy(), closed_policy()}) == "");
  // a flow that no program could have opened, to see whether anybody looks
  const PacketSpec out = syn("10.0.0.1", "8.8.8.8", 443);
  const auto opener = codegen_bpf::compile(codegen_bpf::emit(policy_of(default_deny(), allowing(kWorld4)).table));
  REQUIRE(opener);
  const auto other = value_of(Object::load(opener->bytes, "opener", node.maps.shared, {}, {{kWorld4, {3}}}));
  np_config config = value_of(read_config(node.maps.map(NP_MAP_CONFIG)));
  config.world4.row = node.maps.shared.rows.row(kWorld4);
  must(set_config(node.maps.map(NP_MAP_CONFIG), config));
  REQUIRE(value_of(test_run(other, Side::FromPod, build_packet(out))) == TcVerdict::Pass);
  const Bytes reply = build_packet(reversed(out));
  CHECK(node.dropped_outside(reply));
  must(new_generation(node.maps.map(NP_MAP_CONFIG)));
  CHECK_FALSE(node.dropped_outside(reply));
}

TEST_CASE("with services, what may answer a service's client passes") {
  if (!kernel_is_here()) return;
  Node node;
  node.bundle.xdp.services = true;
  node.bundle.xdp.behind_services = {at("8.8.8.8")};
  CHECK(node.load({closed_policy(), closed_policy()}) == "");
  PacketSpec spec = syn("198.51.100.5", "10.0.0.1", 80);
  CHECK(node.dropped_outside(build_packet(spec)));
  spec.tcp_flags = kTcpSyn | kTcpAck;
  CHECK_FALSE(node.dropped_outside(build_packet(spec)));
  CHECK_FALSE(node.dropped_outside(build_packet(syn("8.8.8.8", "10.0.0.1", 80))));
}

TEST_CASE("what can't be read at a glance passes") {
  if (!kernel_is_here()) return;
  Node node;
  CHECK(node.load({closed_policy(), closed_policy()}) == "");
  const PacketSpec plain = syn("8.8.8.8", "10.0.0.1", 80);
  CHECK(node.dropped_outside(build_packet(plain)));
  auto changed = plain;
  changed.more_fragments = true;
  CHECK_FALSE(node.dropped_outside(build_packet(changed)));
  changed = plain;
  changed.ip4_option_words = 1;
  CHECK_FALSE(node.dropped_outside(build_packet(changed)));
  changed = syn("2001:4860::8", "fd00::1", 80);
  changed.extensions = {60};
  CHECK_FALSE(node.dropped_outside(build_packet(changed)));
  Bytes tagged = build_packet(plain);
  tagged.insert(tagged.begin() + 12, {0x81, 0, 0, 5});
  CHECK_FALSE(node.dropped_outside(tagged));
  Bytes longer = build_packet(plain);
  longer[17] = 200;  // says more than is there
  CHECK_FALSE(node.dropped_outside(longer));
  CHECK_FALSE(node.dropped_outside(build_icmp_error(at("8.8.8.8"), at("10.0.0.1"), 3, 1, build_packet(reversed(plain)))));
  CHECK_FALSE(node.dropped_outside(build_arp_request(at("8.8.8.8"), at("10.0.0.1"))));
}

TEST_CASE("nothing is attached where nothing would be dropped") {
  if (!kernel_is_here()) return;
  Node node;
  ir::DirectionTable open = default_deny();
  for (ir::L4Class& numbers : open.classes) numbers.entries = {entry(0, ir::Action::Allow)};
  CHECK(node.load({policy_of(open, default_deny()), policy_of({}, {})}).find("no policy of a pod attached here") == 0);
}

TEST_CASE("what a dropped packet costs") {
  if (!kernel_is_here()) return;
  Node node;
  const Policy open = policy_of(default_deny(), allowing(kPartner));
  CHECK(node.load({open, open}) == "");
  constexpr int kRepeat = 200000, kRounds = 7;
  const auto median = [](std::vector<std::uint32_t> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
  };
  const auto at_pod = [&](const Bytes& frame) {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    __sk_buff context{};
    context.ingress_ifindex = 1;  // from outside
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = kRepeat;
    if (bpf_prog_test_run_opts(node.objects[0].program(NP_PROGRAM_TO_POD), &options) != 0) throw std::runtime_error("test run");
    return options.duration;
  };
  // events as in production: few a tick
  np_config config = value_of(read_config(node.maps.map(NP_MAP_CONFIG)));
  config.event_limit = 1024;
  must(set_config(node.maps.map(NP_MAP_CONFIG), config));
  struct Case {
    const char* name;
    Bytes frame;
  };
  PacketSpec passing = syn("8.8.8.8", "10.0.0.77", 80);
  const Case cases[] = {{"denied, nothing sent there", build_packet(syn("8.8.8.8", "10.0.0.1", 80))},
                        {"denied, flows looked for", build_packet(syn("198.51.100.5", "10.0.0.1", 80))},
                        {"not for a pod", build_packet(passing)},
                        {"no IP", build_arp_request(at("8.8.8.8"), at("10.0.0.1"))}};
  for (const Case& it : cases) {
    std::vector<std::uint32_t> outside, pod;
    for (int round = 0; round < kRounds; ++round) {
      outside.push_back(node.run_outside(it.frame, kRepeat).second);
      pod.push_back(at_pod(it.frame));
    }
    MESSAGE(std::string(it.name) << ": " << median(outside) << " ns outside, " << median(pod) << " ns in the pod's tc program alone");
  }
}
