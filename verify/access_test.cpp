#include "verify/access.h"

#include <doctest/doctest.h>

using namespace netpolc;
using namespace netpolc::verify;
using ir::Protocol;

TEST_CASE("equal sets have equal ids, however they were cut") {
  AccessSets sets;
  const auto cut = sets.intern({{Protocol::Tcp, 1, 5}, {Protocol::Tcp, 6, 9}, {Protocol::Udp, 10, 10}});
  CHECK(cut == sets.intern({{Protocol::Tcp, 1, 9}, {Protocol::Udp, 10, 10}}));
  CHECK(sets[cut] == Access{{Protocol::Tcp, 1, 9}, {Protocol::Udp, 10, 10}});
  CHECK(sets.intern(Access{}) == nothing);
}

TEST_CASE("numbers of two protocols, or with different marks, are not joined") {
  AccessSets sets;
  const auto http = sets.intern(Marks{"http", ""});
  CHECK(sets[sets.intern({{Protocol::Tcp, 0, 65535}, {Protocol::Udp, 0, 3}})].size() == 2);
  CHECK(sets[sets.intern({{Protocol::Tcp, 1, 5}, {Protocol::Tcp, 6, 9, http}})].size() == 2);
}

TEST_CASE("an intersection keeps what is in both, with the marks of both") {
  AccessSets sets;
  const auto http = sets.intern(Marks{"http", ""}), auth = sets.intern(Marks{"", "required"});
  const auto a = sets.intern({{Protocol::Tcp, 10, 20, http}, {Protocol::Tcp, 30, 40}});
  const auto b = sets.intern({{Protocol::Tcp, 15, 35, auth}, {Protocol::Udp, 1, 1}});
  const auto both = sets.both(a, b);
  CHECK(both == sets.both(b, a));
  REQUIRE(sets[both].size() == 2);
  CHECK(sets.marks(sets[both][0].marks) == Marks{"http", "required"});
  CHECK(sets[both][0].first == 15);
  CHECK(sets[both][0].last == 20);
  CHECK(sets[both][1] == PortSpan{Protocol::Tcp, 30, 35, auth});
  CHECK(sets.both(a, everything) == a);
  CHECK(sets.both(a, nothing) == nothing);
}

TEST_CASE("two proxies are both named, and a failing authentication wins") {
  AccessSets sets;
  const auto a = sets.intern({{Protocol::Tcp, 1, 1, sets.intern(Marks{"http", "required"})}});
  const auto b = sets.intern({{Protocol::Tcp, 1, 1, sets.intern(Marks{"dns", "test-always-fail"})}});
  CHECK(sets.marks(sets[sets.both(a, b)][0].marks) == Marks{"dns,http", "test-always-fail"});
}

TEST_CASE("a union keeps the first one's marks") {
  AccessSets sets;
  const auto http = sets.intern(Marks{"http", ""});
  const auto a = sets.intern({{Protocol::Tcp, 10, 20, http}}), b = sets.intern({{Protocol::Tcp, 5, 30}, {Protocol::Sctp, 1, 2}});
  CHECK(sets[sets.either(a, b)] ==
        Access{{Protocol::Tcp, 5, 9}, {Protocol::Tcp, 10, 20, http}, {Protocol::Tcp, 21, 30}, {Protocol::Sctp, 1, 2}});
  CHECK(sets.either(nothing, b) == b);
  CHECK(sets.either(b, nothing) == b);
}

TEST_CASE("edges: port 0 and 65535, one flow, no marks") {
  AccessSets sets;
  const auto hole = sets.intern({{Protocol::Tcp, 0, 79}, {Protocol::Tcp, 81, 65535}});
  CHECK(sets.both(hole, sets.intern({{Protocol::Tcp, 80, 80}})) == nothing);
  CHECK(sets[sets.only(hole, {{Protocol::Tcp, 65535}, {Protocol::Tcp, 80}, {Protocol::Tcp, 0}, {Protocol::Tcp, 0}})] ==
        Access{{Protocol::Tcp, 0, 0}, {Protocol::Tcp, 65535, 65535}});
  const auto marked = sets.intern({{Protocol::Tcp, 0, 9, sets.intern(Marks{"http", ""})}, {Protocol::Tcp, 10, 65535}});
  CHECK(sets.plain(marked) == sets.intern({{Protocol::Tcp, 0, 65535}}));
  CHECK(sets[everything].size() == 13);
  CHECK(sets.only(everything, {}) == nothing);
}
