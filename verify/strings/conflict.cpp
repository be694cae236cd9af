#include "verify/strings/conflict.h"

#include <algorithm>
#include <optional>

namespace netpolc::verify::strings {

const std::string& Conflicts::prefix(Automaton& automaton) {
  const auto [known, fresh] = prefixes_.try_emplace(&automaton);
  if (fresh) known->second = automaton.prefix();
  return known->second;
}

bool Conflicts::disjoint(Automaton& one, Automaton& other) {
  const std::string &a = prefix(one), &b = prefix(other);
  if (a.compare(0, std::min(a.size(), b.size()), b, 0, std::min(a.size(), b.size())) != 0) return true;
  const std::pair<const Automaton*, const Automaton*> key = std::minmax<const Automaton*>(&one, &other);
  const auto known = disjoint_.find(key);
  if (known != disjoint_.end()) return known->second;
  const bool out = std::holds_alternative<None>(shortest({{&one, true}, {&other, true}}));
  return disjoint_.emplace(key, out).first->second;
}

std::vector<std::size_t> Conflicts::relevant(const std::vector<Wish>& wishes) {
  std::vector<Automaton*> wanted;
  for (const Wish& wish : wishes)
    if (wish.matches) wanted.push_back(wish.automaton);
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < wishes.size(); ++i)
    if (wishes[i].matches || std::none_of(wanted.begin(), wanted.end(), [&](Automaton* one) { return disjoint(*one, *wishes[i].automaton); })) out.push_back(i);
  return out;
}

std::variant<SomeText, Conflict, TooMany> Conflicts::of(Automaton& universe, const std::vector<Wish>& wishes) {
  for (std::size_t i = 0; i < wishes.size(); ++i)
    for (std::size_t j = 0; j < i && wishes[i].matches; ++j)
      if (wishes[j].matches && disjoint(*wishes[i].automaton, *wishes[j].automaton)) return Conflict{j, i};
  Conflict left = relevant(wishes);
  const auto ask = [&](std::size_t begin, std::size_t end) {  // without these
    std::vector<Wish> all{{&universe, true}};
    for (std::size_t i = 0; i < left.size(); ++i)
      if (i < begin || i >= end) all.push_back(wishes[left[i]]);
    return shortest(all);
  };
  const auto found = ask(0, 0);
  if (std::holds_alternative<std::string>(found)) return SomeText{};
  if (std::holds_alternative<TooMany>(found)) return TooMany{};
  // Many at a time as long as that goes well: of thousands few are needed.
  for (std::size_t many = std::max<std::size_t>(left.size() / 2, 1);; many /= 2) {
    for (std::size_t i = 0; i < left.size();) {
      const std::size_t end = std::min(i + many, left.size());
      if (std::holds_alternative<None>(ask(i, end))) left.erase(left.begin() + static_cast<std::ptrdiff_t>(i), left.begin() + static_cast<std::ptrdiff_t>(end));
      else i = end;
    }
    if (many <= 1) break;
  }
  return left;
}

}  // namespace netpolc::verify::strings
