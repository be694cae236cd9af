// RE2 is what Envoy matches with, so it is the judge here: of random expressions, on random texts.
#include "verify/strings/automaton.h"

#include <doctest/doctest.h>
#include <re2/re2.h>

#include "verify/random_for_tests.h"

namespace netpolc::verify::strings {
namespace {

#ifdef NETPOLC_SANITIZED
constexpr int kShare = 10;  // a part of the seeds runs every line
#else
constexpr int kShare = 1;
#endif

const std::vector<std::string> kAtoms{"a", "b", "/", ".", "x", "\\.", "\\/", "[ab]", "[^a]", "[a-c/]", "[]a]", "[^]/]", "[[:alpha:]]", "[\\d/]", "[\\]b]", "\\d", "\\W",
                                      "\\w", "\\S", "\\x61", "\\x{62}", "\\141", "\\pL", "\\p{Lu}", "\\PN", "[\\p{Ll}1]", "A", "k", "{", "}", "a{", "{,2}", "\\Qa.b\\E", "\xc3\xa9", "\\x{212a}", "1", "$", "^", "\\A", "\\z"};

std::string expression(Random& random, int depth) {
  if (depth == 0 || random.one_in(4)) return random.of(kAtoms);
  switch (random.below(8)) {
    case 0: return expression(random, depth - 1) + "|" + expression(random, depth - 1);
    case 1: return "(" + expression(random, depth - 1) + ")" + random.of(std::vector<std::string>{"*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{1,2}?"});
    case 2: return "(" + random.of(std::vector<std::string>{"?:", "?i:", "?s:", "?-i:", "?P<n>", "?is-U:"}) + expression(random, depth - 1) + ")";
    case 3: return random.of(std::vector<std::string>{"(?i)", "(?s)", "(?U)", "(?i-s)"}) + expression(random, depth - 1);
    case 4: return random.of(kAtoms) + random.of(std::vector<std::string>{"*", "+", "?", "{2}", "{0,1}"});
    default: return expression(random, depth - 1) + expression(random, depth - 1);
  }
}

std::string text(Random& random) {
  static const std::string characters = "ab/.xA1k{},2K-_~!]c\\";
  std::string out;
  for (std::size_t n = random.below(7); n > 0; --n) out += characters[random.below(static_cast<std::uint32_t>(characters.size()))];
  return out;
}

Automaton automaton(const std::string& regex) {
  auto out = Automaton::of(regex);
  CAPTURE(regex);
  REQUIRE(out.has_value());
  return std::move(*out);
}

}  // namespace

TEST_CASE("random expressions mean what RE2 says, and their shortest texts are theirs") {
  Random random(1);
  std::size_t matched = 0, texts = 0, none = 0, both = 0;
  for (int i = 0; i < 4000 / kShare; ++i) {
    const std::string one = expression(random, 3), other = expression(random, 3);
    const re2::RE2 first(one, re2::RE2::Quiet), second(other, re2::RE2::Quiet);
    if (!first.ok() || !second.ok()) continue;
    CAPTURE(one);
    CAPTURE(other);
    Automaton a = automaton(one), b = automaton(other);
    for (int n = 0; n < 20; ++n, ++texts) {
      const std::string asked = text(random);
      CAPTURE(asked);
      const bool wanted = re2::RE2::FullMatch(asked, first);
      matched += wanted;
      REQUIRE(a.matches(asked) == wanted);
    }
    const bool differ = random.one_in(2);
    const auto found = shortest({{&a, true}, {&b, !differ}});
    if (const auto* witness = std::get_if<std::string>(&found)) {
      ++both;
      REQUIRE(re2::RE2::FullMatch(*witness, first));
      REQUIRE(re2::RE2::FullMatch(*witness, second) != differ);
    } else {
      ++none;
      REQUIRE(std::holds_alternative<None>(found));
      for (int n = 0; n < 50; ++n) {
        const std::string asked = text(random);
        CAPTURE(asked);
        REQUIRE_FALSE((re2::RE2::FullMatch(asked, first) && re2::RE2::FullMatch(asked, second) != differ));
      }
    }
  }
  MESSAGE(texts << " texts, " << matched << " matched; " << both << " pairs with a witness, " << none << " without");
  CHECK(matched > 1000 / (kShare * kShare));
  CHECK(both > 500 / (kShare * kShare));
  CHECK(none > 500 / (kShare * kShare));
}

// RE2 of 2022-06-01 (Debian 12) makes a character of the class and loses the rest of it. Random expressions with another
// seed meet that; what is right is what the alternatives mean one by one.
TEST_CASE("a class beside an alternative with one of its characters keeps the others") {
  CHECK(automaton("a|[aA]").matches("A"));
  CHECK(automaton("a|(?i:a)").matches("A"));
  CHECK(automaton("[aA]").matches("A") == re2::RE2::FullMatch("A", "[aA]"));
}

TEST_CASE("the shortest text is short, and familiar") {
  Automaton slash = automaton("/.*"), admin = automaton("/admin(/.*)?"), number = automaton("/v[0-9]+/.+");
  CHECK(std::get<std::string>(shortest({{&admin, true}})) == "/admin");
  CHECK(std::get<std::string>(shortest({{&slash, true}, {&admin, false}})) == "/");
  CHECK(std::get<std::string>(shortest({{&number, true}})) == "/v0/a");
  CHECK(std::holds_alternative<None>(shortest({{&admin, true}, {&slash, false}})));
}

TEST_CASE("what has no automaton is said by name") {
  CHECK(Automaton::of("a\\bb").error() == "a word boundary (\\b)");
  CHECK(Automaton::of("(?m)^a$").error() == "(?m)");
  CHECK(Automaton::of("((a{100}){100}){100}").error() == "too many repetitions");
}

TEST_CASE("too many states are given up, not counted on") {
  Automaton far = automaton("[ab]*a[ab]{20}"), never = automaton("c");
  CHECK(std::holds_alternative<TooMany>(shortest({{&far, false}, {&never, true}, {&far, true}}, 10)) == false);  // dead at once
  Automaton all = automaton("[ab]*a[ab]{25}"), other = automaton("[ab]*b[ab]{25}");
  CHECK(std::holds_alternative<TooMany>(shortest({{&all, true}, {&other, true}}, 100)));
}

}  // namespace netpolc::verify::strings
