#include "runtime-loader/event_output.h"

#include <doctest/doctest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "runtime-loader/test_events.h"

using namespace netpolc::loader;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::string text(const np_event& event, const Repeats& repeats = {}) {
  const Generations names = test_generations();
  return event_text(see(event, names, 0), repeats);
}
nlohmann::json json(const np_event& event) {
  const Generations names = test_generations();
  return nlohmann::json::parse(event_json(see(event, names, 0)));
}
nlohmann::json flow(const np_event& event) {
  const Generations names = test_generations();
  return nlohmann::json::parse(event_jsonpb(see(event, names, 0)))["flow"];
}

}  // namespace

TEST_CASE("an event is told as Hubble does, and then who says so and where") {
  CHECK(text(denied_event()) ==
        "Jan  1 00:00:01.500: a/db:40000 (ID:300) <> a/web-1:80 (ID:301) policy-verdict:L3-L4 INGRESS DENIED (TCP Flags: SYN)\n"
        "              denied by ingress[0] of CiliumNetworkPolicy a/web   web.yaml:12\n");
  auto event = denied_event();
  event.rule = NP_NO_RULE;
  event.reason = NP_REASON_DEFAULT_DENY;
  CHECK(text(event) ==
        "Jan  1 00:00:01.500: a/db:40000 (ID:300) <> a/web-1:80 (ID:301) policy-verdict:none INGRESS DENIED (TCP Flags: SYN)\n"
        "              default deny: not allowed by CiliumNetworkPolicy a/web   web.yaml:12\n");
  event.flags = NP_EVENT_AUDITED;
  CHECK(text(event).find("a/db:40000 (ID:300) -> a/web-1:80 (ID:301) policy-verdict:none INGRESS AUDITED (TCP Flags: SYN)\n") != std::string::npos);
  event = denied_event();
  event.reason = NP_REASON_FORWARDED;
  CHECK(text(event) ==
        "Jan  1 00:00:01.500: a/db:40000 (ID:300) -> a/web-1:80 (ID:301) policy-verdict:L3-L4 INGRESS ALLOWED (TCP Flags: SYN)\n"
        "              allowed by ingress[0] of CiliumNetworkPolicy a/web   web.yaml:12\n");
}

TEST_CASE("TCP's flags are named in Hubble's order, where they are known") {
  auto event = denied_event();
  event.tcp_flags = 0xff;
  CHECK(text(event).find("(TCP Flags: SYN, ACK, RST, FIN, PSH, URG, ECE, CWR)\n") != std::string::npos);
  CHECK(json(event)["tcpFlags"] == "SYN, ACK, RST, FIN, PSH, URG, ECE, CWR");
  CHECK(flow(event)["l4"]["TCP"]["flags"].size() == 8);
  event.tcp_flags = 0;
  CHECK(text(event).find("DENIED (TCP)\n") != std::string::npos);
  CHECK_FALSE(json(event).contains("tcpFlags"));
  CHECK_FALSE(flow(event)["l4"]["TCP"].contains("flags"));
  event.tcp_flags = 0x12;
  event.protocol = 17;  // what is no header's of TCP is nobody's
  CHECK(text(event).find("DENIED (UDP)\n") != std::string::npos);
  CHECK_FALSE(json(event).contains("tcpFlags"));
}

TEST_CASE("where no rule decided it is said why") {
  auto event = denied_event();
  event.reason = NP_REASON_FORWARDED;
  event.rule = NP_NO_RULE;
  event.identity = 1;
  set_addresses(event, "192.168.0.1", "10.0.0.1");
  CHECK(text(event) ==
        "Jan  1 00:00:01.500: 192.168.0.1:40000 (host) -> a/web-1:80 (ID:301) policy-verdict:L3-Only INGRESS ALLOWED (TCP Flags: SYN)\n"
        "              allowed: the own node may speak to its pods\n");
  event.direction = NP_EGRESS;
  event.identity = 9;
  event.protocol = 17;
  set_addresses(event, "10.0.0.1", "192.0.2.1");
  CHECK(text(event) ==
        "Jan  1 00:00:01.500: a/web-1:40000 (ID:301) -> 192.0.2.1:80 (world-ipv4) policy-verdict:all EGRESS ALLOWED (UDP)\n"
        "              allowed: no policy is for its egress\n");
}

