// compiler/explain/nearest.h — of the rules that apply to an endpoint, the allow rule that comes nearest to traffic that none
// allows, and in what it differs. Asked for one denied answer at a time; linear in the rules of the endpoint.
//
// "Near" is a matter of how many things would have to be different: one port, one name or one label is near; a rule for pods is
// far from an address. Rules that differ in everything are nearest to nothing. Equally near rules: the one written first.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/eval/inspect.h"

namespace netpolc::explain {

enum class Differs : std::uint8_t { Name, Address, Namespace, Label, Kind, Port, Protocol, PortName };
const char* to_string(Differs in);  // "name", …: a contract of the JSON output

struct Difference {
  Differs in = Differs::Port;
  std::string key;      // of Label
  std::string asked;    // what the traffic has
  std::string allowed;  // what the rule has
  std::string what() const;      // "the label `app`"
  std::string sentence() const;  // "`other`, where it wants `frontend`"
};

struct Nearest {
  ir::RuleRef rule;
  std::vector<Difference> differences;  // never empty; of the peer first
  // "differs in the port only: TCP 443, where it has TCP 80", one for each difference.
  std::vector<std::string> sentences() const;
  // Which of the rule's peers and ports as resolved (ir::eval::ResolvedRule) is the near one.
  std::optional<std::size_t> peer, port;
};

// The other side and the traffic, as far as explanations need to know them.
struct Asked {
  const ir::eval::Inspection& inspection;
  const ir::PeerFacts& peer;
  ir::Flow flow;
  std::string name = {};                    // the DNS name that was asked about, if one was
  std::vector<IpAddress> addresses = {};    // of a pod or a node, to which rules of addresses do not apply
};
// `policies`: what the rules refer to.
std::optional<Nearest> nearest(const Asked& asked, const ir::PolicySet& policies);

}  // namespace netpolc::explain
