// frontend/cluster/drift.h — live endpoints whose identity is not the one that the object of their pod gives: its labels were changed
// since, or the agents have another label filter than the input says. NP301; that the live ones count is the caller's to see to.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "frontend/cluster/objects.h"

namespace netpolc::frontend {

class Drift {
 public:
  explicit Drift(const std::vector<ir::Namespace>& namespaces);

  // Whether they are other identities. Labels that only the agents know are not looked at, nor those of a namespace whose object is
  // not given. An endpoint that waits for its identity (reserved:init) has none yet.
  bool differ(const ir::LabelSet& live, const ir::LabelSet& of_pod, const std::string& ns) const;
  void add(const CiliumEndpointObject& endpoint, const ir::LabelSet& live, const PodObject& pod, const ir::LabelSet& of_pod);
  // One warning for all pods that differ in the same way.
  void report(DiagSink& sink) const;

 private:
  struct Seen {
    Span endpoint, pod;  // of the first
    std::string name;
    std::size_t count = 0;
  };
  ir::LabelSet compared(const ir::LabelSet& labels, const std::string& ns) const;

  std::set<std::string> namespaces_;
  std::vector<std::pair<ir::LabelSet, ir::LabelSet>> order_;  // only live, only of the pod
  std::map<std::pair<ir::LabelSet, ir::LabelSet>, Seen> seen_;
};

}  // namespace netpolc::frontend
