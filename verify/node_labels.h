// verify/node_labels.h — the labels of nodes.
#pragma once
#include <string_view>

#include "ir/cluster.h"

namespace netpolc::verify {

// `reserved:host` and the node's identity-relevant labels (section 2.2) with source k8s.
ir::LabelSet host_labels(const ir::Node& node);

// Whether a node's label with this key becomes one of its host's identity.
bool is_host_label(std::string_view key);

// Is it a node's, whether as the host or as seen by others?
bool is_node(const ir::LabelSet& labels);

}  // namespace netpolc::verify
