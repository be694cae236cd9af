#include <doctest/doctest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "runtime-loader/monitor.h"
#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;

namespace {

Loaded loaded() {
  TestBundle made;
  made.write();
  Loaded out;
  out.bundle = *read_bundle(made.directory.path());
  Attachment it;
  it.endpoint = "a/web-1";
  it.ifname = "lxc1";
  it.ifindex = 5;
  out.state.attachments = {it};
  return out;
}

np_event denied() {
  np_event event{};
  event.time = 1'500'000'000;
  event.program = 0xaa;
  event.ifindex = 5;
  event.rule = 0;
  event.identity = 300;
  event.length = 54;
  const auto source = *Address::parse("10.0.0.3"), destination = *Address::parse("10.0.0.1");
  std::memcpy(event.source, source.bytes.data(), 16);
  std::memcpy(event.destination, destination.bytes.data(), 16);
  event.source_port = 40000;
  event.destination_port = 80;
  event.protocol = 6;
  event.direction = NP_INGRESS;
  event.family = 4;
  event.reason = NP_REASON_DENY;
  return event;
}

}  // namespace

TEST_CASE("an event is told with names, rule and place") {
  CHECK(event_text(denied(), loaded(), 0) ==
        "1970-01-01T00:00:01.500Z drop (Policy denied by denylist) ingress a/web-1: 10.0.0.3:40000 -> 10.0.0.1:80 TCP, "
        "from identity 300 (k8s:app=db), "
        "rule 0 `allow from db to TCP 80` at web.yaml:12:5 (CiliumNetworkPolicy a/web, ingress[0])");
  const auto json = nlohmann::json::parse(event_json(denied(), loaded(), 0));
  CHECK(json["reason"] == 181);
  CHECK(json["endpoint"] == "a/web-1");
  CHECK(json["rule"]["origins"][0]["line"] == 12);
  CHECK(json["remote"]["labels"][0] == "k8s:app=db");
}

TEST_CASE("what isn't known is left out, not made up") {
  auto event = denied();
  event.rule = NP_NO_RULE;
  event.reason = NP_REASON_DEFAULT_DENY;
  event.identity = 99;
  CHECK(event_text(event, loaded(), 0).ends_with("TCP, from identity 99, no rule allows it"));
  event = denied();
  event.program = 1234;  // of a bundle that is no longer loaded
  event.ifindex = 77;
  const auto json = nlohmann::json::parse(event_json(event, loaded(), 0));
  CHECK(json["endpoint"].is_null());
  CHECK(json["program"].is_null());
  CHECK(json["rule"]["text"].is_null());
  event = denied();
  event.rule = 1000000;
  CHECK(event_text(event, loaded(), 0).find("rule 1000000") != std::string::npos);
  event = denied();
  event.family = 0;
  event.identity = 0;
  event.rule = NP_NO_RULE;
  event.reason = NP_REASON_UNSUPPORTED_L3;
  CHECK(event_text(event, loaded(), 0).ends_with("a/web-1: a packet of 54 bytes that is neither IPv4 nor IPv6"));
}
