#include "runtime-loader/connectivity/decision_table.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;
using namespace netpolc::loader::connectivity;

namespace {

constexpr const char* kText =
    "ingress: default deny, the own node is let in\n"
    "  bit 0  everyone\n"
    "  bit 1  any:app in (client)  [2]\n"
    "  rule 0  allow from any:app in (client) on 8080/TCP\n"
    "  other *: nothing\n"
    "  TCP 0-8079: deny bit 70 (rule 2)\n"
    "  TCP 8080: deny bit 70 (rule 2), allow via http bit 2 (rule 3), allow bit 1 (rule 0)\n"
    "  TCP 8081-65535: allow bit 1 auth required (rule 4), allow bit 2 auth disabled (rule 5)\n"
    "  UDP *: allow bit 0 (rule 1)\n"
    "  ICMP *: nothing\n"
    "  ICMPv6 *: nothing\n"
    "egress: not enforced\n";

}  // namespace

TEST_CASE("a decision table is read back and decides") {
  const auto table = parse_table(kText, "t.ir");
  REQUIRE(table.has_value());
  const auto ask = [&](std::vector<std::uint64_t> bits, std::uint8_t protocol, std::uint16_t number, bool host = false) {
    return table->ingress.decide(bits, host, protocol, number);
  };
  CHECK(ask({3}, 6, 8080) == Decision{true, NP_REASON_FORWARDED, 0});
  CHECK(ask({3, 1u << 6}, 6, 8080) == Decision{false, NP_REASON_DENY, 2});
  CHECK(ask({5}, 6, 8080) == Decision{false, NP_REASON_L7_NOT_ENFORCED, 3});
  CHECK(ask({1}, 6, 8080) == Decision{false, NP_REASON_DEFAULT_DENY, NP_NO_RULE});
  CHECK(ask({3}, 6, 8079).reason == NP_REASON_DEFAULT_DENY);
  CHECK(ask({3}, 6, 8081) == Decision{false, NP_REASON_AUTH_REQUIRED, 4});
  CHECK(ask({5}, 6, 65535) == Decision{true, NP_REASON_FORWARDED, 5});
  CHECK(ask({}, 17, 1) == Decision{true, NP_REASON_FORWARDED, 1});
  // the own node is let in by no rule, but deny rules go first
  CHECK(ask({1}, 6, 8080, true) == Decision{});
  CHECK(ask({1, 1u << 6}, 6, 8080, true).reason == NP_REASON_DENY);
  CHECK_FALSE(ask({3}, 132, 8080).allowed);
  CHECK(table->egress.decide({1}, false, 6, 1) == Decision{});
}

TEST_CASE("what is no decision table is refused with its line") {
  for (const char* text : {"  TCP *: nothing\n", "ingress: perhaps\n", "ingress: default deny\n  TCP 1-: nothing\n", "ingress: default deny\n  TCP 1: allow bit x (rule 0)\n",
                           "ingress: default deny\n  TCP 1:\n nothing\n", "ingress: default deny\n  TCP 1: allow bit 1 (rule 0) and\n", "egress: default deny\n\n"}) {
    const auto table = parse_table(text, "t.ir");
    REQUIRE_FALSE(table.has_value());
    CHECK(table.error().kind == FailureKind::Input);
    CHECK(table.error().message.starts_with("t.ir:"));
  }
}
