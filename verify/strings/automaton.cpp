#include "verify/strings/automaton.h"

#include <algorithm>
#include <deque>
#include <set>

#include "verify/strings/regex.h"

namespace netpolc::verify::strings {
namespace {

constexpr std::size_t kMostNodes = 200'000;
constexpr Automaton::State kNotYet = ~0u;
constexpr unsigned char kFirst = 0x21, kLast = 0x7e;

struct TooLarge {};

// From the end to the beginning: each part is told what follows it.
class Builder {
 public:
  Builder(std::vector<Automaton::Node>& nodes, std::vector<Characters>& sets) : nodes_(nodes), sets_(sets) {}

  std::uint32_t build(const Regex& regex, std::uint32_t then) {
    using Kind = Automaton::Node::Kind;
    switch (regex.kind) {
      case Regex::Kind::Empty: return then;
      case Regex::Kind::OneOf: return add({Kind::OneOf, set(regex.characters), then, 0});
      case Regex::Kind::Begin: return add({Kind::Begin, 0, then, 0});
      case Regex::Kind::End: return add({Kind::End, 0, then, 0});
      case Regex::Kind::Sequence:
        for (auto part = regex.parts.rbegin(); part != regex.parts.rend(); ++part) then = build(**part, then);
        return then;
      case Regex::Kind::Alternatives: {
        std::uint32_t out = build(*regex.parts.front(), then);
        for (std::size_t i = 1; i < regex.parts.size(); ++i) {
          const std::uint32_t other = build(*regex.parts[i], then);
          out = add({Kind::Split, 0, out, other});
        }
        return out;
      }
      case Regex::Kind::Repeat: return repeat(*regex.parts.front(), regex.least, regex.most, then);
    }
    return then;
  }

  std::uint32_t add(Automaton::Node node) {
    if (nodes_.size() == kMostNodes) throw TooLarge{};
    nodes_.push_back(node);
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

 private:
  std::uint32_t repeat(const Regex& part, unsigned least, unsigned most, std::uint32_t then) {
    using Kind = Automaton::Node::Kind;
    std::uint32_t out = then;
    if (most == Regex::kNoLimit) {
      out = add({Kind::Split, 0, then, then});
      const std::uint32_t body = build(part, out);
      nodes_[out].out = body;
    } else {
      for (unsigned i = least; i < most; ++i) {
        const std::uint32_t body = build(part, out);
        out = add({Kind::Split, 0, body, then});
      }
    }
    for (unsigned i = 0; i < least; ++i) out = build(part, out);
    return out;
  }

  std::uint32_t set(const Characters& characters) {
    const auto found = std::find(sets_.begin(), sets_.end(), characters);
    if (found != sets_.end()) return static_cast<std::uint32_t>(found - sets_.begin());
    sets_.push_back(characters);
    return static_cast<std::uint32_t>(sets_.size() - 1);
  }

  std::vector<Automaton::Node>& nodes_;
  std::vector<Characters>& sets_;
};

// A letter says more than a digit, a digit more than a sign.
int oddity(unsigned char c) {
  if (c >= 'a' && c <= 'z') return 0;
  if (c >= 'A' && c <= 'Z') return 1;
  if (c >= '0' && c <= '9') return 2;
  return c == '/' || c == '.' || c == '-' ? 3 : 4;
}

// Of characters that all automata treat alike one, the most familiar first.
std::vector<unsigned char> kinds_of_characters(const std::vector<Wish>& wishes) {
  std::vector<unsigned char> order;
  for (unsigned c = kFirst; c <= kLast; ++c) order.push_back(static_cast<unsigned char>(c));
  std::stable_sort(order.begin(), order.end(), [](unsigned char a, unsigned char b) { return oddity(a) < oddity(b); });
  std::set<std::vector<bool>> seen;
  std::vector<unsigned char> out;
  for (const unsigned char c : order) {
    std::vector<bool> treated;
    for (const Wish& wish : wishes)
      for (const Characters& set : wish.automaton->characters()) treated.push_back(set[c]);
    if (seen.insert(std::move(treated)).second) out.push_back(c);
  }
  return out;
}

}  // namespace

tl::expected<Automaton, std::string> Automaton::of(const std::string& regex) {
  const auto parsed = parse(regex);
  if (!parsed) return tl::make_unexpected(parsed.error());
  Automaton out;
  try {
    Builder builder(out.nodes_, out.sets_);
    const std::uint32_t match = builder.add({});
    const std::uint32_t begin = builder.build(**parsed, match);
    out.intern({begin}, true);
  } catch (const TooLarge&) {
    return tl::make_unexpected("too many repetitions");
  }
  return out;
}

// What is reached without a character. A state at the beginning of the text is another than one behind it.
Automaton::State Automaton::intern(const std::vector<std::uint32_t>& from, bool at_begin) {
  std::set<std::uint32_t> kept, seen;
  bool accepting = false;
  const auto walk = [&](std::vector<std::uint32_t> todo, bool at_end) {
    seen.clear();
    while (!todo.empty()) {
      const std::uint32_t node = todo.back();
      todo.pop_back();
      if (!seen.insert(node).second) continue;
      switch (nodes_[node].kind) {
        case Node::Kind::Split:
          todo.push_back(nodes_[node].other);
          todo.push_back(nodes_[node].out);
          break;
        case Node::Kind::Begin:
          if (at_begin) todo.push_back(nodes_[node].out);
          break;
        case Node::Kind::End:
          if (at_end) todo.push_back(nodes_[node].out);
          break;
        case Node::Kind::OneOf:
          if (!at_end) kept.insert(node);
          break;
        case Node::Kind::Match: accepting |= at_end; break;
      }
    }
  };
  walk(from, false);
  walk(from, true);
  const auto [known, fresh] = known_.try_emplace({{kept.begin(), kept.end()}, accepting}, static_cast<State>(states_.size()));
  if (!fresh) return known->second;
  Deterministic state{{kept.begin(), kept.end()}, accepting, {}};
  state.next.fill(kNotYet);
  states_.push_back(std::move(state));
  return known->second;
}

Automaton::State Automaton::next(State state, unsigned char character) {
  if (states_[state].next[character] != kNotYet) return states_[state].next[character];
  std::vector<std::uint32_t> reached;
  for (const std::uint32_t node : states_[state].nodes)
    if (sets_[nodes_[node].set][character]) reached.push_back(nodes_[node].out);
  const State out = intern(reached, false);
  states_[state].next[character] = out;
  return out;
}

bool Automaton::matches(const std::string& text) {
  State state = start();
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 128) return false;
    state = next(state, static_cast<unsigned char>(c));
  }
  return accepts(state);
}

