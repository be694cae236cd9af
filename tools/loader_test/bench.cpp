#include "tools/loader_test/bench.h"

#include <unistd.h>

#include <stdexcept>

namespace netpolc::loader_test {
namespace {

using P = ir::Protocol;

template <class T>
T value_of(loader::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void must(const loader::Done& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

// The classes of one protocol: `entries` at each of `numbers`, `otherwise` elsewhere.
void add_classes(ir::DirectionTable& table, P protocol,
                 const std::vector<std::pair<std::uint16_t, std::vector<ir::TableEntry>>>& numbers,
                 const std::vector<ir::TableEntry>& otherwise) {
  std::uint32_t from = 0;
  for (const auto& [number, entries] : numbers) {
    if (number > from)
      table.classes.push_back(
          {protocol, static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(number - 1), otherwise});
    table.classes.push_back({protocol, number, number, entries});
    from = number + 1u;
  }
  table.classes.push_back({protocol, static_cast<std::uint16_t>(from), 65535, otherwise});
}

ir::PeerBit bit(const std::string& app, std::uint32_t identity) {
  const ir::Selector selector{{{"k8s", "app", ir::Operator::In, {app}}}};
  return {ir::to_string(selector), {identity}, ir::condition(selector)};
}

}  // namespace

std::string why_no_kernel() {
  if (geteuid() != 0) return "loading programs needs root";
  try {
    Bench bench;
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

ir::DecisionTable table() {
  ir::DecisionTable out;
  auto& in = out.ingress;
  in.enforcement = ir::Enforcement::DefaultDeny;
  in.localhost_exception = true;
  in.bits = {{"everyone", {}}, bit("friend", kFriend), bit("foe", kFoe), bit("web", kHttpClient)};
  in.rules = {{0, 0}, {0, 1}, {0, 2}};
  in.rule_texts = {"allow from friend", "deny from foe", "allow HTTP from web"};
  const ir::TableEntry allow{.bit = 1, .action = ir::Action::Allow, .rule = 0};
  const ir::TableEntry deny{.bit = 2, .action = ir::Action::Deny, .rule = 1};
  const ir::TableEntry http{.bit = 3, .action = ir::Action::Allow, .l7 = ir::L7Parser::Http, .rule = 2};
  add_classes(in, P::Any, {}, {deny});
  add_classes(in, P::Tcp, {{80, {deny, http}}, {8080, {deny, allow}}}, {deny});
  add_classes(in, P::Udp, {{53, {deny, allow}}}, {deny});
  add_classes(in, P::Sctp, {{9000, {deny, allow}}}, {deny});
  add_classes(in, P::Icmp, {{8, {deny, allow}}}, {deny});
  add_classes(in, P::Icmpv6, {{128, {deny, allow}}}, {deny});

  auto& egress = out.egress;
  egress.enforcement = ir::Enforcement::DefaultDeny;
  egress.bits = {{"everyone", {}}};
  egress.rules = {{0, 3}};
  egress.rule_texts = {"allow to everyone"};
  const ir::TableEntry anyone{.bit = 0, .action = ir::Action::Allow, .rule = 0};
  add_classes(egress, P::Any, {}, {});
  add_classes(egress, P::Tcp, {{443, {anyone}}}, {});
  add_classes(egress, P::Udp, {{53, {anyone}}}, {});
  add_classes(egress, P::Sctp, {}, {});
  add_classes(egress, P::Icmp, {{8, {anyone}}}, {});
  add_classes(egress, P::Icmpv6, {{128, {anyone}}}, {});
  return out;
}

loader::PeerBits peers_in() { return {{kFriend, {0b0011}}, {kFoe, {0b0101}}, {kHttpClient, {0b1001}}}; }

Bench::Bench() {
  // Translating takes a moment, and every bench has the same object.
  static const std::string bytes = [] {
    auto object = codegen_bpf::compile(codegen_bpf::emit(table()));
    if (!object) throw std::runtime_error(object.error().message);
    return object->bytes;
  }();
  object_.emplace(value_of(loader::Object::load(bytes, "bench", maps_.shared, peers_in(), {})));
  set_ready(true);
}

void Bench::set_ready(bool ready, bool ipv6) {
  loader::AddressIdentities addresses;
  const auto add = [&](const char* prefix, std::uint32_t identity) {
    addresses[*loader::Prefix::parse(prefix)] = identity;
  };
  add("10.0.0.3", kFriend);
  add("fd00::3", kFriend);
  add("10.0.0.4", kFoe);
  add("fd00::4", kFoe);
  add("10.0.0.5", kHttpClient);
  add("192.168.0.1", 1);  // the pod's node
  add("fd01::1", 1);
  np_config config = loader::fresh_config();
  config.ready = ready;
  config.world4 = {9, 0};
  config.world6 = {ipv6 ? 10u : 0u, 0};
  config.flags |= NP_CONFIG_REPORT_ALLOWED;
  must(maps_.set_addresses(addresses, config));
}

loader::TcVerdict Bench::run(loader::Side side, const loader::Bytes& frame, bool from_node) {
  const auto verdict = value_of(loader::test_run(*object_, side, frame, from_node));
  const auto events = value_of(maps_.take_events());
  event_ = events.empty() ? std::nullopt : std::optional(events.back());
  return verdict;
}

std::uint64_t Bench::dropped(std::uint8_t reason) const { return value_of(maps_.drops())[reason].packets; }
std::uint64_t Bench::counted(std::uint32_t slot) const {
  return value_of(loader::read_counters(object_->map(NP_MAP_RULES)))[slot].packets;
}
void Bench::forget() { must(maps_.forget_connections()); }

}  // namespace netpolc::loader_test
