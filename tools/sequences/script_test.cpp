// What is printed can be read again, and means the same.
#include "tools/sequences/script.h"

#include <doctest/doctest.h>

#include <sstream>
#include <stdexcept>

#include "tools/sequences/random.h"
#include "tools/sequences/readable.h"

using namespace netpolc;
using namespace netpolc::sequences;

namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}
Frame frame(const std::string& text) { return frame_of(parse_packet(words(text))); }

std::string complaint(const std::string& text) {
  try {
    parse_script("x.txt", text);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("random scripts survive being printed and read") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    const Script script = random_world(random);
    const Case one = random_case(script, random, 60);
    const std::string text = print(script, one);
    const Script again = parse_script("again", text);
    REQUIRE(again.cases.size() == 1);
    CHECK(print(again, again.cases[0]) == text);
    for (std::size_t i = 0; i < one.steps.size(); ++i)
      if (const auto* send = std::get_if<Send>(&one.steps[i].does)) CHECK(frame_of(send->packet) == frame_of(std::get<Send>(again.cases[0].steps[i].does).packet));
  }
}

TEST_CASE("a table of rules decides as the rules do") {
  using P = ir::Protocol;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const Script script = random_world(random);
    const auto identities = script.identities();
    for (const Policy& policy : script.policies) {
      const ir::DecisionTable table = table_of(policy, identities);
      for (const auto direction : {ir::Direction::Ingress, ir::Direction::Egress}) {
        if (!(direction == ir::Direction::Ingress ? policy.ingress : policy.egress)) continue;
        for (const std::uint32_t identity : identities)
          for (const ir::Flow flow : {ir::Flow{P::Tcp, 80}, ir::Flow{P::Tcp, 443}, ir::Flow{P::Udp, 53}, ir::Flow{P::Icmp, 8}, ir::Flow{P::Sctp, 4000}, ir::Flow{P::Icmpv6, 128}}) {
            const auto looked_up = ir::look_up(direction == ir::Direction::Ingress ? table.ingress : table.egress, identity, flow);
            CHECK(decide(policy, direction, identity, flow).reason == ir::flow::reason_of(looked_up));
          }
      }
    }
  }
}

TEST_CASE("what is wrong has a line and a reason") {
  CHECK(complaint("policy a\n  in\ncase x\nto-pod tcp 10.0.0.3 > fd00::1 S\n") == "x.txt:4: both addresses must be of one family");
  CHECK(complaint("policy a\n  in permit tcp\n") == "x.txt:2: a rule says allow, l7 or deny, not `permit`");
  CHECK(complaint("policy a\n  in\ncase x\npolicy b\n") == "x.txt:4: there is no policy `b`");
  CHECK(complaint("policy a\n  in\ncase x\nto-pod tcp 10.0.0.3:99999 > 10.0.0.1:1 S\n") == "x.txt:4: `99999` isn't a number that fits here");
  CHECK(complaint("") == "x.txt:0: there is no policy");
}

TEST_CASE("what can be read") {
  CHECK(is_readable(frame("tcp 10.0.0.3:1 > 10.0.0.1:2 S")));
  CHECK(is_readable(frame("tcp 10.0.0.3:1 > 10.0.0.1:2 S vlan=2 opts=10")));
  CHECK(is_readable(frame("udp [fd00::3]:1 > [fd00::1]:2 ext=0,60,43")));
  CHECK(is_readable(frame("udp fd00::3 > fd00::1 frag=4 data=24")));
  CHECK(is_readable(frame("arp")));
  CHECK(!is_readable(frame("tcp 10.0.0.3:1 > 10.0.0.1:2 S len=-1")));
  CHECK(!is_readable(frame("tcp 10.0.0.3:1 > 10.0.0.1:2 S len=1")));
  CHECK(!is_readable(frame("tcp 10.0.0.3:1 > 10.0.0.1:2 S vlan=3")));
  CHECK(!is_readable(frame("tcp 10.0.0.3:1 > 10.0.0.1:2 S set=ip+0:65")));
  CHECK(!is_readable(frame("sctp 10.0.0.3:1 > 10.0.0.1:2 cut=45 len=-1")));
  CHECK(!is_readable(frame("proto=47 10.0.0.3 > 10.0.0.1 data=30")));
  CHECK(!is_readable(frame("udp [fd00::3]:1 > [fd00::1]:2 ext=60 set=ip+41:09")));
  CHECK(!is_readable(frame("icmp6 fd00::3 > fd00::1 128/0 ext=0,0,0,0,0,0,0,0,0")));
}
