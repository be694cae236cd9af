#include "compiler/replay/outcome.h"

#include <doctest/doctest.h>

#include "compiler/replay/replay_for_tests.h"

using namespace netpolc;
using namespace netpolc::compiler;
using namespace netpolc::compiler::replay;
using namespace netpolc::compiler::replay::for_tests;

TEST_CASE("each flow is held against the side that it tells of") {
  const std::string left = line(end("web"), end("db"), "EGRESS", "FORWARDED", "80"), arrived = line(end("web"), end("db"), "INGRESS", "FORWARDED", "80"),
                    refused = line(end("web"), end("db"), "INGRESS", "DROPPED", "80");
  // It arrived, and would not.
  const Replayed both(left + arrived, kDbForWeb);
  CHECK(both.flows(Change::Dropped) == 1);
  CHECK(both.outcomes.unchanged_flows == 1);
  // It left, and was dropped where it would be dropped.
  CHECK(Replayed(left + refused, kDbForWeb).outcomes.all.empty());
  // Of the other side nothing is recorded.
  const Replayed alone(left, kDbForWeb);
  REQUIRE(alone.flows(Change::Dropped) == 1);
  CHECK(alone.outcomes.all.front().unrecorded);
  // What arrived had left: it wouldn't.
  const Replayed egress(arrived, policy("web", "  egress: [{toEndpoints: [{matchLabels: {app: nobody}}]}]"));
  CHECK(egress.flows(Change::Dropped) == 1);
}

TEST_CASE("what was dropped is opened only if both sides let it pass") {
  const std::string stopped = line(end("web"), end("db"), "EGRESS", "DROPPED", "80");
  CHECK(Replayed(stopped, "").flows(Change::Opened) == 1);
  CHECK(Replayed(stopped, kDbForWeb).outcomes.all.empty());
}

TEST_CASE("an audited flow counts as forwarded") {
  const Replayed one(line(end("web"), end("db"), "INGRESS", "AUDIT", "80"), kDbForWeb);
  REQUIRE(one.flows(Change::Dropped) == 1);
  CHECK(one.outcomes.all.front().audited == 1);
}

TEST_CASE("a pod in no manifest is an endpoint with the labels of the flow") {
  const std::string db = policy("db", "  ingress: [{fromEndpoints: [{matchLabels: {app: probe}}], toPorts: [{ports: [{port: '80'}]}]}]");
  CHECK(Replayed(line(end("probe"), end("db"), "INGRESS", "FORWARDED", "80"), db).outcomes.all.empty());
  CHECK(Replayed(line(end("other"), end("db"), "INGRESS", "FORWARDED", "80"), db).flows(Change::Dropped) == 1);
  // As a subject, too.
  CHECK(Replayed(line(end("web"), end("probe"), "INGRESS", "FORWARDED", "80"), policy("probe", "  ingress: [{}]")).flows(Change::Dropped) == 1);
}

TEST_CASE("the names of the ports of such a pod are not known") {
  const std::string named = policy("probe", "  ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: http}]}]}]");
  CHECK(Replayed(line(end("web"), end("probe"), "INGRESS", "FORWARDED", "80"), named).flows(Change::Undecided) == 1);
}

TEST_CASE("names that the flow has are what its address is called") {
  const std::string web = policy("web", "  egress: [{toFQDNs: [{matchName: good.example}], toPorts: [{ports: [{port: '443'}]}]}]");
  const auto to = [](const char* names) { return line(end("web"), kWorld, "EGRESS", "FORWARDED", "443", std::string("\"destination_names\":[") + names + "]"); };
  CHECK(Replayed(to("\"good.example\""), web).outcomes.all.empty());
  CHECK(Replayed(to("\"bad.example\""), web).flows(Change::Dropped) == 1);
  CHECK(Replayed(to(""), web).flows(Change::Dropped) == 1);
}

TEST_CASE("addresses that no policy tells apart are one end, others are not") {
  const auto from = [](const std::string& address) {
    std::string text = line(kWorld, end("db"), "INGRESS", "FORWARDED", "5432");
    return text.replace(text.find("192.0.2.1"), 9, address);
  };
  const std::string db = policy("db", "  ingress: [{fromCIDR: [192.0.2.0/25]}]");
  const Replayed some(from("192.0.2.1") + from("192.0.2.200") + from("192.0.2.100") + from("198.51.100.1"), db);
  CHECK(some.outcomes.connections == 2);
  CHECK(some.flows(Change::Dropped) == 2);
}

