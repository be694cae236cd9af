#include "tools/bench/datapath/policies.h"

#include <algorithm>
#include <array>
#include <string>

namespace netpolc::datapath_bench {
namespace {

using P = ir::Protocol;

std::vector<std::uint16_t> ports_of(std::uint32_t count) {
  // well-known first, then all over the place; never the client ports' beginning or kOpenPort
  std::vector<std::uint16_t> out = {443};
  for (std::uint32_t i = 1; i < count; ++i) out.push_back(static_cast<std::uint16_t>(count <= 10 ? 80 + 97 * i : 50'000 - 3 * i));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

ir::TableEntry allow(std::uint32_t bit, std::uint32_t rule) {
  ir::TableEntry out;
  out.bit = bit;
  out.action = ir::Action::Allow;
  out.rule = rule;
  return out;
}

std::uint32_t add_rule(ir::DirectionTable& table, const std::string& text) {
  const auto rule = static_cast<std::uint32_t>(table.rules.size());
  table.rules.push_back({0, rule});
  table.rule_texts.push_back(text);
  return rule;
}

// Those of prefixes are local to a node.
std::uint32_t first_identity(const Shape& shape) { return shape.prefixes ? 1u << 24 : kFirstIdentity; }

// Which selectors a port is open to.
std::vector<std::uint32_t> open_to(const Shape& shape, std::size_t port) {
  if (shape.one_selector_a_port) return {static_cast<std::uint32_t>(port % shape.selectors)};
  std::vector<std::uint32_t> out(shape.selectors);
  for (std::uint32_t i = 0; i < shape.selectors; ++i) out[i] = i;
  return out;
}

ir::DirectionTable direction(const Shape& shape, const std::vector<std::uint16_t>& ports, bool ingress) {
  ir::DirectionTable out;
  out.enforcement = ir::Enforcement::DefaultDeny;
  out.localhost_exception = ingress;
  out.bits.push_back({"everyone", {}});
  for (std::uint32_t selector = 0; selector < shape.selectors; ++selector) {
    ir::PeerBit bit{shape.prefixes ? "cidr group " + std::to_string(selector) : "k8s:app in (app" + std::to_string(selector) + ")", {}};
    for (std::uint32_t i = selector; i < shape.identities; i += shape.selectors) bit.identities.push_back(first_identity(shape) + i);
    out.bits.push_back(std::move(bit));
  }
  std::vector<std::pair<std::uint16_t, std::vector<ir::TableEntry>>> classes;
  for (std::size_t port = 0; port < ports.size(); ++port) {
    std::vector<ir::TableEntry> entries;
    for (const std::uint32_t selector : open_to(shape, port))
      entries.push_back(allow(selector + 1, add_rule(out, "app" + std::to_string(selector) + " at port " + std::to_string(ports[port]))));
    classes.emplace_back(ports[port], std::move(entries));
  }
  if (ingress) {
    classes.emplace_back(kOpenPort, std::vector{allow(0, add_rule(out, "everyone at port " + std::to_string(kOpenPort)))});
    std::sort(classes.begin(), classes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  out.classes.push_back({P::Any, 0, 65535, {}});
  std::uint32_t from = 0;
  for (auto& [port, entries] : classes) {
    if (port > from) out.classes.push_back({P::Tcp, static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(port - 1), {}});
    out.classes.push_back({P::Tcp, port, port, std::move(entries)});
    from = port + 1u;
  }
  out.classes.push_back({P::Tcp, static_cast<std::uint16_t>(from), 65535, {}});
  for (const P protocol : {P::Udp, P::Sctp, P::Icmp, P::Icmpv6}) out.classes.push_back({protocol, 0, 65535, {}});
  return out;
}

loader::PeerBits peer_bits(const ir::DirectionTable& table) {
  const std::size_t words = (table.bits.size() + 63) / 64;
  loader::PeerBits out;
  for (std::size_t bit = 1; bit < table.bits.size(); ++bit)
    for (const std::uint32_t identity : table.bits[bit].identities) {
      auto& own = out.try_emplace(identity, words, 0).first->second;
      own[0] |= 1;  // everyone
      own[bit / 64] |= 1ull << (bit % 64);
    }
  return out;
}

std::uint16_t big_endian(std::uint16_t number) { return static_cast<std::uint16_t>(number << 8 | number >> 8); }

BaselineEntry baseline_entry(std::uint32_t identity, bool egress, std::uint16_t port, std::uint32_t rule) {
  BaselineEntry out{};
  out.key = {POLICY_FULL_PREFIX, identity, egress, loader::kProtocolTcp, big_endian(port)};
  if (port == 0) out.key.prefixlen = POLICY_STATIC_PREFIX, out.key.protocol = 0;
  out.entry.lpm_prefix_length = port == 0 ? 0 : 24;
  out.entry.precedence = PRECEDENCE_ALLOW;
  out.entry.cookie = rule;
  return out;
}

std::size_t count_entries(const ir::DirectionTable& table) {
  std::size_t sum = 0;
  for (const ir::L4Class& c : table.classes)
    for (const ir::TableEntry& entry : c.entries) sum += table.bits[entry.bit].identities.size();
  return sum;
}

void baseline_entries(std::vector<BaselineEntry>& out, const ir::DirectionTable& table, bool egress) {
  for (const ir::L4Class& c : table.classes)
    for (const ir::TableEntry& entry : c.entries) {
      if (entry.bit == 0) out.push_back(baseline_entry(0, egress, c.first, entry.rule));
      for (const std::uint32_t identity : table.bits[entry.bit].identities) out.push_back(baseline_entry(identity, egress, c.first, entry.rule));
    }
  if (table.localhost_exception) out.push_back(baseline_entry(1, egress, 0, 0));
}

// The same four bytes in both families, those of IPv6 behind fd00::.
loader::Address address(bool v6, const std::array<std::uint8_t, 4>& last) {
  loader::Address out{v6, {}};
  if (v6) out.bytes[0] = 0xfd;
  std::copy(last.begin(), last.end(), out.bytes.begin() + (v6 ? 12 : 0));
  return out;
}

}  // namespace

loader::Address pod_address(bool v6) { return address(v6, {10, 0, 0, 1}); }

loader::Address peer_address(std::uint32_t peer, bool v6) {
  return address(v6, {10, 1, static_cast<std::uint8_t>(peer / PEERS_A_NODE), static_cast<std::uint8_t>(peer % PEERS_A_NODE + 1)});
}

World make_world(const Shape& shape) {
  World out;
  out.v6 = shape.v6;
  out.ports = ports_of(shape.ports);
  out.table.ingress = direction(shape, out.ports, true);
  out.table.egress = direction(shape, out.ports, false);
  out.peers_in = peer_bits(out.table.ingress);
  out.peers_out = peer_bits(out.table.egress);
  const std::uint32_t known = shape.strangers ? shape.addresses - shape.addresses / 100 : shape.addresses;
  const std::uint8_t whole = shape.v6 ? 128 : 32;
  out.addresses[{pod_address(shape.v6), whole}] = kPodIdentity;
  for (std::uint32_t peer = 0; peer < shape.addresses; ++peer) {
    const std::uint32_t identity = first_identity(shape) + (peer < known ? peer % shape.identities : shape.identities);
    out.identities.push_back(identity);
    loader::Prefix prefix{peer_address(peer, shape.v6), whole};
    if (shape.prefixes) --prefix.length, prefix.address.bytes[prefix.address.size() - 1] &= 0xfe;
    out.addresses[prefix] = identity;
  }
  if (shape.v6) return out;  // the baseline knows no IPv6
  if (count_entries(out.table.ingress) + count_entries(out.table.egress) + 2 > kPolicyMapEntries) return out;
  baseline_entries(out.entries, out.table.ingress, false);
  baseline_entries(out.entries, out.table.egress, true);
  return out;
}

}  // namespace netpolc::datapath_bench
