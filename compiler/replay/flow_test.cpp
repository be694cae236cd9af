#include "compiler/replay/flow.h"

#include <doctest/doctest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "compiler/replay/recording.h"

using namespace netpolc;
using namespace netpolc::compiler::replay;

namespace {

// A flow that was forwarded, with more fields or others in their place: of two keys the later counts.
std::string flow(const std::string& more) {
  return R"({"flow":{"verdict":"FORWARDED","IP":{"source":"10.0.0.1","destination":"10.0.0.2"},"l4":{"TCP":{"source_port":4000,"destination_port":80}},)"
         R"("source":{"identity":300,"namespace":"a","labels":["k8s:app=x","k8s:io.kubernetes.pod.namespace=a"],"pod_name":"x-1","workloads":[{"name":"x","kind":"Deployment"}]},)"
         R"("destination":{"identity":301,"namespace":"a","labels":["k8s:app=y"]},"is_reply":false,"traffic_direction":"INGRESS")" +
         (more.empty() ? "" : "," + more) + "}}";
}
Flow taken(const std::string& text) {
  const auto line = parse_line(text);
  REQUIRE(line);
  REQUIRE(std::holds_alternative<Flow>(*line));
  return std::get<Flow>(*line);
}
Skip skipped(const std::string& more) {
  const auto line = parse_line(flow(more));
  REQUIRE(line);
  REQUIRE(std::holds_alternative<Skip>(*line));
  return std::get<Skip>(*line);
}
BadLine bad(const std::string& text) {
  const auto line = parse_line(text);
  REQUIRE(!line);
  return line.error();
}

}  // namespace

TEST_CASE("a flow: who, what, and what was decided") {
  const Flow one = taken(flow(R"("node_name":"prod/node-7","destination_names":["B.example.","a.example"])"));
  CHECK(one.direction == ir::Direction::Ingress);
  CHECK(!one.dropped);
  CHECK(one.flow == ir::Flow{ir::Protocol::Tcp, 80});
  CHECK(one.source.ns == "a");
  CHECK(one.source.workload == "x");
  CHECK(one.source.pod == "x-1");
  CHECK(one.source.labels == ir::LabelSet{{"k8s", "app", "x"}, {"k8s", "io.kubernetes.pod.namespace", "a"}});
  CHECK(one.source.address->to_string() == "10.0.0.1");
  CHECK(one.names == std::vector<std::string>{"a.example", "b.example"});
  CHECK(one.node == "node-7");
}

TEST_CASE("a flow without its envelope, and enumerations as numbers") {
  const Flow one = taken(R"({"verdict":2,"drop_reason":133,"traffic_direction":2,"l4":{"UDP":{"destination_port":53}},"source":{"labels":["reserved:host"]},"destination":{}})");
  CHECK(one.dropped);
  CHECK(one.direction == ir::Direction::Egress);
  CHECK(one.flow == ir::Flow{ir::Protocol::Udp, 53});
}

TEST_CASE("what Protocol Buffers leave out is zero") {
  CHECK(taken(flow(R"("l4":{"ICMPv4":{}})")).flow == ir::Flow{ir::Protocol::Icmp, 0});
  CHECK(taken(flow(R"("l4":{"ICMPv6":{"type":128}})")).flow == ir::Flow{ir::Protocol::Icmpv6, 128});
}

TEST_CASE("audited and redirected flows were forwarded") {
  CHECK(taken(flow(R"("verdict":"AUDIT")")).audited);
  CHECK(!taken(flow(R"("verdict":"AUDIT")")).dropped);
  CHECK(!taken(flow(R"("verdict":"REDIRECTED")")).dropped);
}

TEST_CASE("what says nothing of policy is skipped, each for its reason") {
  CHECK(skipped(R"("is_reply":true)") == Skip::Reply);
  CHECK(skipped(R"("is_reply":{"value":true})") == Skip::Reply);
  CHECK(skipped(R"("is_reply":null,"reply":true)") == Skip::Reply);
  CHECK(skipped(R"("trace_reason":"RELATED")") == Skip::Reply);
  CHECK(skipped(R"("is_reply":null)") == Skip::PerhapsReply);
  CHECK(skipped(R"("trace_observation_point":"FROM_ENDPOINT")") == Skip::BeforePolicy);
  CHECK(skipped(R"("verdict":"TRANSLATED")") == Skip::NoVerdict);
  CHECK(skipped(R"("verdict":"DROPPED","drop_reason_desc":"STALE_OR_UNROUTABLE_IP")") == Skip::OtherDrop);
  CHECK(skipped(R"("verdict":"DROPPED")") == Skip::OtherDrop);
  CHECK(skipped(R"("traffic_direction":"TRAFFIC_DIRECTION_UNKNOWN")") == Skip::NoDirection);
  CHECK(skipped(R"("l4":null)") == Skip::OtherProtocol);
  CHECK(skipped(R"("l7":{"type":"REQUEST","kafka":{}})") == Skip::OtherRequest);
  CHECK(std::get<Skip>(*parse_line(R"({"agent_event":{}})")) == Skip::OtherEvent);
  CHECK(std::get<Lost>(*parse_line(R"({"lost_events":{"num_events_lost":"12"}})")).events == 12);
}

