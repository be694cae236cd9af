#include "verify/bytecode/flow_spec.h"

#include <doctest/doctest.h>

#include "verify/smt/solver.h"

using namespace netpolc::verify;
using namespace netpolc::verify::bytecode;

namespace {

struct Tuples {
  z3::context context;
  Bits bits{context};
  z3::expr seed = context.bv_const("seed", 64);

  Tuples() { bits.abstract_products(); }
  z3::expr symbol(const std::string& name, unsigned width) { return context.bv_const(name.c_str(), width); }
  FlowPacket packet(const std::string& name) {
    const auto half = [&](const char* part) { return symbol(name + part, 64); };
    return {{half(".source"), half(".source'")}, {half(".destination"), half(".destination'")}, symbol(name + ".from", 16), symbol(name + ".to", 16), symbol(name + ".protocol", 8), symbol(name + ".family", 8), symbol(name + ".query", 8)};
  }
  // As the parser leaves it: an address of IPv4 has four bytes.
  z3::expr parsed(const FlowPacket& packet) {
    z3::expr short_ones = z3::ult(packet.query, 3);
    for (const auto& side : {packet.source, packet.destination})
      short_ones = short_ones && z3::implies(packet.family == 4, side[1] == 0 && side[0].extract(63, 32) == 0);
    return short_ones && (packet.family == 4 || packet.family == 6);
  }
  // Is what is said true of whatever has these premises?
  bool always(const z3::expr& said, const std::vector<z3::expr>& premises, bool of_hashes = false) {
    smt::Solver solver(context, {});
    for (const z3::expr& premise : premises) solver.add(premise);
    if (of_hashes)
      for (const z3::expr& fact : bits.facts()) solver.add(fact);
    REQUIRE(std::holds_alternative<smt::Possible>(solver.ask("premises")));
    solver.add(!said);
    return std::holds_alternative<smt::Impossible>(solver.ask("is it so"));
  }
};

}  // namespace

// The answer has the ends the other way round. Of a query, which of the two ports is the identifier and which the type stays
// with the roles: a request has (identifier, type), its answer (type, identifier), as np_packet says.
TEST_CASE("a reply that goes the other way has the key of what it replies to") {
  for (const bool egress : {true, false}) {
    Tuples t;
    const FlowPacket one = t.packet("one");
    FlowPacket reply{one.destination, one.source, one.destination_port, one.source_port, one.protocol, one.family, t.symbol("query of the reply", 8)};
    const z3::expr site = t.symbol("site", 32);
    const FlowKey sent = flow_key(t.bits, one, site, t.context.bool_val(egress), t.seed), back = flow_key(t.bits, reply, site, t.context.bool_val(!egress), t.seed);
    const z3::expr answers = (one.query == 0 && reply.query == 0) || (one.query == kRequest && reply.query == kAnswer);
    CHECK(t.always(same_flow(sent, back) && sent.hash == back.hash, {t.parsed(one), t.parsed(reply), answers}, true));
    // a request is no reply, whoever asks
    CHECK(t.always(!same_flow(sent, back), {t.parsed(one), t.parsed(reply), one.query == kRequest, reply.query == kRequest, z3::ult(site, 0x8000'0000u)}));
  }
}

TEST_CASE("other flows have other keys") {
  Tuples t;
  const FlowPacket one = t.packet("one"), other = t.packet("other");
  const z3::expr site = t.symbol("site", 32), other_site = t.symbol("other site", 32);
  const z3::expr sent = t.context.bool_const("one is sent"), other_sent = t.context.bool_const("the other is sent");
  const FlowKey a = flow_key(t.bits, one, site, sent, t.seed), b = flow_key(t.bits, other, other_site, other_sent, t.seed);
  const auto end = [&](const FlowPacket& packet, const z3::expr& ours, bool port, unsigned word) {
    return port ? z3::ite(ours, packet.source_port, packet.destination_port) : z3::ite(ours, packet.source[word], packet.destination[word]);
  };
  z3::expr same = one.protocol == other.protocol && one.family == other.family && site == other_site;
  for (const bool local : {true, false}) {
    const z3::expr x = local ? sent : !sent, y = local ? other_sent : !other_sent;
    same = same && end(one, x, true, 0) == end(other, y, true, 0) && end(one, x, false, 0) == end(other, y, false, 0) && end(one, x, false, 1) == end(other, y, false, 1);
  }
  const auto asks = [&](const FlowPacket& packet, const z3::expr& ours) { return packet.query == z3::ite(ours, t.context.bv_val(1, 8), t.context.bv_val(2, 8)); };
  same = same && asks(one, sent) == asks(other, other_sent);
  const std::vector<z3::expr> premises{t.parsed(one), t.parsed(other), z3::ult(site, 0x8000'0000u), z3::ult(other_site, 0x8000'0000u)};
  CHECK(t.always(same_flow(a, b) == same, premises));
  // which it would not be of sites that have the bit for who asks
  CHECK_FALSE(t.always(same_flow(a, b) == same, {premises[0], premises[1]}));
}
