#include "runtime-loader/event_filter.h"

#include <doctest/doctest.h>

#include "runtime-loader/test_events.h"

using namespace netpolc::loader;

namespace {

bool passes(const FilterWords& words, const np_event& event = denied_event()) {
  const Generations names = test_generations();
  const auto filter = EventFilter::parse(words);
  REQUIRE(filter);
  return filter->passes(see(event, names, 0));
}
// a/db to a/web-1, port 80, denied by a/web
bool from(const std::string& who) { return passes({.from = {.who = {who}}}); }

std::string refused_for(const FilterWords& words) {
  const auto filter = EventFilter::parse(words);
  return filter ? "" : filter.error().message;
}

}  // namespace

TEST_CASE("who it is, by what it looks like") {
  for (const char* who : {"a/db", "a/d", "a/", "db", "k8s:app=db", "app=db", "any:app=db", "app!=web", "!role", "10.0.0.3", "10.0.0.0/24", "300"}) CHECK_MESSAGE(from(who), who);
  for (const char* who : {"a/web-1", "b/db", "b/", "b", "k8s:app=web", "role", "app!=db", "!app", "10.0.0.4", "10.1.0.0/16", "301", "host", "fd00::/8"})
    CHECK_MESSAGE(!from(who), who);
  auto event = denied_event();
  event.identity = 9;
  set_addresses(event, "192.0.2.1", "10.0.0.1");
  CHECK(passes({.from = {.who = {"world"}}}, event));
  CHECK(passes({.from = {.identities = {"world-ipv4"}}}, event));
  CHECK(!passes({.from = {.identities = {"world-ipv6"}}}, event));
  CHECK(passes({.to = {.pods = {"a/web"}}}, event));
}

TEST_CASE("sides are kept apart, and either side is either") {
  CHECK(!passes({.to = {.who = {"a/db"}}}));
  CHECK(passes({.to = {.who = {"a/web-1"}}}));
  CHECK(passes({.either = {.who = {"a/web-1"}}}));
  CHECK(passes({.either = {.who = {"a/db"}}}));
  CHECK(passes({.either = {.namespaces = {"a"}}}));
  CHECK(!passes({.either = {.namespaces = {"b"}}}));
  CHECK(passes({.from = {.pods = {"db"}, .namespaces = {"a"}, .labels = {"app=db,k8s:app"}, .ips = {"10.0.0.3/32"}, .identities = {"300"}}}));
}

TEST_CASE("one value of several is enough, but all filters must hold") {
  CHECK(passes({.from = {.who = {"b/", "a/"}}}));
  CHECK(!passes({.from = {.who = {"b/", "a/"}}, .verdicts = {"FORWARDED"}}));
  CHECK(!passes({.from = {.labels = {"app=db,app=web"}}}));
}

TEST_CASE("what it is about") {
  CHECK(passes({.verdicts = {"dropped"}}));
  CHECK(passes({.verdicts = {"DENIED"}}));
  CHECK(!passes({.verdicts = {"AUDIT", "ALLOWED"}}));
  auto audited = denied_event();
  audited.flags = NP_EVENT_AUDITED;
  CHECK(passes({.verdicts = {"AUDITED"}}, audited));
  CHECK(!passes({.verdicts = {"DROPPED"}}, audited));
  CHECK(passes({.ports = {"80"}}));
  CHECK(passes({.ports = {"40000"}}));
  CHECK(!passes({.from_ports = {"80"}}));
  CHECK(passes({.to_ports = {"443", "80"}}));
  CHECK(passes({.protocols = {"tcp"}}));
  CHECK(passes({.protocols = {"6"}}));
  CHECK(!passes({.protocols = {"icmp"}}));
  CHECK(passes({.tcp_flags = {"syn"}}));
  CHECK(!passes({.tcp_flags = {"SYN,ACK"}}));
  CHECK(passes({.tcp_flags = {"SYN,ACK", "SYN"}}));
  CHECK(passes({.directions = {"ingress"}}));
  CHECK(!passes({.directions = {"EGRESS"}}));
  CHECK(passes({.reasons = {"POLICY_DENY"}}));
  CHECK(passes({.reasons = {"181"}}));
  CHECK(passes({.reasons = {"policy denied by denylist"}}));
  CHECK(!passes({.reasons = {"POLICY_DENIED"}}));
  CHECK(passes({.policies = {"a/web"}}));
  CHECK(passes({.policies = {"web"}}));
  CHECK(!passes({.policies = {"b/web"}}));
}

TEST_CASE("the policies that don't allow it are meant, too") {
  auto event = denied_event();
  event.reason = NP_REASON_DEFAULT_DENY;
  event.rule = NP_NO_RULE;
  CHECK(passes({.policies = {"a/web"}}, event));
}

TEST_CASE("nonsense is refused by name") {
  CHECK(refused_for({.from = {.ips = {"10.0.0.300"}}}) == "--from-ip: `10.0.0.300` is neither an address nor a prefix");
  CHECK(refused_for({.to = {.labels = {"a=b,"}}}).starts_with("--to-label: `` is no label"));
  CHECK(refused_for({.either = {.identities = {"nobody"}}}).starts_with("--identity: `nobody`"));
  CHECK(refused_for({.either = {.who = {""}}}).starts_with("--endpoint: `` is no pod"));
  CHECK(refused_for({.ports = {"65536"}}) == "--port: `65536` is no port");
  CHECK(refused_for({.verdicts = {"MAYBE"}}).starts_with("--verdict: `MAYBE`"));
  CHECK(refused_for({.protocols = {"256"}}).starts_with("--protocol"));
  CHECK(refused_for({.tcp_flags = {"SYN,"}}) == "--tcp-flags: `` is no flag of TCP: expected SYN, ACK, RST, FIN, PSH, URG, ECE or CWR");
  CHECK(refused_for({.directions = {"up"}}).starts_with("--traffic-direction"));
  CHECK(refused_for({.reasons = {"BAD_LUCK"}}).starts_with("--drop-reason-desc"));
}
