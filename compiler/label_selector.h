// compiler/label_selector.h — kubectl's `-l`.
#pragma once
#include <string>
#include <tl/expected.hpp>

#include "ir/labels.h"

namespace netpolc::compiler {

// "k=v", "k==v", "k!=v", "k" and "!k" with commas between, all of which must hold; a key may have its source, "k8s:k". "" selects
// everything. The set-based forms (`in`, `notin`) are refused by name.
tl::expected<ir::Selector, std::string> label_selector(const std::string& text);

}  // namespace netpolc::compiler
