// compiler/replay/known.h — what manifests and policies tell about the ends of recorded flows: which workloads there are, and which
// differences between flows policy could see at all. Flows that policy cannot tell apart are one to a recording.
#pragma once
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "ir/cluster.h"
#include "ir/policy.h"

namespace netpolc::compiler::replay {

class Known {
 public:
  // Once for each set of manifests; keeps nothing of theirs.
  void add(const ir::PolicySet& policies, const ir::Cluster& cluster, const ir::Resolutions& resolutions);

  // "ns/workload" of a pod or workload that a manifest has, of pods without one the first replica's; "" for others.
  std::string workload(const std::string& ns, const std::string& pod, const std::string& workload) const;
  // The labels that a manifest gives it. Precondition: workload() said so.
  const ir::LabelSet& labels(const std::string& workload) const { return workloads_.at(workload); }
  // Of a CiliumIdentity; null for others.
  const ir::LabelSet* labels_of(std::uint32_t identity) const;
  // The narrowest prefix that is mentioned anywhere and has the address. None: no prefix has it.
  std::optional<IpPrefix> narrowest(const IpAddress& address) const;

  bool headers_count(const std::string& name) const { return headers_.count(name) != 0; }
  bool http_counts() const { return http_; }
  bool dns_counts() const { return dns_; }
  bool node_addresses_count() const { return node_addresses_; }

 private:
  void add(const std::vector<ir::Endpoint>& endpoints);
  void add(const ir::Rule& rule);
  void add(const IpPrefix& prefix);

  std::unordered_map<std::string, std::string> pods_;  // "ns/pod" → "ns/workload"
  std::unordered_map<std::string, ir::LabelSet> workloads_;
  std::unordered_map<std::uint32_t, ir::LabelSet> identities_;
  std::map<std::pair<bool, int>, std::set<IpPrefix>> prefixes_;  // by family and length
  std::set<std::string> headers_;                                // that rules speak of, lower case
  bool http_ = false, dns_ = false, node_addresses_ = false;
};

}  // namespace netpolc::compiler::replay
