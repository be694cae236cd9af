// verify/smt/reasons.h — why facts hold in a model. To Z3 a constant that somebody else decides about (does a text match
// this expression?) is one like any other, and it chooses values for thousands of them that nothing needs. What is left
// here are those that suffice.
#pragma once
#include <z3++.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace netpolc::verify::smt {

class Reasons {
 public:
  // Joined by and, or and not; whatever else stands in it counts as a whole.
  void add(const z3::expr& fact);
  // Of `open`, Boolean constants, those that all facts hold because of, as the model says: the others may have any value.
  // Few are chosen, and rather false ones. Precondition: a model of the facts.
  std::vector<z3::expr> needed(const z3::model& model, const std::vector<z3::expr>& open);

 private:
  enum class Kind : std::uint8_t { And, Or, Not, Leaf, Opaque };  // Opaque: needs all that stands in it
  struct Node {
    Kind kind = Kind::Leaf;
    z3::expr term;  // kept, so that its number stays its own
    std::vector<std::uint32_t> parts;
    bool value = false;
    double cost = 0;  // of its reasons
  };
  std::uint32_t node(const z3::expr& term);
  void judge(Node& node, const z3::model& model, const std::unordered_map<unsigned, std::size_t>& open) const;

  std::vector<Node> nodes_;  // parts before wholes
  std::unordered_map<unsigned, std::uint32_t> numbers_;
  std::vector<std::uint32_t> facts_;
};

// A model with these constants and their values of `model` only.
z3::model part(const z3::model& model, const std::vector<z3::expr>& constants);
// A model without these, but for those.
z3::model without(const z3::model& model, const std::vector<z3::expr>& constants, const std::vector<z3::expr>& but);

}  // namespace netpolc::verify::smt
