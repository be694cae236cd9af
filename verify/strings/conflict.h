// verify/strings/conflict.h — why no text is as wished, of thousands of wishes.
#pragma once
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "verify/strings/automaton.h"

namespace netpolc::verify::strings {

struct SomeText {};
// Places of wishes that no text keeps to together; without any of them there is one. Of wishes of which that can't be told
// in time some may be left.
using Conflict = std::vector<std::size_t>;

// Remembers which automata have no text in common. These outlive it. Not thread-safe.
class Conflicts {
 public:
  std::variant<SomeText, Conflict, TooMany> of(Automaton& universe, const std::vector<Wish>& wishes);
  // Places of the wishes that count: what no wanted text matches anyhow need not be asked.
  std::vector<std::size_t> relevant(const std::vector<Wish>& wishes);
  bool disjoint(Automaton& one, Automaton& other);

 private:
  const std::string& prefix(Automaton& automaton);
  std::map<std::pair<const Automaton*, const Automaton*>, bool> disjoint_;
  std::map<const Automaton*, std::string> prefixes_;
};

}  // namespace netpolc::verify::strings
