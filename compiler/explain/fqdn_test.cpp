// What is said of patterns, beside what the interpreter does with them.
#include "compiler/explain/fqdn.h"

#include <doctest/doctest.h>
#include <re2/re2.h>

#include "ir/eval/fqdn.h"
#include "ir/eval/requests.h"

using namespace netpolc;
using namespace netpolc::explain;

TEST_CASE("the expression that is shown matches what the interpreter matches") {
  const char* texts[] = {"a.io", "*.a.io", "**.a.io", "***.a.io", "*a.io", "sub*.a.io", "a.**.io", "*.*.io", "*", "**", "*.", "A.Io", "a.io."};
  const char* names[] = {"a.io", "x.a.io", "x.y.a.io", "sub.a.io", "subway.a.io", "xa.io", "a.b.io", "a.b.c.io", "io", "A.IO", "a.io.", "axio", "-_.a.io"};
  for (const char* text : texts)
    for (const char* name : names)
      for (int version = 16; version <= 20; ++version) {
        const ir::FqdnPeer selector = selector_of(text);
        const bool shown = re2::RE2::PartialMatch(ir::eval::canonical_name(name), regex_of(selector, version));
        CHECK_MESSAGE(shown == ir::eval::name_matches(selector, name, version), text, " ", name, " ", version);
        CHECK(why_not(selector, name, version).empty() == shown);
      }
}

TEST_CASE("near misses say what is wrong with them") {
  const ir::FqdnPeer star = selector_of("*.a.io"), many = selector_of("**.a.io");
  CHECK(why_not(star, "a.io", 18) == "it has 2 labels, the pattern 3: every dot has to be there");
  CHECK(why_not(star, "x.y.a.io", 18) == "it has 4 labels, the pattern 3: a `*` never crosses a dot");
  CHECK(why_not(star, "x.b.io", 18) == "`b` is not `a`");
  CHECK(why_not(many, "a.io", 20) == "the leading stars stand for one label or more, and there is none");
  CHECK(why_not(many, "x.b.io", 20) == "`b` is not `a`");
  CHECK(why_not(selector_of("a.io"), "x.a.io", 18) == "a `matchName` matches itself only");
}

TEST_CASE("only stars in front of a dot are read in two ways") {
  CHECK(versions(selector_of("*.a.io")).size() == 1);
  const auto spans = versions(selector_of("**.a.io"));
  REQUIRE(spans.size() == 2);
  CHECK(spans[0].last == 19);
  CHECK(spans[1].first == 20);
}

TEST_CASE("every pattern has an example and a near miss, but for those that match everything") {
  for (const char* text : {"a.io", "*.a.io", "**.a.io", "sub*.a.io", "*.*.io"})
    for (int version : {16, 20}) {
      const auto all = examples(selector_of(text), version);
      REQUIRE(!all.empty());
      CHECK(all.front().why_not.empty());
      CHECK(!all.back().why_not.empty());
    }
}

TEST_CASE("what is neither a name nor a pattern") {
  for (const char* text : {"", "a b", ".a", "a..b", "a/b"}) CHECK(!bad_name(text).empty());
  for (const char* text : {"a", "a.io.", "*", "a_b-c.*"}) CHECK(bad_name(text).empty());
}
