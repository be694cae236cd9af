#include "codegen-bpf/xdp/outside.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace netpolc;
using namespace netpolc::codegen_bpf;

namespace {

IpAddress at(const char* text) { return *IpAddress::parse(text); }

}  // namespace

TEST_CASE("what is denied from outside, as JSON: numbers in a row as first and last") {
  const ir::DeniedOutside denied = {{{2, 9, 10, 16777217, 16777218}, {{ir::Protocol::Tcp, 0, 79, false}, {ir::Protocol::Icmpv6, 128, 128, true}}, true}};
  CHECK(to_json(denied).dump() ==
        R"([{"identities":[[2,2],[9,10],[16777217,16777218]],"denied":[["TCP",0,79,"default"],["ICMPv6",128,128,"rule"]],"egressDenied":true}])");
}

TEST_CASE("who stands behind services and is outside: neither pods nor nodes") {
  ir::Cluster cluster;
  ir::Service service;
  service.endpoints = {at("10.0.0.1"), at("192.168.0.1"), at("203.0.113.9")};
  cluster.services = {service};
  cluster.kube_apiservers = {at("198.51.100.1")};
  ir::Endpoint endpoint;
  endpoint.pods = {{"pod", "node", {at("10.0.0.1")}}};
  cluster.endpoints = {endpoint};
  ir::Node node;
  node.addresses = {at("192.168.0.1")};
  cluster.nodes = {node};
  const ir::PolicySet policies;
  const auto identities = ir::Identities::build(policies, cluster, {});
  const Outside outside = denied_from_outside({}, cluster, identities, {});
  CHECK(outside.services);
  CHECK(outside.behind_services == std::vector<IpAddress>{at("198.51.100.1"), at("203.0.113.9")});
  CHECK_FALSE(outside.worth_it());
  CHECK(xdp_json(outside).dump() == R"({"object":"programs/np_xdp.o","services":true,"behindServices":["198.51.100.1","203.0.113.9"]})");
}

TEST_CASE("the object is there, and its source") {
  CHECK(outside_object().substr(1, 3) == "ELF");
  CHECK(outside_source().name == "np_xdp.bpf.c");
  CHECK(outside_source().text.find("np_from_outside") != std::string_view::npos);
}