TEST_CASE("drops that policy has no part in are drops to Hubble, too") {
  auto event = denied_event();
  event.direction = NP_EGRESS;
  event.reason = NP_REASON_INVALID_SOURCE;
  event.rule = NP_NO_RULE;
  event.identity = 0;
  set_addresses(event, "192.0.2.9", "10.0.0.3");
  CHECK(text(event) ==
        "Jan  1 00:00:01.500: a/web-1:40000 (ID:301) <> a/db:80 (unknown) Invalid source ip DROPPED (TCP Flags: SYN)\n"
        "              at the egress of a/web-1, whatever policy says: Invalid source IP\n");
  CHECK(flow(event)["event_type"] == nlohmann::json{{"type", 1}, {"sub_type", 132}});
  CHECK(flow(event)["drop_reason_desc"] == "INVALID_SOURCE_IP");
  event.family = 0;
  event.reason = NP_REASON_UNSUPPORTED_L3;
  CHECK(text(event).starts_with("Jan  1 00:00:01.500: a/web-1 (ID:301) <> unknown (unknown) Unsupported L3 protocol DROPPED (Ethernet)\n"));
  CHECK(!flow(event).contains("IP"));
}

TEST_CASE("IPv6, ICMP and protocols without ports") {
  auto event = denied_event();
  event.family = 6;
  event.identity = 10;
  set_addresses(event, "2001:db8::1", "fd00::1");
  CHECK(text(event).find("[2001:db8::1]:40000 (world-ipv6) <> a/web-1:80 (ID:301) ") != std::string::npos);
  event.protocol = 58;
  event.destination_port = 128;
  CHECK(text(event).find("2001:db8::1 (world-ipv6) <> a/web-1 (ID:301) policy-verdict:L3-Proto INGRESS DENIED (ICMPv6 EchoRequest)\n") != std::string::npos);
  CHECK(flow(event)["l4"] == nlohmann::json{{"ICMPv6", {{"type", 128}}}});
  event.protocol = 47;
  CHECK(text(event).find("INGRESS DENIED (IPv6)\n") != std::string::npos);
  CHECK(!flow(event).contains("l4"));
}

TEST_CASE("at the external device no rule is known, so that by what it matched isn't either") {
  auto event = denied_event();
  event.program = 0;
  event.flags = NP_EVENT_OUTSIDE;
  event.rule = NP_NO_RULE;
  event.identity = 9;
  set_addresses(event, "192.0.2.1", "10.0.0.1");
  CHECK(text(event) ==
        "Jan  1 00:00:01.500: 192.0.2.1:40000 (world-ipv4) <> a/web-1:80 (ID:301) Policy denied by denylist DROPPED (TCP Flags: SYN)\n"
        "              denied by a rule, at the external device\n");
  event.reason = NP_REASON_DEFAULT_DENY;
  CHECK(text(event).find("policy-verdict:none INGRESS DENIED (TCP Flags: SYN)\n              default deny: not allowed by CiliumNetworkPolicy a/web   web.yaml:12, at the external device\n") != std::string::npos);
  CHECK(json(event)["atExternalDevice"] == true);
}

TEST_CASE("repeats are told as one") {
  auto event = denied_event();
  event.time = 11 * kSecond;
  CHECK(text(event, {42, 2 * kSecond}).ends_with("web.yaml:12   ×42 in 9 s\n"));
  const Generations names = test_generations();
  const auto folded = nlohmann::json::parse(event_json(see(event, names, 0), {42, 2 * kSecond}));
  CHECK(folded["count"] == 42);
  CHECK(folded["firstTime"] == "1970-01-01T00:00:02.000Z");
  CHECK(!json(event).contains("count"));
}

TEST_CASE("JSON has the names of both ends, and the rule") {
  const auto event = json(denied_event());
  CHECK(event["time"] == "1970-01-01T00:00:01.500Z");
  CHECK(event["verdict"] == "drop");
  CHECK(event["reason"] == 181);
  CHECK(event["endpoint"] == "a/web-1");
  CHECK(event["generation"] == 1);
  CHECK(event["rule"]["origins"][0]["line"] == 12);
  CHECK(event["match"] == "L3-L4");
  CHECK(event["local"]["identity"] == 301);
  CHECK(event["local"]["pod"] == "web-1");
  CHECK(event["local"]["workload"] == "web");
  CHECK(event["remote"]["labels"][0] == "k8s:app=db");
  CHECK(event["remote"]["pod"] == "db");
  auto world = denied_event();
  world.identity = 9;
  set_addresses(world, "192.0.2.1", "10.0.0.1");
  CHECK(json(world)["remote"]["reserved"] == "world-ipv4");
  CHECK(json(world)["remote"]["pod"].is_null());
}

