#include "codegen-bpf/codegen.h"

#include <doctest/doctest.h>

#include <thread>

using namespace netpolc;
using namespace netpolc::codegen_bpf;

namespace {

// "app=frontend may reach TCP 8080 and 8443; 10.0.0.0/8 is denied on every port."
ir::DecisionTable frontend_to_backend() {
  ir::DecisionTable table;
  auto& in = table.ingress;
  in.enforcement = ir::Enforcement::DefaultDeny;
  in.localhost_exception = true;
  in.bits = {{"everyone", {}}, {"k8s:app in (frontend)", {300}}, {"cidr 10.0.0.0/8", {0x01000001}}};
  in.rules = {{0, 0}, {0, 1}};
  in.rule_texts = {"allow from k8s:app in (frontend) to TCP 8080, 8443", "deny from cidr 10.0.0.0/8 */ \n"};
  const ir::TableEntry deny{.bit = 2, .action = ir::Action::Deny, .rule = 1};
  const ir::TableEntry allow{.bit = 1, .action = ir::Action::Allow, .rule = 0};
  using P = ir::Protocol;
  in.classes = {{P::Any, 0, 65535, {deny}},       {P::Tcp, 0, 8079, {deny}},      {P::Tcp, 8080, 8080, {deny, allow}},
                {P::Tcp, 8081, 8442, {deny}},     {P::Tcp, 8443, 8443, {deny, allow}}, {P::Tcp, 8444, 65535, {deny}},
                {P::Udp, 0, 65535, {deny}},       {P::Sctp, 0, 65535, {deny}},    {P::Icmp, 0, 65535, {deny}},
                {P::Icmpv6, 0, 65535, {deny}}};
  return table;
}

}  // namespace

TEST_CASE("the C reads like the policy") {
  const Emitted emitted = emit(frontend_to_backend());
  CAPTURE(emitted.c);
  CHECK(emitted.c.find("\tcase 8080:\n\tcase 8443:\n\t\tif (np_is(from, FROM_CIDR_10_0_0_0_8))\n\t\t\treturn NP_DENY(1);\n"
                       "\t\tif (np_is(from, FROM_APP_FRONTEND))\n\t\t\treturn NP_ALLOW(0);\n\t\tbreak;\n") != std::string::npos);
  CHECK(emitted.c.find("cidr 10.0.0.0/8 * / ?") != std::string::npos);
  CHECK(emitted.c == emit(frontend_to_backend()).c);
  CHECK_FALSE(emitted.source_map.empty());
}

TEST_CASE("an object has both programs, BTF and no DWARF, and always the same bytes") {
  const Emitted emitted = emit(frontend_to_backend());
  const auto object = compile(emitted);
  REQUIRE_MESSAGE(object, object.error().message);
  for (const char* name : {"np_from_pod", "np_to_pod", "np_peers_in", "np_peers_out", "np_rules", "np_flows4", "np_flows6", ".BTF.ext"})
    CHECK_MESSAGE(object->bytes.find(name) != std::string::npos, name);
  CHECK(object->bytes.find(".debug_info") == std::string::npos);
  CHECK(object->instructions.total() > 500);
  CHECK(compile(emitted)->bytes == object->bytes);
}

TEST_CASE("what a thread compiled before leaves no trace in an object") {
  ir::DecisionTable other;  // so many peers of one port are tables, and tables have loops
  other.ingress.enforcement = ir::Enforcement::DefaultDeny;
  other.ingress.bits = {{"everyone", {}}};
  ir::L4Class one{ir::Protocol::Tcp, 80, 80, {}};
  for (std::uint32_t i = 0; i < 100; ++i) {
    other.ingress.bits.push_back({"k8s:app in (a" + std::to_string(i) + ")", {300 + i}});
    one.entries.push_back({.bit = i + 1, .action = ir::Action::Allow, .rule = 0});
  }
  other.ingress.rules = {{0, 0}};
  other.ingress.rule_texts = {"allow from many to TCP 80"};
  other.ingress.classes = {one};
  const Emitted straight = emit(frontend_to_backend()), loops = emit(other);
  CHECK(loops.c.find("np_choose") != std::string::npos);

  std::string alone[2];
  std::thread([&] { alone[0] = compile(straight)->bytes; }).join();
  std::thread([&] { alone[1] = compile(loops)->bytes; }).join();
  for (int i = 0; i < 2; ++i) {
    CHECK(compile(straight)->bytes == alone[0]);
    CHECK(compile(loops)->bytes == alone[1]);
  }
}

