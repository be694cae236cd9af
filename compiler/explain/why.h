// compiler/explain/why.h — why one side of an answer says what it says: every rule that matched, which of them won, and, where
// nothing allows the traffic, the rule that comes nearest.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "compiler/answers.h"
#include "compiler/explain/fix.h"
#include "verify/judge.h"

namespace netpolc::explain {

struct Matched {
  ir::RuleRef rule;
  ir::Action action = ir::Action::Allow;
  ir::L7Parser l7 = ir::L7Parser::None;  // of its redirect for this traffic
  bool wins = false;
  std::string role;  // "wins", "loses to deny", …
};

struct Why {
  ir::LabelSet seen_as;               // the other side's labels, as this side sees them
  std::optional<IpAddress> address;   // and its address, where rules of addresses apply to it
  std::vector<Matched> matched;       // the winners first
  std::size_t others = 0;             // rules of the direction that do not match
  std::string reason;                 // a sentence
  bool reason_is_news = true;         // and not what `verify` says of every such side
  std::optional<Nearest> nearest;     // of a default deny
  std::optional<Fix> fix;
};

// What explanations are made from. Everything outlives them.
struct Sources {
  const ir::eval::World& world;
  verify::Judge& judge;
  lint::Places& places;
};

// Precondition: side.verdict is set, and no question was asked since.
Why why(const verify::Side& side, ir::Direction direction, ir::Flow flow, const Sources& sources);

// Nothing but `nearest` and `fix`, which are empty where the side doesn't deny by default.
Why nearest_to(const std::optional<verify::Side>& side, ir::Direction direction, ir::Flow flow, const Sources& sources);

}  // namespace netpolc::explain
