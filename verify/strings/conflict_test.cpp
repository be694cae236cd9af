// A conflict names what is needed for it and nothing else, also where there are thousands of wishes.
#include "verify/strings/conflict.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>

namespace netpolc::verify::strings {
namespace {

struct Wishes {
  std::vector<std::unique_ptr<Automaton>> automata;
  std::vector<Wish> all;
  Wishes& add(const std::string& regex, bool matches) {
    automata.push_back(std::make_unique<Automaton>(std::move(*Automaton::of(regex))));
    all.push_back({automata.back().get(), matches});
    return *this;
  }
};

Conflict conflict(const Wishes& wishes) {
  Automaton universe = std::move(*Automaton::of("[!-~]+"));
  Conflicts conflicts;
  const auto found = conflicts.of(universe, wishes.all);
  const auto* out = std::get_if<Conflict>(&found);
  return out == nullptr ? Conflict{} : *out;
}

}  // namespace

TEST_CASE("what no text keeps to is told by as few wishes as it takes") {
  CHECK(conflict(Wishes().add("/a.*", true).add("/x", false).add("/b.*", true)) == Conflict{0, 2});
  CHECK(conflict(Wishes().add("/c", false).add("/a[bc]", true).add("/.*d", false).add("/ab", false).add("/ac", false)) == Conflict{1, 3, 4});
  CHECK(conflict(Wishes().add("/ab", false).add("/a[bc]", true)).empty());
  CHECK(conflict(Wishes().add("/x", true).add(".*", false)) == Conflict{1});
  CHECK(conflict(Wishes().add("", true)) == Conflict{0});  // but for the universe there would be a text
}

TEST_CASE("what all texts begin with") {
  CHECK(Automaton::of("/public/[0-9]+")->prefix() == "/public/");
  CHECK(Automaton::of("/(ab|ac)x")->prefix() == "/a");
  CHECK(Automaton::of("/(a)?b")->prefix() == "/");
  CHECK(Automaton::of("/a")->prefix() == "/a");
  CHECK(Automaton::of("/a*")->prefix() == "/");
  CHECK(Automaton::of("(?i)/a")->prefix() == "/");
  CHECK(Automaton::of(".*")->prefix().empty());
}

TEST_CASE("thousands of wishes are no matter of minutes") {
  Wishes wishes;
  wishes.add("/service-77/.*", true);
  for (int i = 0; i < 3000; ++i) wishes.add("/service-" + std::to_string(i) + "/.*", false);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(conflict(wishes) == Conflict{0, 78});
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

}  // namespace netpolc::verify::strings
