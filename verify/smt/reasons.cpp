#include "verify/smt/reasons.h"

#include <algorithm>
#include <unordered_set>

namespace netpolc::verify::smt {
namespace {

// A text that must match several expressions is harder to find than one that must not.
constexpr double kTrue = 1000, kFalse = 1;

bool has_boolean_parts(const z3::expr& term) {
  for (unsigned i = 0; i < term.num_args(); ++i)
    if (term.arg(i).is_bool()) return true;
  return false;
}

}  // namespace

void Reasons::add(const z3::expr& fact) { facts_.push_back(node(fact)); }

std::uint32_t Reasons::node(const z3::expr& term) {
  if (const auto known = numbers_.find(term.id()); known != numbers_.end()) return known->second;
  Node made{Kind::Leaf, term, {}};
  if (term.is_app()) {
    const bool joined = term.is_and() || term.is_or() || term.is_not();
    if (joined) made.kind = term.is_and() ? Kind::And : term.is_or() ? Kind::Or : Kind::Not;
    else if (has_boolean_parts(term)) made.kind = Kind::Opaque;
    if (made.kind != Kind::Leaf)
      for (unsigned i = 0; i < term.num_args(); ++i)
        if (term.arg(i).is_bool()) made.parts.push_back(node(term.arg(i)));
  }
  const auto number = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back(std::move(made));
  numbers_.emplace(term.id(), number);
  return number;
}

void Reasons::judge(Node& node, const z3::model& model, const std::unordered_map<unsigned, std::size_t>& open) const {
  const auto sum = [&] {
    double out = 0;
    for (const std::uint32_t part : node.parts) out += nodes_[part].cost;
    return out;
  };
  const auto least = [&](bool value) {
    double out = -1;
    for (const std::uint32_t part : node.parts)
      if (nodes_[part].value == value && (out < 0 || nodes_[part].cost < out)) out = nodes_[part].cost;
    return out;
  };
  const auto is = [&](const std::uint32_t part) { return nodes_[part].value; };
  switch (node.kind) {
    case Kind::And:
      node.value = std::all_of(node.parts.begin(), node.parts.end(), is);
      node.cost = node.value ? sum() : least(false);
      break;
    case Kind::Or:
      node.value = std::any_of(node.parts.begin(), node.parts.end(), is);
      node.cost = node.value ? least(true) : sum();
      break;
    case Kind::Not:
      node.value = !nodes_[node.parts[0]].value;
      node.cost = nodes_[node.parts[0]].cost;
      break;
    case Kind::Opaque:
      node.value = model.eval(node.term, true).is_true();
      node.cost = sum();
      break;
    case Kind::Leaf:
      node.value = model.eval(node.term, true).is_true();
      node.cost = !open.contains(node.term.id()) ? 0 : node.value ? kTrue : kFalse;
      break;
  }
}

std::vector<z3::expr> Reasons::needed(const z3::model& model, const std::vector<z3::expr>& open) {
  std::unordered_map<unsigned, std::size_t> places;
  for (std::size_t i = 0; i < open.size(); ++i) places.emplace(open[i].id(), i);
  for (Node& node : nodes_) judge(node, model, places);
  std::vector<bool> seen(nodes_.size()), chosen(open.size());
  std::vector<std::uint32_t> left = facts_;
  while (!left.empty()) {
    const std::uint32_t number = left.back();
    left.pop_back();
    if (seen[number]) continue;
    seen[number] = true;
    const Node& node = nodes_[number];
    if (node.cost == 0) continue;  // nothing open is in its reasons
    if (node.kind == Kind::Leaf) {
      chosen[places.at(node.term.id())] = true;
    } else if ((node.kind == Kind::And && !node.value) || (node.kind == Kind::Or && node.value)) {
      const std::uint32_t* best = nullptr;
      for (const std::uint32_t& part : node.parts)
        if (nodes_[part].value == node.value && (best == nullptr || nodes_[part].cost < nodes_[*best].cost)) best = &part;
      left.push_back(*best);
    } else {
      left.insert(left.end(), node.parts.begin(), node.parts.end());
    }
  }
  std::vector<z3::expr> out;
  for (std::size_t i = 0; i < open.size(); ++i)
    if (chosen[i]) out.push_back(open[i]);
  return out;
}

z3::model part(const z3::model& model, const std::vector<z3::expr>& constants) {
  z3::model out(model.ctx());
  for (const z3::expr& constant : constants) {
    z3::func_decl declared = constant.decl();
    z3::expr value = model.eval(constant, true);
    out.add_const_interp(declared, value);
  }
  return out;
}

z3::model without(const z3::model& model, const std::vector<z3::expr>& constants, const std::vector<z3::expr>& but) {
  std::unordered_set<unsigned> left_out;
  for (const z3::expr& constant : constants) left_out.insert(constant.decl().id());
  for (const z3::expr& constant : but) left_out.erase(constant.decl().id());
  z3::model out(model.ctx());
  for (unsigned i = 0; i < model.num_consts(); ++i) {
    z3::func_decl declared = model.get_const_decl(i);
    if (left_out.contains(declared.id())) continue;
    z3::expr value = model.get_const_interp(declared);
    out.add_const_interp(declared, value);
  }
  return out;
}

}  // namespace netpolc::verify::smt
