// verify/strings/automaton.h — regular expressions as Envoy means them (RE2's syntax, the whole text, semantics reference
// 7.1), as automata: can a text match these and none of those, and which is the shortest?
//
// Texts are of visible ASCII (0x21 to 0x7e). What is no character of that matches nothing. Which characters a class or an
// escape means is asked of RE2 itself.
#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

namespace netpolc::verify::strings {

using Characters = std::bitset<128>;

// Made deterministic as far as it is asked. Not thread-safe.
class Automaton {
 public:
  // An error names the construct that has no automaton here: word boundaries, (?m), \C, or too many repetitions.
  // Precondition: RE2 compiles it.
  static tl::expected<Automaton, std::string> of(const std::string& regex);

  using State = std::uint32_t;
  State start() const { return 0; }
  State next(State state, unsigned char character);
  bool accepts(State state) const { return states_[state].accepting; }
  // From here on nothing is accepted any more.
  bool is_dead(State state) const { return states_[state].nodes.empty(); }
  const std::vector<Characters>& characters() const { return sets_; }
  bool matches(const std::string& text);
  // What all its texts begin with, as far as that is easily seen.
  std::string prefix();

  struct Node {
    enum class Kind : std::uint8_t { Split, OneOf, Begin, End, Match } kind = Kind::Match;
    std::uint32_t set = 0;              // of OneOf
    std::uint32_t out = 0, other = 0;   // `other`: of Split
  };

 private:
  struct Deterministic {
    std::vector<std::uint32_t> nodes;  // of characters or ends, sorted
    bool accepting = false;
    std::array<State, 128> next;
  };
  State intern(const std::vector<std::uint32_t>& from, bool at_begin);

  std::vector<Node> nodes_;
  std::vector<Characters> sets_;
  std::vector<Deterministic> states_;
  std::map<std::pair<std::vector<std::uint32_t>, bool>, State> known_;
};

struct Wish {
  Automaton* automaton = nullptr;
  bool matches = true;
};
struct None {};
struct TooMany {};  // states
// The shortest text as wished; of several of that length one of letters and digits rather than others.
std::variant<std::string, None, TooMany> shortest(const std::vector<Wish>& wishes, std::size_t most_states = 200'000);

}  // namespace netpolc::verify::strings
