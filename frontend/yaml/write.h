// frontend/yaml/write.h — a tree as block YAML, the way back from frontend/yaml/document.h: what is read from the text is the tree.
// The text depends on the tree alone. Strings that another reader of YAML could take for something else are quoted.
#pragma once
#include <string>

#include "frontend/yaml/document.h"

namespace netpolc::frontend {

// Of one document, without `---`; ends with a line break.
std::string to_yaml(const Node& document);

// The same trees, wherever they are written and in whatever order of keys: a string may be quoted in one and plain in the other.
bool same_tree(const Node& a, const Node& b);

}  // namespace netpolc::frontend
