#include "tools/prove_test/world.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "tools/loader_test/bench.h"

namespace netpolc::prove_test {

bool kernel_is_here() {
  static const std::string why = loader_test::why_no_kernel();
  if (why.empty()) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL_CHECK("kernel tests can't run in CI: " << why);
  MESSAGE("skipped: " << why);
  return false;
}

bool World::load(const std::string& bytes, const verify::bytecode::AskedFlow& flow) {
  from_node_ = flow.identity == 1;
  const std::uint32_t identity = flow.identity == 0 ? 1000 : flow.identity;
  auto row = flow.row_known ? flow.row : std::vector<std::uint64_t>(flow.row.size(), 0);
  row[0] |= 1;
  auto loaded = loader::Object::load(bytes, "mutant", maps_.shared, {{identity, row}}, {});
  if (!loaded) return false;
  object_.emplace(std::move(*loaded));
  const std::uint32_t number = maps_.shared.rows.row(identity);
  np_config config = loader::fresh_config();
  config.world4 = {2, maps_.shared.rows.row(2)};
  config.world6 = {2, maps_.shared.rows.row(2)};
  if (from_node_) config.host = {1, number};
  config.flags |= NP_CONFIG_REPORT_ALLOWED;
  loader::AddressIdentities addresses;
  if (!from_node_) addresses = {{*loader::Prefix::parse("10.0.0.3"), identity}, {*loader::Prefix::parse("fd00::3"), identity}};
  return static_cast<bool>(maps_.set_addresses(addresses, config));
}

std::optional<std::uint32_t> World::verdict(std::uint8_t protocol, std::uint16_t number) {
  if (!maps_.forget_connections()) return std::nullopt;
  loader::PacketSpec packet;
  packet.source = *loader::Address::parse(protocol == 58 ? "fd00::3" : "10.0.0.3");
  packet.destination = *loader::Address::parse(protocol == 58 ? "fd00::1" : "10.0.0.1");
  packet.protocol = protocol;
  packet.destination_port = number;
  packet.icmp_type = static_cast<std::uint8_t>(number);
  const auto ran = loader::test_run(*object_, loader::Side::ToPod, loader::build_packet(packet), from_node_);
  const auto events = maps_.take_events();
  if (!ran || !events || events->empty()) return std::nullopt;
  return static_cast<std::uint32_t>(events->back().reason) << 24 | events->back().rule;
}

}  // namespace netpolc::prove_test
