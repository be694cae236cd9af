// codegen-bpf/policed.h — of which namespaces policies speak, whether or not there is a pod of it now: what the loader goes by
// when a pod comes that the bundle does not know (docs/bundle.md).
#pragma once
#include <set>
#include <string>

#include "ir/policy.h"

namespace netpolc::codegen_bpf {

struct Policed {
  std::set<std::string> namespaces;
  bool everywhere = false;       // some policy may select pods of any namespace,
  std::set<std::string> except;  // but for these, which no such policy may select
};

// A subject is bound to the namespaces that its requirements name by their name, in Cilium's label for that or Kubernetes'
// (kubernetes.io/metadata.name). One that goes by other labels of namespaces may select pods of any. One that no pod can meet,
// and those of nodes, select nobody.
Policed policed(const ir::PolicySet& policies);

}  // namespace netpolc::codegen_bpf