TEST_CASE("who begins a connection is no reply, though nobody says so") {
  CHECK(taken(flow(R"("is_reply":null,"l4":{"TCP":{"destination_port":80,"flags":{"SYN":true}}})")).flow.number == 80);
  CHECK(skipped(R"("is_reply":null,"l4":{"TCP":{"destination_port":80,"flags":{"SYN":true,"ACK":true}}})") == Skip::Reply);
  CHECK(taken(flow(R"("is_reply":null,"verdict":"DROPPED","drop_reason_desc":"POLICY_DENY")")).dropped);
  CHECK(taken(flow(R"("is_reply":null,"event_type":{"type":5})")).flow.number == 80);
}

TEST_CASE("requests") {
  const auto http = [](const std::string& url) {
    const Flow one = taken(flow(R"("l7":{"type":"REQUEST","http":{"method":"GET","url":")" + url + R"(","headers":[{"key":"X-A","value":"1"},{"key":"x-a","value":"2"}]}})"));
    return std::get<ir::HttpRequest>(*one.request);
  };
  CHECK(http("http://web.shop:8080/a?b=1").path == "/a?b=1");
  CHECK(http("http://web.shop:8080/a?b=1").host == "web.shop:8080");
  CHECK(http("http://web").path == "/");
  CHECK(http("/plain").path == "/plain");
  CHECK(!http("/plain").host);
  CHECK(http("/").headers == std::vector<std::pair<std::string, std::string>>{{"x-a", "1,2"}});
  const Flow dns = taken(flow(R"("l7":{"type":"REQUEST","dns":{"query":"API.example.com."}})"));
  CHECK(std::get<ir::DnsQuery>(*dns.request).name == "api.example.com");
  CHECK(skipped(R"("l7":{"type":"RESPONSE","dns":{"query":"a."}})") == Skip::Reply);
  CHECK(taken(flow(R"("verdict":"DROPPED","l7":{"type":"REQUEST","dns":{"query":"a."}})")).dropped);
}

TEST_CASE("a malformed line says where, and what") {
  CHECK(bad(R"({"flow":)").message.find("no JSON") == 0);
  CHECK(bad(R"({"flow":{"verdict":"FOR)").column == 23);
  CHECK(bad("[]").message.find("expected an object") == 0);
  CHECK(bad(R"({"kind":"Pod"})").message.find("no flow") != std::string::npos);
  CHECK(bad(R"({"flow":7})").message == "`flow` is no object");
  const BadLine port = bad(flow(R"("l4":{"TCP":{"destination_port":70000}})"));
  CHECK(port.message == "`destination_port` is larger than 65535");
  CHECK(bad(flow(R"("verdict":true)")).message == "`verdict` is neither a name nor a number");
  CHECK(bad(flow(R"("IP":{"source":"10.0.0.300"})")).message == "`10.0.0.300` is no IP address");
  CHECK(bad(flow(R"("source":{"labels":"x"})")).message == "`labels` is no list");
  CHECK(bad(flow(R"("node_name":"a\u001b[2J")")).message == "`node_name` has a control character");
  CHECK(bad(R"({"flow":{"verdict":1e999}})").message.find("no JSON") == 0);
}

// Whatever stands there: a line is taken, skipped for a reason, or refused with a place in it.
TEST_CASE("no line is lost, and none is too broken to be refused") {
  std::vector<std::string> lines;
  for (const char* path : {"/replay/shop/flows.jsonl", "/replay/sysdump/hubble-flows-cilium-x2x4q-20260504-100000.json"}) {
    std::ifstream in(std::string(NETPOLC_TESTDATA) + path);
    for (std::string text; std::getline(in, text);) lines.push_back(text);
  }
  REQUIRE(lines.size() > 30);
  std::string text;
  std::uint64_t lost = 0, all = 0;
  const auto add = [&](const std::string& one) {
    if (one.find('\n') != std::string::npos || one.find_first_not_of(" \t\r") == std::string::npos) return;
    const auto line = parse_line(one);
    if (!line) CHECK((line.error().column >= 1 && line.error().column <= one.size() && !line.error().message.empty()));
    else lost += std::holds_alternative<Lost>(*line) ? 1 : 0;
    text += one + "\n";
    ++all;
  };
  for (std::size_t i = 0; i < lines[0].size(); ++i) add(lines[0].substr(0, i));
  std::mt19937 random(11);
  for (int i = 0; i < 4000; ++i) {
    std::string one = lines[random() % lines.size()];
    for (std::size_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % one.size(), other = random() % one.size();
      switch (random() % 4) {
        case 0: one[at] = static_cast<char>(random() % 256); break;
        case 1: one.erase(at, 1 + random() % 40); break;
        case 2: one.insert(at, one.substr(other, random() % 60)); break;
        default: one[at] = "\"{}[]:,0"[random() % 8]; break;
      }
      if (one.empty()) one = "{";
    }
    add(one);
  }
  Known known;
  Recording recording(known);
  std::istringstream in(text);
  recording.read(in, "all");
  std::uint64_t told = recording.flows() + recording.bad() + lost;
  for (std::size_t i = 0; i < kSkips; ++i) told += recording.skipped(static_cast<Skip>(i));
  CHECK(recording.lines() == all);
  CHECK(told == all);
  CHECK(recording.bad() > 1000);
  CHECK(recording.flows() > 100);
}
