// verify/node_labels.h — the labels of a node's host endpoint.
#pragma once
#include "ir/cluster.h"

namespace netpolc::verify {

// `reserved:host` and the node's identity-relevant labels (section 2.2) with source k8s.
ir::LabelSet host_labels(const ir::Node& node);

}  // namespace netpolc::verify