TEST_CASE("flows as Hubble writes them") {
  const auto denied = flow(denied_event());
  CHECK(denied["time"] == "1970-01-01T00:00:01.500000000Z");
  CHECK(denied["verdict"] == "DROPPED");
  CHECK(denied["drop_reason"] == 181);
  CHECK(denied["drop_reason_desc"] == "POLICY_DENY");
  CHECK(denied["IP"] == nlohmann::json{{"source", "10.0.0.3"}, {"destination", "10.0.0.1"}, {"ipVersion", "IPv4"}});
  CHECK(denied["l4"]["TCP"] == nlohmann::json{{"source_port", 40000}, {"destination_port", 80}, {"flags", {{"SYN", true}}}});
  CHECK(denied["source"] == nlohmann::json{{"identity", 300}, {"namespace", "a"}, {"labels", {"k8s:app=db"}}, {"pod_name", "db"}});
  CHECK(denied["destination"]["workloads"] == nlohmann::json::array({{{"name", "web"}, {"kind", "Deployment"}}}));
  CHECK(denied["event_type"]["type"] == 5);
  CHECK(denied["traffic_direction"] == "INGRESS");
  CHECK(denied["policy_match_type"] == 2);
  CHECK(denied["node_name"] == "one");
  CHECK(!denied.contains("is_reply"));  // nobody knows, of what was dropped
  CHECK(denied["Summary"] == "TCP Flags: SYN");
  CHECK(denied["ingress_denied_by"][0]["name"] == "web");
  CHECK(denied["ingress_denied_by"][0]["labels"][0] == "k8s:io.cilium.k8s.policy.derived-from=CiliumNetworkPolicy");

  auto event = denied_event();
  event.reason = NP_REASON_FORWARDED;
  CHECK(flow(event)["verdict"] == "FORWARDED");
  CHECK(flow(event)["is_reply"] == false);
  CHECK(flow(event).contains("ingress_allowed_by"));
  CHECK(!flow(event).contains("drop_reason"));
  event = denied_event();
  event.flags = NP_EVENT_AUDITED;
  CHECK(flow(event)["verdict"] == "AUDIT");
  CHECK(!flow(event).contains("drop_reason"));
  event.flags = 0;
  event.reason = NP_REASON_L7_NOT_ENFORCED;  // no reason of Cilium's
  CHECK(flow(event)["drop_reason"] == 240);
  CHECK(!flow(event).contains("drop_reason_desc"));
  CHECK(!flow(event).contains("ingress_denied_by"));
}

TEST_CASE("what isn't known is left out, not made up") {
  auto event = denied_event();
  event.program = 1234;  // of a bundle that is no longer loaded
  event.ifindex = 77;
  set_addresses(event, "10.9.9.9", "10.9.9.8");
  event.identity = 99;
  CHECK(text(event) ==
        "Jan  1 00:00:01.500: 10.9.9.9:40000 (ID:99) <> 10.9.9.8:80 (unknown) Policy denied by denylist DROPPED (TCP Flags: SYN)\n"
        "              denied by rule 0 of a program that is not loaded any more\n");
  CHECK(json(event)["endpoint"].is_null());
  CHECK(json(event)["program"].is_null());
  CHECK(json(event)["rule"]["text"].is_null());
  CHECK(json(event)["match"].is_null());
  event = denied_event();
  event.rule = 1000000;
  CHECK(text(event).find("rule 1000000") != std::string::npos);
  event = denied_event();
  event.reason = 99;
  CHECK(text(event).find(" reason 99 DROPPED (TCP Flags: SYN)") != std::string::npos);
}

TEST_CASE("an endpoint without a program says why") {
  Generations names;
  names.add(test_names([](GenerationState& state) {
    state.attachments[0].endpoint = "c/new";
    state.attachments[0].bundle_endpoint = 0;
    state.attachments[0].blocked = "the bundle has no program for it";
    state.attachments[0].labels = {"k8s:app=new"};
  }));
  auto event = denied_event();
  event.program = 4711;
  event.reason = 203;
  event.rule = NP_NO_RULE;
  const Seen seen = see(event, names, 0);
  CHECK(event_text(seen) ==
        "Jan  1 00:00:01.500: a/db:40000 (ID:300) <> c/new:80 (unknown) Endpoint policy program not available DROPPED (TCP Flags: SYN)\n"
        "              blocked: the bundle has no program for it\n");
  CHECK(nlohmann::json::parse(event_jsonpb(seen))["flow"]["destination"]["labels"][0] == "k8s:app=new");
}

TEST_CASE("lost events are a line of each form") {
  const LostEvents lost{2, 42};
  CHECK(to_lines(lost, EventForm::Text, "one", kSecond) == "EVENTS LOST: PERF_EVENT_RING_BUFFER CPU(2) 42\n");
  CHECK(to_lines(lost, EventForm::Json, "one", kSecond) == "{\"time\":\"1970-01-01T00:00:01.000Z\",\"lost\":42,\"cpu\":2}\n");
  CHECK(to_lines(lost, EventForm::Jsonpb, "one", kSecond) ==
        "{\"lost_events\":{\"source\":\"PERF_EVENT_RING_BUFFER\",\"num_events_lost\":\"42\",\"cpu\":2},\"node_name\":\"one\",\"time\":\"1970-01-01T00:00:01.000000000Z\"}\n");
}
