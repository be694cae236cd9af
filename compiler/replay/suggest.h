// compiler/replay/suggest.h — policies that let pass what would be newly dropped, and a proof of what they open besides.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/replay/outcome.h"

namespace netpolc::compiler::replay {

// One rule to be: traffic of one subject with one peer.
struct Wanted {
  std::set<ir::Flow> flows;
  std::uint64_t recorded = 0;      // flows of the recording that need it
  std::vector<std::string> names;  // of toFQDNs; else the peer is named by what it is
};
struct SuggestedPolicy {
  std::uint32_t subject = 0;  // index into the session's endpoints
  ir::Direction direction = ir::Direction::Ingress;
  std::map<EndId, Wanted> rules;  // by peer
  // Names are learned from answers that pass Cilium's DNS proxy: by endpoint of a server, what may be asked for there, and how.
  struct Dns {
    std::set<std::string> names;  // "*": anything
    std::set<ir::Flow> flows;
  };
  std::map<std::uint32_t, Dns> dns;
};

struct Suggestions {
  std::vector<SuggestedPolicy> policies;  // in the order of subjects
  std::vector<std::uint32_t> opened;      // connections that they are for
  std::vector<std::string> left_out;      // "shop/a → shop/b   TCP 80: why"
};
Suggestions suggest(const Outcomes& outcomes, const Recording& recording, Verdicts& now);

// CiliumNetworkPolicies, a document each; "" for none.
std::string to_yaml(const Suggestions& suggestions, const Recording& recording, const Verdicts& now);

// What passes with them and did not without, by verify/diff: every pair of ends on every port.
struct SuggestionProof {
  std::vector<std::string> missing;  // connections that stay closed
  std::vector<std::string> more;     // what opens, closes or goes another way besides
  std::vector<std::string> faults;   // the policies could not be read; a fault of ours
  std::uint64_t pairs = 0;           // that were compared
};
// `yaml` becomes a source of the session.
SuggestionProof prove(const Suggestions& suggestions, const std::string& yaml, const Recording& recording, Session& now, const InputOptions& options);

// All of it as a YAML file that says what was proved.
std::string to_file(const Suggestions& suggestions, const std::string& yaml, const SuggestionProof& proof);

}  // namespace netpolc::compiler::replay