std::string Automaton::prefix() {
  constexpr std::size_t kMost = 256;
  std::string out;
  State state = start();
  while (!accepts(state) && !is_dead(state) && out.size() < kMost) {
    Characters all;
    for (const std::uint32_t node : states_[state].nodes) all |= sets_[nodes_[node].set];
    if (all.count() != 1) break;
    unsigned char c = 0;
    while (!all[c]) ++c;
    out += static_cast<char>(c);
    state = next(state, c);
  }
  return out;
}

std::variant<std::string, None, TooMany> shortest(const std::vector<Wish>& wishes, std::size_t most_states) {
  const std::vector<unsigned char> characters = kinds_of_characters(wishes);
  using Place = std::vector<Automaton::State>;
  struct Way {
    std::size_t from;
    unsigned char by;
  };
  std::map<Place, std::size_t> known;
  std::vector<Way> ways;
  std::deque<const Place*> todo;
  const auto good = [&](const Place& place) {
    for (std::size_t i = 0; i < wishes.size(); ++i)
      if (wishes[i].automaton->accepts(place[i]) != wishes[i].matches) return false;
    return true;
  };
  const auto hopeless = [&](const Place& place) {
    for (std::size_t i = 0; i < wishes.size(); ++i)
      if (wishes[i].matches && wishes[i].automaton->is_dead(place[i]) && !wishes[i].automaton->accepts(place[i])) return true;
    return false;
  };
  const auto text_of = [&](std::size_t at) {
    std::string out;
    for (; at != 0; at = ways[at].from) out += static_cast<char>(ways[at].by);
    std::reverse(out.begin(), out.end());
    return out;
  };
  Place start;
  for (const Wish& wish : wishes) start.push_back(wish.automaton->start());
  if (good(start)) return std::string();
  todo.push_back(&known.emplace(std::move(start), 0).first->first);
  ways.push_back({0, 0});
  for (std::size_t at = 0; !todo.empty(); ++at) {
    const Place here = *todo.front();
    todo.pop_front();
    for (const unsigned char c : characters) {
      Place there;
      for (std::size_t i = 0; i < wishes.size(); ++i) there.push_back(wishes[i].automaton->next(here[i], c));
      if (hopeless(there)) continue;
      const auto [found, fresh] = known.emplace(std::move(there), ways.size());
      if (!fresh) continue;
      ways.push_back({at, c});
      if (good(found->first)) return text_of(ways.size() - 1);
      if (ways.size() > most_states) return TooMany{};
      todo.push_back(&found->first);
    }
  }
  return None{};
}

}  // namespace netpolc::verify::strings
