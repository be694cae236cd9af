#include "verify/symbolic/names.h"

#include <algorithm>

#include "ir/eval/fqdn.h"
#include "ir/eval/requests.h"
#include "verify/smt/solver.h"

namespace netpolc::verify::symbolic {
namespace {

std::unique_ptr<strings::Automaton> automaton(const std::string& expression) {
  return std::make_unique<strings::Automaton>(strings::Automaton::of(expression).value());
}

}  // namespace

std::string name_expression(const std::string& canonical, ir::CiliumVersion version) {
  std::string out;
  std::size_t at = 0;
  const auto stars = std::min(canonical.find_first_not_of('*'), canonical.size());
  if (version >= 20 && stars >= 2 && stars < canonical.size() && canonical[stars] == '.') {
    out = "([-a-z0-9_]+[.])+";
    at = stars + 1;
  }
  for (; at < canonical.size(); ++at) {
    if (canonical[at] == '*') {
      if (!out.ends_with("_]*")) out += "[-a-z0-9_]*";
    } else if (canonical[at] == '.') {
      out += "[.]";
    } else {
      out += canonical[at];
    }
  }
  return out;
}

z3::expr SymbolicNames::has(const ir::FqdnPeer& peer) {
  const std::string& text = peer.match_name.empty() ? peer.match_pattern : peer.match_name;
  if (text.empty()) return context_.bool_val(false);
  const bool every = peer.match_name.empty() && ir::eval::is_every_name(text);
  const std::string expression = every ? kEveryName : name_expression(ir::eval::canonical_name(text), version_);
  const auto known = selectors_.find(expression);
  if (known != selectors_.end()) return known->second.has;
  return selectors_.emplace(expression, Selector{context_.bool_const(("a name is like " + expression).c_str()), automaton(expression)}).first->second.has;
}

std::vector<z3::expr> SymbolicNames::preferences() const {
  std::vector<z3::expr> out;
  for (const auto& [expression, selector] : selectors_) out.push_back(!selector.has);
  return out;
}

std::vector<z3::expr> SymbolicNames::open() const {
  std::vector<z3::expr> out;
  for (const auto& [expression, selector] : selectors_) out.push_back(selector.has);
  return out;
}

SymbolicNames::Chosen SymbolicNames::chosen(const z3::model& model) {
  Chosen out;
  for (auto& [expression, selector] : selectors_) {
    const z3::expr value = model.eval(selector.has, false);
    if (value.is_true()) out.has.push_back(&selector);
    if (value.is_false()) out.has_not.push_back(&selector);
  }
  return out;
}

// Each selector that the address is one of needs a name that is none of the others'.
std::optional<z3::expr> SymbolicNames::impossible(const z3::model& model) {
  if (every_ == nullptr) every_ = automaton(kEveryName);
  const Chosen all = chosen(model);
  for (Selector* selector : all.has) {
    std::vector<strings::Wish> wishes{{selector->automaton.get(), true}};
    for (Selector* other : all.has_not) wishes.push_back({other->automaton.get(), false});
    const auto found = conflicts_.of(*every_, wishes);
    const auto* conflict = std::get_if<strings::Conflict>(&found);
    if (conflict == nullptr) continue;
    std::vector<z3::expr> clause{!selector->has};
    for (const std::size_t i : *conflict)
      if (i != 0) clause.push_back(all.has_not[i - 1]->has);
    return smt::any(context_, clause);
  }
  return std::nullopt;
}

std::vector<std::string> SymbolicNames::names(const z3::model& model) {
  if (every_ == nullptr) every_ = automaton(kEveryName);
  if (familiar_ == nullptr) familiar_ = automaton(kFamiliarName);
  const Chosen all = chosen(model);
  std::vector<std::string> out;
  for (Selector* selector : all.has) {
    const std::size_t before = out.size();
    for (strings::Automaton* better : {familiar_.get(), every_.get()}) {
      std::vector<strings::Wish> wishes{{better, true}, {selector->automaton.get(), true}};
      for (Selector* other : all.has_not) wishes.push_back({other->automaton.get(), false});
      std::vector<strings::Wish> asked;
      for (const std::size_t i : conflicts_.relevant(wishes)) asked.push_back(wishes[i]);
      const auto found = strings::shortest(asked);
      const auto* text = std::get_if<std::string>(&found);
      if (text == nullptr) continue;
      out.push_back(text->substr(0, text->size() - 1));
      break;
    }
    gave_up_ |= out.size() == before;
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  // One name may be enough for several.
  const auto enough = [&](std::size_t without) {
    return std::all_of(all.has.begin(), all.has.end(), [&](Selector* selector) {
      for (std::size_t i = 0; i < out.size(); ++i)
        if (i != without && selector->automaton->matches(out[i] + ".")) return true;
      return false;
    });
  };
  for (std::size_t i = 0; i < out.size();) {
    if (enough(i)) out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
    else ++i;
  }
  return out;
}

}  // namespace netpolc::verify::symbolic
