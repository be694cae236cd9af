// frontend/cluster/options.h — which options of the cilium-config ConfigMap are read at all (config.cpp).
#pragma once
#include <optional>
#include <string>

namespace netpolc::frontend {

bool is_read_option(const std::string& option);
// As Go's strconv.ParseBool.
std::optional<bool> parse_flag(const std::string& text);

}  // namespace netpolc::frontend
