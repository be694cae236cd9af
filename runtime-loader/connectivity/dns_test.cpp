#include "runtime-loader/connectivity/dns.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;
using namespace netpolc::loader::connectivity;

TEST_CASE("a name is asked for and answered") {
  const DnsTable table{{"api.example.com", {*Address::parse("203.0.113.7"), *Address::parse("2001:db8::7"), *Address::parse("203.0.113.8")}}};
  for (const bool v6 : {false, true}) {
    const DnsBytes query = dns_query(7, "API.example.com", v6);
    const auto answer = dns_answer(query, table);
    REQUIRE(answer.has_value());
    const auto found = dns_addresses(*answer, query);
    REQUIRE(found.has_value());
    REQUIRE(found->size() == (v6 ? 1 : 2));
    CHECK(found->front().to_string() == (v6 ? "2001:db8::7" : "203.0.113.7"));
    CHECK_FALSE(dns_addresses(*answer, dns_query(8, "api.example.com", v6)).has_value());
    CHECK_FALSE(dns_addresses(query, query).has_value());
    CHECK_FALSE(dns_answer(*answer, table).has_value());
    // whatever is cut off is no question and no answer
    for (std::size_t size = 0; size < query.size(); ++size) CHECK_FALSE(dns_answer(DnsBytes(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(size)), table).has_value());
    for (std::size_t size = 0; size < answer->size(); ++size) CHECK_FALSE(dns_addresses(DnsBytes(answer->begin(), answer->begin() + static_cast<std::ptrdiff_t>(size)), query).has_value());
  }
  const DnsBytes other = dns_query(1, "other.example.com", false);
  const auto none = dns_answer(other, table);
  REQUIRE(none.has_value());
  CHECK((*none)[3] == 3);
  CHECK(dns_addresses(*none, other)->empty());
}
