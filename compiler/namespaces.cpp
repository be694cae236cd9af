#include "compiler/namespaces.h"

#include <algorithm>
#include <vector>

#include "ir/base/near_names.h"

namespace netpolc::compiler {

std::string unknown_namespace(const std::string& ns, const frontend::Loaded& loaded) {
  std::vector<std::string> known;
  for (const ir::Namespace& one : loaded.cluster.namespaces) known.push_back(one.name);
  for (const ir::Endpoint& one : loaded.cluster.endpoints) known.push_back(one.ns);
  for (const ir::Policy& one : loaded.policies.policies) known.push_back(one.ns);
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  if (ns.empty() || std::binary_search(known.begin(), known.end(), ns)) return "";
  return "there is no namespace `" + ns + "`" + did_you_mean(ns, known);
}

}  // namespace netpolc::compiler
