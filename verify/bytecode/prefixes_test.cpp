#include "verify/bytecode/prefixes.h"

#include <doctest/doctest.h>

using namespace netpolc;
using verify::bytecode::needs_prefixes;

namespace {

ir::ConditionPtr labels(std::vector<ir::Requirement> all) { return ir::condition(ir::Selector{std::move(all)}); }

bool needs(const ir::ConditionPtr& condition, std::uint32_t bit = 1) {
  ir::DirectionTable table;
  table.enforcement = ir::Enforcement::DefaultDeny;
  table.bits = {{"everyone", {}, ir::combination(ir::Combination::Kind::All, {})}, {"somebody", {}, condition}};
  table.classes = {{ir::Protocol::Tcp, 0, 65535, {{.bit = bit}}}};
  return needs_prefixes(table);
}

}  // namespace

TEST_CASE("a direction needs prefixes where a condition may hold for one and not for the world, or the other way round") {
  using Kind = ir::Combination::Kind;
  using Op = ir::Operator;
  const auto world = labels({{"reserved", "world-ipv4", Op::Exists, {}}}), pods = labels({{"k8s", "app", Op::In, {"web"}}});
  const auto inside = ir::condition(ir::InsidePrefix{*IpPrefix::parse("10.0.0.0/8")});
  CHECK(needs(inside));
  CHECK(needs(ir::condition(ir::FqdnPeer{"example.com", ""})));
  CHECK(needs(labels({{"cidrgroup", "partners", Op::Exists, {}}})));
  CHECK(needs(labels({{"any", "app", Op::Exists, {}}})));
  CHECK(needs(labels({{"any", "app", Op::NotIn, {"web"}}})));
  CHECK(needs(ir::combination(Kind::All, {world, ir::combination(Kind::None, {inside})})));
  CHECK(needs(ir::combination(Kind::Any, {pods, inside})));
  CHECK(needs(nullptr));  // nobody knows
  CHECK_FALSE(needs(pods));
  CHECK_FALSE(needs(world));
  CHECK_FALSE(needs(labels({{"k8s", "app", Op::NotIn, {"web"}}})));  // holds for both
  CHECK_FALSE(needs(labels({{"any", "app", Op::Exists, {}}, {"k8s", "io.kubernetes.pod.namespace", Op::In, {"shop"}}})));
  CHECK_FALSE(needs(ir::combination(Kind::All, {pods, inside})));
  CHECK_FALSE(needs(ir::combination(Kind::All, {inside, ir::condition(ir::NamedPort{"http", 80, ir::Protocol::Tcp})})));
  CHECK_FALSE(needs(inside, 0));  // no entry asks
}
