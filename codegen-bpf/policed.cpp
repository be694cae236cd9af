#include "codegen-bpf/policed.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace netpolc::codegen_bpf {
namespace {

bool names_namespace(const ir::Requirement& one) {
  return (one.source == "k8s" || one.source == "any") &&
         (one.key == "io.kubernetes.pod.namespace" || one.key == "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name");
}

std::set<std::string> both(const std::set<std::string>& one, const std::set<std::string>& other) {
  std::set<std::string> out;
  std::set_intersection(one.begin(), one.end(), other.begin(), other.end(), std::inserter(out, out.end()));
  return out;
}

// What one subject says of namespaces.
struct Bounds {
  std::optional<std::set<std::string>> within;  // none: any
  std::set<std::string> without;
  bool nobody = false;
};

Bounds bounds(const ir::Selector& subject) {
  Bounds out;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> values;  // that a label may have, by source and key
  for (const ir::Requirement& one : subject.requirements) {
    const bool demanded = one.op == ir::Operator::In || one.op == ir::Operator::Exists;
    if (one.source == "reserved" && demanded) out.nobody = true;  // no pod's labels are
    const std::set<std::string> named(one.values.begin(), one.values.end());
    if (one.op == ir::Operator::In) {
      const auto [known, first] = values.emplace(std::pair(one.source, one.key), named);
      if (!first) known->second = both(known->second, named);
      if (known->second.empty()) out.nobody = true;
    }
    if (!names_namespace(one)) continue;
    if (one.op == ir::Operator::In) out.within = out.within ? both(*out.within, named) : named;
    else if (one.op == ir::Operator::NotIn) out.without.insert(named.begin(), named.end());
    else if (one.op == ir::Operator::DoesNotExist) out.nobody = true;  // every pod has one
  }
  return out;
}

}  // namespace

Policed policed(const ir::PolicySet& policies) {
  Policed out;
  for (const ir::Policy& policy : policies.policies) {
    if (policy.subject_is_node) continue;
    const Bounds its = bounds(policy.subject);
    if (its.nobody) continue;
    if (its.within) {
      for (const std::string& ns : *its.within)
        if (!its.without.contains(ns)) out.namespaces.insert(ns);
      continue;
    }
    out.except = out.everywhere ? both(out.except, its.without) : its.without;
    out.everywhere = true;
  }
  return out;
}

}  // namespace netpolc::codegen_bpf
