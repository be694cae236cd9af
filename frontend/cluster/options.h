// frontend/cluster/options.h — which options of the cilium-config ConfigMap are read at all (config.cpp).
#pragma once
#include <string>

namespace netpolc::frontend {

bool is_read_option(const std::string& option);

}  // namespace netpolc::frontend
