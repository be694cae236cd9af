// verify/symbolic/pod.h — a pod with unknown labels, or a node, as solver terms: a code for every label key that is asked about.
// What the pattern says is constant, so that rules that can't apply vanish while terms are made.
#pragma once
#include <z3++.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ir/verdict.h"
#include "verify/symbolic/universe.h"

namespace netpolc::verify::symbolic {

class SymbolicPod {
 public:
  // A node's host, which has no namespace and no ports with names, can be asked for terms, and not for what a model says.
  enum class Is { Pod, Node };
  // `role` begins the names of its variables. Everything outlives the pod.
  SymbolicPod(const Universe& universe, z3::context& context, std::string role, const PodPattern& pattern, Is is = Is::Pod);
  bool is_node() const { return is_ == Is::Node; }

  const std::optional<std::string>& fixed_namespace() const { return pattern_.ns; }
  z3::expr holds(const ir::Selector& selector);
  z3::expr has(const std::string& key);
  z3::expr in_namespace(const std::string& name);
  z3::expr matches(const PodPattern& pattern);
  // The number that it calls so, 16 bits; 0: no such port.
  z3::expr named_port(const std::string& name, ir::Protocol protocol);
  // The number that policy knows its identity's port by (egress from 1.20 on): pods with equal labels have one table, and
  // others of them may define the name, or make it ambiguous (section 5.9).
  z3::expr identity_port(const std::string& name, ir::Protocol protocol);
  // Whether both have this label with one value. Two values that nobody mentions may differ, and may not.
  z3::expr may_differ(SymbolicPod& other, const std::string& key);

  // In everything that terms made so far ask about. The cluster's endpoint: not of the host's network, not remote.
  z3::expr is_like(const ir::Endpoint& endpoint);

  // What its variables keep to. Grows while terms are made.
  const std::vector<z3::expr>& facts() const { return facts_; }
  // What people would rather see, the most important first.
  std::vector<z3::expr> preferences();

  // What a model says. Labels are an identity's: with namespace, service account and cluster.
  ir::Subject subject(const z3::model& model) const;
  // What its identity's ports are; 0: no such port, or an ambiguous one.
  std::vector<ir::NamedPort> identity_ports(const z3::model& model) const;
  // As people say it: "a pod with app=web in namespace shop".
  std::string describe(const z3::model& model) const;

 private:
  // A code; constant where the pattern fixes it.
  struct Code {
    z3::expr term;
    unsigned count = 0;               // codes are 0 to count - 1
    std::optional<unsigned> constant = std::nullopt;
    z3::expr is(unsigned code) const;
  };
  z3::expr holds(const ir::Requirement& requirement);
  z3::expr in(const std::string& key, const std::vector<std::string>& values);
  z3::expr exists(const std::string& key);
  z3::expr in_namespaces(const std::vector<std::string>& names);
  KeyKind kind(const std::string& key) const;
  const Code& code(const std::string& key);
  Code fresh(const std::string& name, unsigned count, std::optional<unsigned> constant);
  void tie_to_namespace(const std::string& key, const Code& made);
  void set_apart(ir::LabelSet& labels) const;
  std::string value_of(const std::string& key, unsigned code) const;
  std::string namespace_of(const z3::model& model) const;
  std::vector<std::pair<std::string, std::string>> own_labels(const z3::model& model) const;

  const Universe& universe_;
  z3::context& context_;
  const std::string role_;
  const PodPattern pattern_;
  const Is is_;
  std::vector<z3::expr> facts_;
  Code namespace_;
  std::map<std::string, Code> codes_;
  std::map<std::pair<std::string, ir::Protocol>, z3::expr> ports_, identity_ports_;
  std::map<ir::Selector, z3::expr> known_;
};

}  // namespace netpolc::verify::symbolic
