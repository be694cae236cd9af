// compiler/explain/place.h — what the outputs of this folder say alike.
#pragma once
#include <string>

#include "ir/base/source.h"
#include "ir/policy.h"

namespace netpolc::explain {

inline constexpr std::size_t kNamesShown = 8;  // without --wide

inline std::string place_text(Span where, const SourceManager& sources) {  // "policies/shop.yaml:12"
  return sources.path(where.file) + ":" + std::to_string(sources.locate(where.file, where.begin).line);
}

inline const char* direction_name(ir::Direction direction) { return direction == ir::Direction::Ingress ? "ingress" : "egress"; }

}  // namespace netpolc::explain
