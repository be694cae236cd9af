#include "verify/cross_check.h"

#include <doctest/doctest.h>

#include <stdexcept>

namespace netpolc::verify {
namespace {

ir::LabelSet pod(const char* app) { return {{"k8s", "app", app}, {"k8s", "io.kubernetes.pod.namespace", "n"}}; }

}  // namespace

TEST_CASE("the solver agrees with what policy allows, and with nothing else") {
  ir::PolicySet policies;
  ir::Cluster cluster;
  const ir::Resolutions resolutions;
  ir::Policy& policy = policies.policies.emplace_back();
  policy.ns = "n";
  policy.default_deny_ingress = true;
  ir::Rule& rule = policy.rules.emplace_back();
  rule.peer_kind = ir::PeerKind::Listed;
  rule.peers = {ir::LabelPeer{{{{"k8s", "app", ir::Operator::In, {"a"}}}}, {}}};
  rule.any_l4 = false;
  ir::L7 http;
  http.parser = ir::L7Parser::Http;
  http.http = {{"/x", "", "", {}, {}}};
  rule.ports = {{{{ir::Protocol::Tcp, 80, 89, ""}}, {}, {}}, {{{ir::Protocol::Tcp, 443, 443, ""}}, http, {}}};

  AccessSets sets;
  CrossCheck check({policies, cluster, resolutions}, sets);
  const ir::Subject subject{pod("s"), "n", {}, false};
  const ir::PeerFacts friendly{.labels = pod("a"), .address = {}, .named_ports = std::nullopt}, stranger{.labels = pod("b"), .address = {}, .named_ports = std::nullopt};
  const auto proxied = sets.intern(Marks{"http", ""});
  using P = ir::Protocol;
  CHECK(check.agrees(subject, ir::Direction::Ingress, friendly, {{P::Tcp, 80, 89}, {P::Tcp, 443, 443, proxied}}));
  CHECK(check.agrees(subject, ir::Direction::Ingress, stranger, {}));
  CHECK(check.agrees(subject, ir::Direction::Egress, stranger, sets[everything]));
  CHECK(check.asked() == 3);
  const auto wrong = [&](const Access& access) { CHECK_THROWS_AS(check.agrees(subject, ir::Direction::Ingress, friendly, access), std::logic_error); };
  wrong({{P::Tcp, 80, 90}, {P::Tcp, 443, 443, proxied}});
  wrong({{P::Tcp, 81, 89}, {P::Tcp, 443, 443, proxied}});
  wrong({{P::Tcp, 80, 89}});
  wrong({{P::Tcp, 80, 89}, {P::Tcp, 443, 443}});
  wrong({{P::Tcp, 80, 89, proxied}, {P::Tcp, 443, 443, proxied}});
  wrong({{P::Tcp, 80, 89}, {P::Tcp, 443, 443, proxied}, {P::Udp, 80, 80}});
  try {
    check.agrees(subject, ir::Direction::Ingress, stranger, {{P::Tcp, 80, 80}});
    FAIL("nothing is allowed");
  } catch (const std::logic_error& disagreement) {
    CHECK(std::string(disagreement.what()) == "the set engine and the solver disagree: ingress of k8s:app=s k8s:io.kubernetes.pod.namespace=n from "
                                              "k8s:app=b k8s:io.kubernetes.pod.namespace=n, TCP/80 is allowed to the set engine and denied to the solver");
  }
}

TEST_CASE("a starved solver agrees to nothing") {
  ir::PolicySet policies;
  ir::Cluster cluster;
  const ir::Resolutions resolutions;
  ir::Policy& policy = policies.policies.emplace_back();
  policy.ns = "n";
  policy.default_deny_ingress = true;
  for (std::uint16_t port = 100; port < 400; ++port) {
    ir::Rule& rule = policy.rules.emplace_back();
    rule.peer_kind = ir::PeerKind::Unspecified;
    rule.any_l4 = false;
    rule.ports = {{{{ir::Protocol::Tcp, port, port, ""}}, {}, {}}};
  }
  AccessSets sets;
  CrossCheck check({policies, cluster, resolutions}, sets, {10, 60'000});
  CHECK_FALSE(check.agrees({pod("s"), "n", {}, false}, ir::Direction::Ingress, {.labels = pod("a"), .address = {}, .named_ports = std::nullopt}, {{ir::Protocol::Tcp, 100, 399}}));
}

}  // namespace netpolc::verify
