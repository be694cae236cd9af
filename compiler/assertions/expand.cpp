#include "compiler/assertions/expand.h"

#include <algorithm>
#include <set>

#include "compiler/assertions/safety.h"

namespace netpolc::compiler::assertions {
namespace {

bool fits(const ir::Requirement& wanted, const std::string* value) {
  const bool listed = value != nullptr && std::binary_search(wanted.values.begin(), wanted.values.end(), *value);
  switch (wanted.op) {
    case ir::Operator::In: return listed;
    case ir::Operator::NotIn: return !listed;
    case ir::Operator::Exists: return value != nullptr;
    case ir::Operator::DoesNotExist: return value == nullptr;
  }
  return false;
}

// A pod's own labels, also those that identities don't have: a test may choose by what policies can't.
const std::string* label_of(const ir::Endpoint& endpoint, const std::string& key) {
  for (const auto* labels : {&endpoint.labels, &endpoint.filtered_out})
    for (const ir::Label& label : *labels)
      if (label.source == "k8s" && label.key == key) return &label.value;
  return nullptr;
}

bool selects(const ForEach& wanted, const ir::Endpoint& endpoint, const ir::Cluster& cluster) {
  if (endpoint.remote || endpoint.host_network) return false;
  for (const ir::Requirement& one : wanted.pods.requirements)
    if (!fits(one, label_of(endpoint, one.key))) return false;
  const auto ns = std::find_if(cluster.namespaces.begin(), cluster.namespaces.end(), [&](const ir::Namespace& one) { return one.name == endpoint.ns; });
  return std::all_of(wanted.namespaces.requirements.begin(), wanted.namespaces.requirements.end(), [&](const ir::Requirement& one) {
    if (ns == cluster.namespaces.end()) return fits(one, nullptr);
    const auto label = ns->labels.find(one.key);
    return fits(one, label == ns->labels.end() ? nullptr : &label->second);
  });
}

std::vector<Test> for_each(const Test& test, const ir::Cluster& cluster) {
  std::set<std::string> names;
  for (const ir::Endpoint& endpoint : cluster.endpoints)
    if (selects(*test.for_each, endpoint, cluster)) names.insert(endpoint.ns + "/" + endpoint.name);
  std::vector<Test> out;
  for (const std::string& name : names) {
    Test one = test;
    one.name += " (" + name + ")";
    one.for_each.reset();
    for (Reference& from : one.from)
      if (from.text == "each") from.text = name;
    for (Target& to : one.to)
      if (to.end.text == "each") to.end.text = name;
    out.push_back(std::move(one));
  }
  if (!out.empty()) return out;
  out.push_back(test);
  out.back().nobody = "forEach: no workload has these labels";
  return out;
}

}  // namespace

std::vector<Test> expand(const Test& test, const frontend::Loaded& loaded, verify::Judge& judge) {
  if (test.for_each) return for_each(test, loaded.cluster);
  if (test.pack.empty()) return {test};
  Pack pack = safety(test.pack, loaded, judge, test.except_from);
  for (Test& one : pack.tests) {
    one.where = test.where;
    one.allow_vacuous = test.allow_vacuous;
  }
  if (!pack.tests.empty()) return std::move(pack.tests);
  Test none = test;
  none.nobody = pack.not_judged;
  return {none};
}

}  // namespace netpolc::compiler::assertions
