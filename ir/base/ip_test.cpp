#include "ir/base/ip.h"

#include <doctest/doctest.h>

using namespace netpolc;

namespace {

std::string address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  return parsed ? parsed->to_string() : "refused";
}

std::string prefix(std::string_view text) {
  const auto parsed = IpPrefix::parse(text);
  return parsed ? parsed->to_string() : "refused";
}

}  // namespace

TEST_CASE("IPv4 addresses as netip.ParseAddr reads them") {
  CHECK(address("10.0.0.1") == "10.0.0.1");
  CHECK(address("0.0.0.0") == "0.0.0.0");
  CHECK(address("255.255.255.255") == "255.255.255.255");
  for (const char* bad : {"", "10", "10.0.0", "10.0.0.0.1", "10.0.0.256", "010.0.0.1", "10.0.0.00", "10..0.1",
                          "10.0.0.1 ", " 10.0.0.1", "10.0.0.a", "10.0.0.-1", ".1.2.3", "1.2.3.", "1.2.3.1000",
                          "1.2.3.4%eth0", "0x1.2.3.4"}) {
    CHECK_MESSAGE(address(bad) == "refused", bad);
  }
}

TEST_CASE("IPv6 addresses are read as Go does and written as RFC 5952 asks") {
  CHECK(address("::") == "::");
  CHECK(address("::1") == "::1");
  CHECK(address("1::") == "1::");
  CHECK(address("2001:0DB8:0:0:0:0:0:1") == "2001:db8::1");
  CHECK(address("2001:db8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");   // the first of two runs
  CHECK(address("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");  // one field is not shortened
  CHECK(address("1:0:0:2:0:0:0:3") == "1:0:0:2::3");                 // the longest run
  CHECK(address("::ffff:10.1.2.3") == "::ffff:10.1.2.3");
  CHECK(address("64:ff9b::1.2.3.4") == "64:ff9b::102:304");
  CHECK(address("1:2:3:4:5:6:1.2.3.4") == "1:2:3:4:5:6:102:304");
  CHECK(address("1:2:3:4:5:6:7::") == "1:2:3:4:5:6:7:0");
  for (const char* bad : {":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "1::2::3", "12345::",
                          "g::", "::1%lo", "1:", ":1", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4:5",
                          "1:2:3:4:5:1.2.3.4", "::01.2.3.4", "1:2:3:4::5:6:7:8"}) {
    CHECK_MESSAGE(address(bad) == "refused", bad);
  }
  CHECK(IpAddress::parse("::ffff:1.2.3.4")->v6);
}

TEST_CASE("prefixes lose their host bits and need a length") {
  CHECK(prefix("10.1.2.3/8") == "10.0.0.0/8");
  CHECK(prefix("10.1.2.3/32") == "10.1.2.3/32");
  CHECK(prefix("10.1.2.3/0") == "0.0.0.0/0");
  CHECK(prefix("10.1.255.3/23") == "10.1.254.0/23");
  CHECK(prefix("2001:db8:ffff::1/33") == "2001:db8:8000::/33");
  CHECK(prefix("::/0") == "::/0");
  CHECK(prefix("fe80::1/128") == "fe80::1/128");
  for (const char* bad : {"10.0.0.1", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
                          "10.0.0/8", "::/129", "/8", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "10.0.0.0/9999"}) {
    CHECK_MESSAGE(prefix(bad) == "refused", bad);
  }
}

TEST_CASE("what a prefix contains") {
  const auto net = *IpPrefix::parse("10.1.0.0/16");
  CHECK(net.contains(*IpAddress::parse("10.1.255.255")));
  CHECK_FALSE(net.contains(*IpAddress::parse("10.2.0.0")));
  CHECK(net.contains(*IpPrefix::parse("10.1.2.0/24")));
  CHECK(net.contains(net));
  CHECK_FALSE(net.contains(*IpPrefix::parse("10.0.0.0/8")));
  const auto all4 = *IpPrefix::parse("0.0.0.0/0");
  const auto all6 = *IpPrefix::parse("::/0");
  CHECK_FALSE(all4.contains(*IpAddress::parse("::1")));
  CHECK_FALSE(all6.contains(*IpAddress::parse("1.2.3.4")));
  CHECK_FALSE(all6.contains(all4));
  CHECK(IpPrefix::host(*IpAddress::parse("1.2.3.4")).to_string() == "1.2.3.4/32");
  CHECK(IpPrefix::host(*IpAddress::parse("::1")).length == 128);
}
