// frontend/policy/cluster_network_policy_peers.h — whom a ClusterNetworkPolicy speaks of: its
// subject and the peers of its rules (section 6.6), and the shape all its unions have.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "frontend/policy/object.h"
#include "ir/policy.h"

namespace netpolc::frontend::policy {

// The one field of `at` that is set. None: it has several or none, and that has been reported.
std::optional<std::string_view> only_field(Judge& judge, const Value& at, const std::vector<std::string_view>& known);
// A list that is present has 1 to `limit` items.
void check_list(Judge& judge, const Value& at, std::string_view key, std::size_t limit);

// `namespaces` or `pods` of a subject or peer: pods of any cluster.
ir::Selector read_pods(Judge& judge, const Value& at, std::string_view kind);

// What one peer makes of `base`, a rule without peers: one rule; with names of domains a second
// one, for asking the cluster's DNS; none for an Accept of a kind of peer that is not known.
std::vector<ir::Rule> read_cluster_peer(Judge& judge, const Value& peer, const ir::Rule& base);

}  // namespace netpolc::frontend::policy
