#include "runtime-loader/address_lines.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;

TEST_CASE("a line says whose an address is") {
  const auto all = parse_address_lines(R"({"address":"10.0.0.1","endpoint":"a/web"}

{"address":"10.0.0.2","labels":"k8s:app=web,k8s:io.kubernetes.pod.namespace=a","namedPorts":["http=80/TCP"]}
{"address":"10.0.0.3","labels":["k8s:app=web"]}
{"address":"192.0.2.0/24","cidrGroups":["partners","cidrgroup:team=x"]}
{"address":"2001:db8::1","fqdn":"Api.Example.com."}
{"address":"10.0.0.4","identity":6}
{"address":"10.0.0.5","external":true}
{"address":"10.0.0.6","remove":true}
{"address":"10.0.0.7","fqdn":["a.com","b.com"],"remove":true})",
                                       "lines", true);
  REQUIRE_MESSAGE(all, all.error().message);
  REQUIRE(all->size() == 9);
  CHECK((*all)[0].add->endpoint == "a/web");
  CHECK((*all)[1].add->key->labels.size() == 2);
  CHECK((*all)[1].add->key->ports[0].port == 80);
  CHECK((*all)[3].add->external->groups[0].to_string() == "cidrgroup:io.cilium.policy.cidrgroupname/partners");
  CHECK((*all)[3].add->external->groups[1].to_string() == "cidrgroup:team=x");
  CHECK((*all)[4].add->external->names == std::set<std::string>{"api.example.com"});
  CHECK((*all)[5].add->identity == 6u);
  CHECK((*all)[6].add->external->outside);
  CHECK_FALSE((*all)[7].add);
  CHECK((*all)[8].names.size() == 2);
}

TEST_CASE("a line that says nothing, too much or nonsense is named") {
  const auto says = [](const std::string& line, const char* text, bool add = true) {
    const auto read = parse_address_lines("{\"address\":\"10.0.0.1\",\"identity\":6}\n" + line, "lines", add);
    REQUIRE_FALSE(read);
    CAPTURE(read.error().message);
    CHECK(read.error().kind == FailureKind::Input);
    CHECK(read.error().message.find(text) != std::string::npos);
  };
  says("{", "lines:2: no JSON");
  says("[]", "lines:2: expected an object");
  says("{}", "lines:2: lacks `address`");
  says(R"({"address":"10.0.0.1"})", "whose address is it?");
  says(R"({"address":"10.0.0","external":true})", "`10.0.0` is no address");
  says(R"({"address":"10.0.0.1","endpoint":"a/b","identity":3})", "one owner");
  says(R"({"address":"10.0.0.1","namedPorts":["http=80/TCP"],"identity":3})", "give --labels too");
  says(R"({"address":"10.0.0.1","cidrGroups":"k8s:a=b"})", "is no label of a CiliumCIDRGroup");
  says(R"({"address":"10.0.0.1","fqdn":"*.example.com"})", "is no name");
  says(R"({"address":"10.0.0.1","ip":1})", "`ip`: is no field");
  CHECK_FALSE(parse_address_lines("\n", "lines", true));
  const auto rest = parse_address_lines(R"({"address":"10.0.0.1","identity":3})", "lines", false);
  REQUIRE_FALSE(rest);
  CHECK(rest.error().message.find("what is removed is an address") != std::string::npos);
}