TEST_CASE("a policy without tables is two functions without calls") {
  const Emitted emitted = emit(frontend_to_backend());
  const auto object = compile(emitted);
  REQUIRE(object);
  CHECK(emitted.c.find("ingress_tcp") != std::string::npos);
  CHECK(object->bytes.find("np_policy_ingress") != std::string::npos);
  for (const char* inlined : {"ingress_tcp", "np_is", "np_peer_bits"}) {
    const std::string symbol = std::string(1, '\0') + inlined + '\0';
    CHECK_MESSAGE(object->bytes.find(symbol) == std::string::npos, inlined);
  }
  Emitted wrong = emitted;
  wrong.c += "int surplus = ;\n";
  const auto refused = compile(wrong);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("compiling a policy: expected expression") != std::string::npos);
}

TEST_CASE("what an L7 rule allows is refused unless it may be dropped") {
  ir::DecisionTable table = frontend_to_backend();
  CHECK_FALSE(unenforceable(table, {}));
  table.ingress.classes[2].entries[1].l7 = ir::L7Parser::Http;
  const auto refused = unenforceable(table, {});
  REQUIRE(refused);
  CHECK(refused->rules == std::vector<ir::RuleRef>{{0, 0}});
  CHECK_FALSE(unenforceable(table, {.l7_drop = true}));
  CHECK(emit(table).c.find("return NP_L7(0);") != std::string::npos);
}

TEST_CASE("a table with thousands of entries compiles") {
  ir::DecisionTable table = frontend_to_backend();
  auto& in = table.ingress;
  std::vector<ir::TableEntry> many;
  for (std::uint32_t bit = 3; bit < 700; ++bit) {
    in.bits.push_back({"k8s:app in (a" + std::to_string(bit) + ")", {}});
    many.push_back({.bit = bit, .action = ir::Action::Allow, .rule = 0});
  }
  for (auto& c : in.classes) c.entries.insert(c.entries.end(), many.begin(), many.end());
  const auto object = compile(emit(table));
  REQUIRE_MESSAGE(object, object.error().message);
  CHECK(emit(table).ingress_words == 11);
}

TEST_CASE("what outgrows code becomes data, and what outgrows that is refused") {
  ir::DecisionTable table = frontend_to_backend();
  CHECK(emit(table).c.find("np_choose(") == std::string::npos);
  auto& in = table.ingress;
  in.classes.clear();
  for (std::uint32_t port = 0; port < 600; ++port)
    in.classes.push_back({ir::Protocol::Tcp, static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(port),
                          {{.bit = 1 + port % 2, .action = port % 3 == 0 ? ir::Action::Deny : ir::Action::Allow, .rule = port % 2}}});
  in.classes.push_back({ir::Protocol::Tcp, 600, 65535, {}});
  CHECK_FALSE(unenforceable(table, {}));
  const Emitted emitted = emit(table);
  CHECK(emitted.c.find("np_choose(ingress_tcp_peers, ingress_tcp_verdicts, np_group(ingress_tcp_groups, flow->port), from, 1, ") != std::string::npos);

  // many peers, each of which must authenticate
  in.classes = {{ir::Protocol::Tcp, 0, 65535, {}}};
  for (std::uint32_t bit = 3; bit < 3000; ++bit) {
    in.bits.push_back({"k8s:app in (a" + std::to_string(bit) + ")", {}});
    in.classes[0].entries.push_back({.bit = bit, .action = ir::Action::Allow, .auth = ir::AuthMode::Required, .rule = 0});
  }
  const auto refused = unenforceable(table, {});
  REQUIRE(refused);
  CHECK(refused->obstacle == Obstacle::Size);
}

TEST_CASE("comments read labels as people write them") {
  ir::DecisionTable table = frontend_to_backend();
  table.ingress.rule_texts[0] = "allow from any:app in (web), k8s:tier in (a, b), x exists";
  CHECK(emit(table).c.find("rule 0: allow from any:app=web, k8s:tier in (a, b), x exists\n") != std::string::npos);
}

TEST_CASE("a level's authentication says nothing about other levels") {
  ir::DecisionTable table = frontend_to_backend();
  const ir::TableEntry first{.bit = 2, .action = ir::Action::Allow, .rule = 1, .level = 0};
  const ir::TableEntry second{.bit = 1, .action = ir::Action::Allow, .auth = ir::AuthMode::Required, .rule = 0, .level = 1};
  table.ingress.classes = {{ir::Protocol::Tcp, 0, 65535, {first, second}}};
  const Emitted emitted = emit(table);
  CAPTURE(emitted.c);
  CHECK(emitted.c.find("return NP_ALLOW(1);") != std::string::npos);
  CHECK(emitted.c.find("return np_if_authenticated(auth, NP_ALLOW(0));") != std::string::npos);
  CHECK(compile(emitted));
}
