// frontend/helm_values.h — values of Cilium's Helm chart, as the ConfigMap cilium-config that the chart makes of them.
//
// Source of the rules: templates/cilium-configmap.yaml and values.yaml of the chart, 1.16 to 1.20. Values are what `helm -f` takes (the
// chart's defaults stand where they say nothing) or what `helm get values -a` prints. Values of which no option of the agent is made
// are passed over, and so are those of options that policies do not depend on.
#pragma once
#include <string>

#include "frontend/yaml/document.h"

namespace netpolc::frontend {

// By its shape: a mapping that is no Kubernetes object and has keys of the chart, or nothing.
bool is_helm_values(const Node& document);

// Places are those of the values, so that a fault is shown where it was written. A value of the wrong type is reported (NP254) and
// left out.
Node config_map_of(const Node& values, DiagSink& sink);

// `image.tag`, "v1.18.2"; "" if it is not said.
std::string image_tag(const Node& values);

}  // namespace netpolc::frontend
