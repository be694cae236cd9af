// codegen-bpf/selectors.h — peer conditions as JSON (docs/bundle.md, "Selectors"): what lets a
// node judge label sets that came after the bundle was compiled.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "ir/decide/table.h"

namespace netpolc::codegen_bpf {

// One element a bit. Equal conditions, equal text.
nlohmann::ordered_json selectors(const ir::DirectionTable& table);

}  // namespace netpolc::codegen_bpf
