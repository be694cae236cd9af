// compiler/lint/facts.h — what rules ask about the input: who is selected, who has an address, which labels exist, and where
// something is written. Built once; a selector costs what its labels cost, a set of identities one word for 64 of them.
// Everything given to it outlives it. Not thread-safe.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/lint/places.h"
#include "ir/cluster.h"
#include "ir/decide/selector_index.h"
#include "ir/eval/eval.h"
#include "ir/identity/identities.h"

namespace netpolc::lint {

using ir::Bits;

bool any(const Bits& bits);
std::optional<std::size_t> first(const Bits& bits);
std::size_t size(const Bits& bits);
Bits both(Bits one, const Bits& other);
Bits without(Bits one, Bits other);

inline constexpr std::string_view namespace_key = "io.kubernetes.pod.namespace";

// Whose address one is.
struct Owner {
  IpAddress address;
  enum class Kind : std::uint8_t { Pod, Node, Service } kind = Kind::Pod;
  std::uint32_t index = 0;  // into Cluster::endpoints, nodes or services
};

class Facts {
 public:
  Facts(const ir::PolicySet& policies, const ir::Cluster& cluster, const ir::Resolutions& resolutions, Places& places);

  const std::vector<ir::Policy>& policies() const { return policies_.policies; }
  const ir::Cluster& cluster() const { return cluster_; }
  ir::eval::World world() const { return {policies_, cluster_, resolutions_}; }
  Places& places() const { return places_; }
  bool has_workloads() const { return !cluster_.endpoints.empty(); }

  // ---- who: sets of identities, by position -------------------------------------------------
  Bits nobody() const { return Bits(identities_.all().size()); }
  Bits select(const ir::Selector& selector) const { return index_.select(selector); }
  Bits inside(const IpPrefix& prefix) const { return index_.inside(prefix); }  // what a prefix of some policy gave an identity
  const Bits& managed() const { return managed_; }      // of pods of this cluster that policy governs
  const Bits& workloads() const { return workloads_; }  // ... and of other clusters
  // Managed identities that the policy governs; nobody for policies of nodes.
  const Bits& subjects(std::size_t policy) const { return subjects_[policy]; }
  const ir::Identity& identity(std::size_t position) const { return identities_.all()[position]; }
  std::size_t identities() const { return identities_.all().size(); }
  // Endpoints with these identities: their numbers in Cluster::endpoints, sorted.
  std::vector<std::uint32_t> endpoints(const Bits& identities) const;
  const std::vector<std::uint32_t>& endpoints_at(std::size_t position) const { return endpoints_[position]; }
  std::size_t count(const Bits& identities) const;         // of endpoints
  std::string example(const Bits& identities) const;       // "shop/cart", the first of them
  std::string endpoint_name(std::uint32_t endpoint) const;
  // Pods of the host network that have these labels, though to policy they are their node: numbers in Cluster::endpoints.
  std::vector<std::uint32_t> host_network_pods(const ir::Selector& selector) const;

  // ---- what exists --------------------------------------------------------------------------
  // Sorted by address. Host-network pods have none of their own.
  const std::vector<Owner>& owners() const { return owners_; }
  std::vector<Owner> owners_inside(const IpPrefix& prefix) const;
  bool is_apiserver(const IpAddress& address) const;
  // Values of each label key that workloads have; sorted, unique.
  const std::map<std::string, std::vector<std::string>>& values() const { return values_; }
  bool namespace_has_workloads(const std::string& ns) const;
  // Pods behind a service that selects them.
  Bits backends(const ir::Service& service) const;

 private:
  void index_endpoints();
  void index_addresses();
  void index_labels();

  const ir::PolicySet& policies_;
  const ir::Cluster& cluster_;
  const ir::Resolutions& resolutions_;
  Places& places_;
  const ir::Identities identities_;
  const ir::SelectorIndex index_;
  Bits managed_, workloads_;
  std::vector<std::vector<std::uint32_t>> endpoints_;  // by position
  std::vector<Bits> subjects_;                         // by policy
  std::vector<std::uint32_t> host_network_;            // endpoints
  std::vector<std::string> namespaces_;                // that have workloads; sorted
  std::vector<Owner> owners_;
  std::map<std::string, std::vector<std::string>> values_;  // sorted, unique
};

}  // namespace netpolc::lint
