// verify/symbolic/matters.h — what of somebody who there is a search can depend on: the rules that could apply between the
// two ends, and nothing else. Whoever is alike in that needs no search of its own, and where all of it is the same in two
// policy sets they need not be compared.
#pragma once
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "verify/symbolic/rules.h"
#include "verify/symbolic/traffic_range.h"

namespace netpolc::verify::symbolic {

struct RuleSet {
  const ir::eval::World& world;
  const PreparedRules& rules;
};

class Matters {
 public:
  // One policy set, or two that are compared. What is pointed to outlives it.
  Matters(std::vector<RuleSet> sets, const FlowRange& traffic);

  // Of a peer of pods in this namespace (none: in any), or of the host. Equal texts: policies say the same of both.
  const std::string& of(ir::Direction direction, const std::optional<std::string>& ns, const ir::PeerFacts& peer);
  // Whether two sets could say different things to these subjects about this peer; null: about some pod.
  bool could_differ(ir::Direction direction, const std::optional<std::string>& ns, const ir::PeerFacts* peer);

 private:
  using Matchers = std::map<std::string, const ir::eval::Matcher*>;
  struct View {  // as each of the sets sees somebody
    std::vector<ir::LabelSet> labels;
    bool external = false;
  };
  struct Differing {  // a rule that the other set doesn't have; without one, a policy that is there for default deny
    const PreparedPolicy* policy;
    const PreparedRule* rule;
    std::size_t set;
  };
  const View& view(const ir::PeerFacts& peer);
  bool is(std::size_t set, const ir::eval::Matcher& matcher, const ir::PeerFacts& peer);
  bool carries(const ir::Rule& rule) const;
  const std::vector<Matchers>& matchers(ir::Direction direction, const std::optional<std::string>& ns);
  void compare();

  const std::vector<RuleSet> sets_;
  const FlowRange traffic_;
  std::map<const ir::PeerFacts*, View> views_;
  std::map<std::pair<ir::Direction, std::optional<std::string>>, std::vector<Matchers>> matchers_;
  std::map<std::tuple<ir::Direction, std::optional<std::string>, const ir::PeerFacts*>, std::string> known_;
  std::map<std::pair<ir::Direction, const ir::PeerFacts*>, bool> seen_alike_;
  std::array<std::vector<Differing>, 2> differing_;
};

}  // namespace netpolc::verify::symbolic
