// frontend/import/fields.h — the fields that are read of each kind of object. A change in what frontend/cluster reads needs one here;
// the test compares what is loaded before and after.
#pragma once
#include <string>
#include <vector>

#include "frontend/yaml/document.h"

namespace netpolc::frontend {

// The object without the fields that nobody reads; `removed`: where the topmost of those stand, key and value. An object that has
// none of the fields that its kind is kept for has `apiVersion` and `kind` left.
Node without_unread_fields(const Node& object, const std::string& kind, std::vector<Span>& removed);

}  // namespace netpolc::frontend
