#include "ir/decide/invariants.h"

#include <doctest/doctest.h>

using namespace netpolc::ir;

namespace {

DirectionTable table() {
  DirectionTable out;
  out.enforcement = Enforcement::DefaultDeny;
  out.bits = {{"everyone", {}}, {"k8s:app in (web)", {256, 257}}};
  out.rules = {{0, 0}};
  out.rule_texts = {"allow"};
  for (const auto protocol : {Protocol::Any, Protocol::Tcp, Protocol::Udp, Protocol::Sctp, Protocol::Icmp, Protocol::Icmpv6}) out.classes.push_back({protocol, 0, 65535, {}});
  TableEntry entry;
  entry.bit = 1;
  out.classes[1] = {Protocol::Tcp, 0, 79, {}};
  out.classes.insert(out.classes.begin() + 2, {{Protocol::Tcp, 80, 80, {entry}}, {Protocol::Tcp, 81, 65535, {}}});
  return out;
}

}  // namespace

TEST_CASE("a table that keeps its promises") { CHECK_FALSE(violated(table()).has_value()); }

TEST_CASE("each promise, broken") {
  const auto broken = [](auto change) {
    DirectionTable t = table();
    change(t);
    return violated(t).value_or("");
  };
  CHECK(broken([](auto& t) { t.rule_texts.clear(); }) == "not every rule has its text");
  CHECK(broken([](auto& t) { t.enforcement = Enforcement::None; }) == "classes without enforcement");
  CHECK(broken([](auto& t) { t.bits[0].identities = {1}; }) == "bit 0 is not everyone");
  CHECK(broken([](auto& t) { t.bits[1].identities = {257, 256}; }) == "the identities of a bit are not sorted and unique");
  CHECK(broken([](auto& t) { t.classes[2].first = 79; }) == "the classes of a protocol have a gap or overlap");
  CHECK(broken([](auto& t) { t.classes[3].last = 65534; }) == "the classes of a protocol end too early");
  CHECK(broken([](auto& t) { t.classes[2].entries.clear(); }) == "neighbouring classes have the same entries");
  CHECK(broken([](auto& t) { t.classes.pop_back(); }) == "a protocol has no classes");
  CHECK(broken([](auto& t) { std::swap(t.classes[4], t.classes[5]); }) == "classes are not sorted by protocol");
  CHECK(broken([](auto& t) { t.classes[2].entries[0].bit = 2; }) == "an entry names a bit that does not exist");
  CHECK(broken([](auto& t) { t.classes[2].entries[0].rule = 1; }) == "an entry names a rule that does not exist");
  CHECK(broken([](auto& t) { t.classes[2].entries[0].action = Action::Pass; }) == "an entry passes");
  // Behind the allow of bit 1, one of another bit.
  const auto add = [](auto& t, Action action, std::uint32_t level, L7Parser l7 = L7Parser::None) {
    TableEntry entry = t.classes[2].entries[0];
    entry.bit = static_cast<std::uint32_t>(t.bits.size());
    entry.action = action;
    entry.level = level;
    entry.l7 = l7;
    t.bits.push_back({"another", {}});
    t.classes[2].entries.push_back(entry);
  };
  CHECK(broken([&](auto& t) { add(t, Action::Deny, 0); }) == "an entry comes after one that it wins over");
  CHECK(broken([&](auto& t) { add(t, Action::Allow, 0, L7Parser::Http); }) == "an entry comes after one that it wins over");
  CHECK(broken([&](auto& t) { add(t, Action::Allow, 1), add(t, Action::Allow, 0); }) == "entries are not in the order of their levels");
  CHECK(broken([&](auto& t) { add(t, Action::Deny, 1); }).empty());

  const auto again = [](auto& t, std::uint32_t bit) {
    TableEntry entry = t.classes[2].entries[0];
    entry.level = 1;
    entry.bit = bit;
    t.classes[2].entries.push_back(entry);
  };
  CHECK(broken([&](auto& t) { again(t, 1); }) == "an entry can never decide");
  CHECK(broken([&](auto& t) { t.classes[2].entries[0].bit = 0, again(t, 1); }) == "an entry can never decide");
  CHECK(broken([&](auto& t) { again(t, 0); }).empty());
  // Allows that ask for authentication add up; behind a deny they don't.
  CHECK(broken([&](auto& t) { t.classes[2].entries[0].auth = AuthMode::Required, again(t, 1); }).empty());
  CHECK(broken([&](auto& t) {
          again(t, 1);
          t.classes[2].entries[0].action = Action::Deny;
          t.classes[2].entries[1].auth = AuthMode::Required;
        }) == "an entry can never decide");
}
