#include "compiler/kernel_judge/kernel.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace netpolc::kernel_judge {
namespace {

// Half of what the ring of events holds.
constexpr std::size_t kBatch = 256;
// Ports that no probe asks about, so that no packet can be the answer to another.
constexpr std::uint16_t kFirstPort = 34000, kLastPort = 65000;

template <class T>
T checked(loader::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

loader::Address to_loader(const IpAddress& address) { return {address.v6, address.bytes}; }

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

std::uint8_t wire_protocol(ir::Protocol protocol) {
  switch (protocol) {
    case ir::Protocol::Tcp: return loader::kProtocolTcp;
    case ir::Protocol::Udp: return loader::kProtocolUdp;
    case ir::Protocol::Sctp: return loader::kProtocolSctp;
    case ir::Protocol::Icmp: return loader::kProtocolIcmp;
    case ir::Protocol::Icmpv6: return loader::kProtocolIcmpv6;
    case ir::Protocol::Any:
    case ir::Protocol::Vrrp:
    case ir::Protocol::Igmp:
    case ir::Protocol::Gre:
    case ir::Protocol::Ipip:
    case ir::Protocol::Ipv6:
    case ir::Protocol::Esp:
    case ir::Protocol::Ah: break;
  }
  throw std::runtime_error("no packet is made for this protocol");
}

bool same_address(const np_u8 (&bytes)[16], const IpAddress& address) { return std::equal(std::begin(bytes), std::end(bytes), address.bytes.begin()); }

// Which of an ICMP message's type and identifier is a port is the runtime's affair.
bool same_ports(const np_event& event, const Shot& shot, std::uint16_t own_port) {
  const bool icmp = shot.flow.protocol == ir::Protocol::Icmp || shot.flow.protocol == ir::Protocol::Icmpv6;
  if (!icmp) return event.source_port == own_port && event.destination_port == shot.flow.number;
  return event.source_port == own_port || event.destination_port == own_port || event.destination_port == shot.flow.number;
}

bool speaks_of(const np_event& event, const Shot& shot, std::uint16_t own_port, std::uint64_t tag) {
  return event.program == tag && same_ports(event, shot, own_port) && event.direction == (shot.direction == ir::Direction::Egress ? NP_EGRESS : NP_INGRESS) &&
         event.family == (shot.source.v6 ? 6 : 4) && event.protocol == wire_protocol(shot.flow.protocol) &&
         same_address(event.source, shot.source) && same_address(event.destination, shot.destination);
}

}  // namespace

void Kernel::load(std::uint32_t table, const ir::DecisionTable& content, codegen_bpf::Subject subject) {
  const codegen_bpf::Emitted emitted = codegen_bpf::emit(content, subject);
  const auto object = programs_.get(emitted);
  auto loaded = loader::Object::load(object->bytes, "table " + std::to_string(table), maps_.shared, peer_bits(content.ingress, emitted.ingress_words),
                                     peer_bits(content.egress, emitted.egress_words));
  loaded_.emplace(table, Loaded{checked(std::move(loaded)), emitted.tag, subject, static_cast<std::uint32_t>(content.ingress.rules.size()),
                                static_cast<std::uint32_t>(content.egress.rules.size()), {}});
}

void Kernel::start(const std::map<IpPrefix, std::uint32_t>& ipcache, const ir::Config& config) {
  if (loaded_.empty()) return;
  loader::AddressIdentities addresses;
  hosts_.clear();
  for (const auto& [prefix, identity] : ipcache)
    if (identity == loader::kHostIdentity) hosts_.insert(prefix.address);
  for (const auto& [prefix, identity] : ipcache) addresses[{to_loader(prefix.address), prefix.length}] = identity;
  const bool dual = config.ipv4 && config.ipv6;
  np_config configuration = loader::fresh_config();
  const std::uint32_t world4 = dual ? 9 : 2, world6 = dual ? 10 : 2;
  configuration.world4 = {world4, maps_.shared.rows.row(world4)};
  configuration.world6 = {world6, maps_.shared.rows.row(world6)};
  configuration.flags |= NP_CONFIG_REPORT_ALLOWED;
  configuration.tunnel_port = config.tunnel_port;
  checked(maps_.set_addresses(addresses, configuration));
}

loader::Bytes Kernel::packet(const Shot& shot, std::uint16_t own_port) const {
  loader::PacketSpec spec;
  spec.source = to_loader(shot.source);
  spec.destination = to_loader(shot.destination);
  spec.protocol = wire_protocol(shot.flow.protocol);
  spec.source_port = spec.icmp_id = own_port;
  spec.destination_port = shot.flow.number;
  spec.icmp_type = static_cast<std::uint8_t>(shot.flow.number);
  return loader::build_packet(spec);
}

void Kernel::run_batch(const Shot* shots, std::size_t count, Seen* seen) {
  const std::uint16_t first = next_port_;
  const auto port = [&](std::size_t i) { return static_cast<std::uint16_t>(kFirstPort + (first + i) % (kLastPort - kFirstPort)); };
  next_port_ = static_cast<std::uint16_t>((first + count) % (kLastPort - kFirstPort));
  for (std::size_t i = 0; i < count; ++i) {
    const auto side = shots[i].direction == ir::Direction::Egress ? loader::Side::FromPod : loader::Side::ToPod;
    const Loaded& program = loaded_.at(shots[i].table);
    const bool by_node = program.subject == codegen_bpf::Subject::Node && side == loader::Side::FromPod;
    const bool from_node = by_node || (side == loader::Side::ToPod && hosts_.contains(shots[i].source));
    seen[i].passed = checked(loader::test_run(program.object, side, packet(shots[i], port(i)), from_node)) == loader::TcVerdict::Pass;
  }
  const std::vector<np_event> events = checked(maps_.take_events());
  std::size_t next = 0;
  for (std::size_t i = 0; i < count && next < events.size(); ++i) {
    Loaded& program = loaded_.at(shots[i].table);
    const np_event& event = events[next];
    if (!speaks_of(event, shots[i], port(i), program.tag)) continue;
    ++next;
    seen[i] = {seen[i].passed, true, event.reason, event.rule, event.identity};
    const bool egress = shots[i].direction == ir::Direction::Egress;
    const std::uint32_t slot = event.rule == NP_NO_RULE ? program.ingress_rules + program.egress_rules + egress
                                                        : event.rule + (egress ? program.ingress_rules : 0);
    if (event.reason != NP_REASON_ENCAPSULATION) ++program.expected[slot];  // which is dropped before policy is asked
    if (event.reason != NP_REASON_FORWARDED) ++drops_[event.reason];
  }
  if (next != events.size()) throw std::runtime_error("events came that speak of no packet that was sent");
}

std::vector<Seen> Kernel::run(const std::vector<Shot>& shots) {
  std::vector<Seen> seen(shots.size());
  for (std::size_t at = 0; at < shots.size(); at += kBatch) run_batch(&shots[at], std::min(kBatch, shots.size() - at), &seen[at]);
  return seen;
}

std::vector<std::string> Kernel::audit() const {
  std::vector<std::string> out;
  const auto compare = [&](const std::string& what, const std::vector<np_counter>& counters, const std::map<std::uint32_t, std::uint64_t>& expected) {
    for (std::uint32_t slot = 0; slot < counters.size(); ++slot) {
      const auto found = expected.find(slot);
      const std::uint64_t wanted = found == expected.end() ? 0 : found->second;
      if (counters[slot].packets != wanted)
        out.push_back(what + " " + std::to_string(slot) + " counts " + std::to_string(counters[slot].packets) + " packets, events " + std::to_string(wanted));
    }
  };
  if (loaded_.empty()) return out;
  for (const auto& [table, program] : loaded_)
    compare("program of table " + std::to_string(table) + ": np_rules slot", checked(loader::read_counters(program.object.map(NP_MAP_RULES))), program.expected);
  compare("np_drops reason", checked(maps_.drops()), drops_);
  return out;
}

std::optional<std::string> kernel_unavailable() {
  try {
    Programs programs;
    Kernel kernel(programs);
    ir::DecisionTable open;
    open.ingress.bits = open.egress.bits = {{"everyone", {}}};
    kernel.load(0, open);
    kernel.start({}, {});
    const Shot shot{.table = 0, .direction = ir::Direction::Egress, .source = *IpAddress::parse("192.0.2.1"), .destination = *IpAddress::parse("192.0.2.2"), .flow = {ir::Protocol::Tcp, 80}};
    if (!kernel.run({shot})[0].passed) return "BPF_PROG_TEST_RUN gives no verdicts";
  } catch (const std::exception& error) {
    return error.what();
  }
  return std::nullopt;
}

}  // namespace netpolc::kernel_judge
