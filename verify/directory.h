// verify/directory.h — finds endpoints, nodes and services by name, label, address or number,
// and turns endpoint references (docs: the command-line contract) into ends. Read-only once
// built; look-ups by name and address cost one hash, and pods nothing unless one of them is asked for.
#pragma once
#include <memory>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "ir/identity/identities.h"
#include "verify/ends.h"

namespace netpolc::verify {

using Ends = std::vector<End>;
using Resolved = tl::expected<Ends, RefError>;

struct IpHash {
  std::size_t operator()(const IpAddress& address) const noexcept;
};

class Directory {
 public:
  // All of them outlive the directory.
  Directory(const ir::PolicySet& policies, const ir::Cluster& cluster, const ir::Resolutions& resolutions,
            const ir::IdentityLock& lock);

  // `flow`: chooses the port of a service; none where every port is asked about.
  Resolved resolve(std::string_view reference, const std::optional<ir::Flow>& flow) const;
  // Whether the answer of `resolve` depends on `flow`.
  bool depends_on_flow(std::string_view reference) const;

  const ir::Cluster& cluster() const { return cluster_; }
  std::optional<std::uint32_t> node_by_name(std::string_view name) const;
  bool is_apiserver(const IpAddress& address) const;
  End endpoint_end(std::uint32_t endpoint, std::optional<std::uint32_t> pod) const;
  End address_end(const IpAddress& address) const;
  // Addresses outside the cluster: one for all that policies (and `cuts`) treat alike.
  Ends outside(const std::vector<IpPrefix>& cuts) const;

 private:
  Resolved by_name(std::string_view reference) const;
  Resolved by_labels(std::string_view ns, std::string_view selector) const;
  Resolved by_identity(std::string_view number) const;
  Resolved by_entity(std::string_view name) const;
  Resolved by_address(std::string_view text, const std::optional<ir::Flow>& flow) const;
  Resolved by_prefix(std::string_view text) const;
  Resolved by_fqdn(std::string_view name) const;
  Resolved by_service(std::string_view text, const std::optional<ir::Flow>& flow) const;
  Ends everyone() const;

  Ends backends(const ir::Service& service) const;
  Resolved translated(const ir::Service& service, std::string_view port, const std::optional<ir::Flow>& flow) const;
  Ends world() const;
  std::string near_miss(std::string_view name) const;
  std::vector<IpPrefix> interesting_prefixes() const;
  const ir::Identities& identities() const;

  struct PodAt {
    std::uint32_t endpoint = 0;
    std::uint32_t pod = 0;
  };
  struct Pods {
    std::unordered_map<std::string, PodAt> by_name;  // "ns/pod"
    std::unordered_map<IpAddress, PodAt, IpHash> by_address;
  };
  const Pods& pods() const;
  const ir::PolicySet& policies_;
  const ir::Cluster& cluster_;
  const ir::Resolutions& resolutions_;
  const ir::IdentityLock& lock_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> workloads_;  // "ns/name"
  std::unordered_map<IpAddress, std::uint32_t, IpHash> node_addresses_;
  std::unordered_map<IpAddress, std::uint32_t, IpHash> cluster_ips_;  // of services
  std::unordered_map<std::string, std::uint32_t> nodes_;
  std::unordered_map<std::string, std::uint32_t> services_;
  mutable std::unique_ptr<ir::Identities> identities_;  // built when a number is asked for
  mutable std::unique_ptr<Pods> pods_;                  // built when a pod or an address is asked for
};

}  // namespace netpolc::verify