TEST_CASE("requests at a proxy") {
  const std::string http = policy("db", "  ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{method: GET, path: '/ok'}]}}]}]");
  const auto get = [](const char* path) { return line(end("web"), end("db"), "INGRESS", "FORWARDED", "80", std::string(R"("l7":{"type":"REQUEST","http":{"method":"GET","url":"http://db)") + path + "\"}}"); };
  const std::string packet = line(end("web"), end("db"), "INGRESS", "FORWARDED", "80"), left = line(end("web"), end("db"), "EGRESS", "FORWARDED", "80");
  CHECK(Replayed(packet, http).flows(Change::Undecided) == 1);  // nobody knows what was asked
  CHECK(Replayed(left + packet, http).flows(Change::Undecided) == 1);
  CHECK(Replayed(left, http).flows(Change::Undecided) == 1);
  CHECK(Replayed(packet + get("/ok"), http).outcomes.all.empty());
  const Replayed refused(packet + get("/ok") + get("/no"), http);
  REQUIRE(refused.flows(Change::Dropped) == 1);
  CHECK(refused.outcomes.all.front().by_request);
  // Packets that are dropped take their requests with them.
  const std::string none = policy("db", "  ingress: [{}]") + policy("web", "  egress: [{toEndpoints: [{matchLabels: {app: db}}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: '/ok'}]}}]}]");
  const Replayed all(packet + get("/ok") + get("/no"), none);
  REQUIRE(all.outcomes.count(Change::Dropped) >= 1);
  const auto& first = all.outcomes.all.front();
  CHECK(!first.by_request);
  CHECK(first.flows == 3);
  CHECK(first.requests == 2);
  // Lists that have everything ask for nothing.
  CHECK(Replayed(packet, policy("db", "  ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{}]}}]}]")).outcomes.all.empty());
}

TEST_CASE("against another set of policies: what was recorded does not count, and is compared") {
  const std::string flows = line(end("web"), end("db"), "INGRESS", "DROPPED", "80") + line(end("web"), end("db"), "EGRESS", "FORWARDED", "5432");
  const Replayed closing(flows, kDbForWeb, "# nothing\n");
  CHECK(closing.flows(Change::Dropped) == 1);  // port 80, which the other set lets pass
  CHECK(closing.outcomes.contradicting == 1);
  const Replayed opening(flows, "", kDbForWeb);
  CHECK(opening.flows(Change::Opened) == 1);
  CHECK(opening.outcomes.contradicting == 0);
}

TEST_CASE("ends that are not known are counted by reason, and what is more than is kept") {
  const std::string nobody = R"({"identity":0})", numbered = R"({"identity":4711})", unplaced = R"({"flow":{"verdict":"FORWARDED","l4":{"TCP":{"destination_port":1}},"is_reply":false,"traffic_direction":"EGRESS","source":)" + end("web") + R"(,"destination":)" + kWorld + "}}\n";
  const Replayed one(line(end("web"), nobody, "EGRESS", "FORWARDED", "1") + line(end("web"), numbered, "EGRESS", "FORWARDED", "1") + unplaced + line(kWorld, kWorld, "INGRESS", "FORWARDED", "1"), kDbForWeb);
  CHECK(one.recording->skipped(Skip::NoIdentity) == 1);
  CHECK(one.recording->skipped(Skip::NoLabels) == 1);
  CHECK(one.recording->skipped(Skip::NoAddress) == 1);
  CHECK(one.recording->skipped(Skip::NobodysPolicy) == 1);
  CHECK(one.outcomes.connections == 0);
  const std::string two = line(end("web"), end("db"), "INGRESS", "FORWARDED", "1") + line(end("web"), end("db"), "INGRESS", "FORWARDED", "2");
  CHECK(Replayed(two + two, kDbForWeb, "", {.connections = 1}).recording->skipped(Skip::TooMany) == 4);
}

TEST_CASE("malformed lines are named with their places, and the others are read") {
  Known known;
  Recording recording(known);
  std::istringstream in("\n" + line(end("web"), end("db"), "INGRESS", "FORWARDED", "1") + "{\"flow\":\n" + line(end("web"), end("db"), "INGRESS", "FORWARDED", "1") + "{\"x\":1}");
  const auto errors = recording.read(in, "f.jsonl");
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].message.find("f.jsonl:3:8: no JSON") == 0);
  CHECK(errors[1].message.find("f.jsonl:5:1: ") == 0);
  CHECK(recording.flows() == 2);
  CHECK(recording.bad() == 2);
  Recording narrow(known, {.line = 10});
  std::istringstream longer(std::string(50, 'x'));
  CHECK(narrow.read(longer, "f").front().message == "f:1:1: the line is longer than 10 bytes");
}
