// frontend/import/own_text.h — a policy as its author wrote it, comments and all, without the fields that nobody reads.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "frontend/yaml/document.h"

namespace netpolc::frontend {

// What stands in the file from behind one document to behind `document`, without document markers and without `removed`. None if
// that would not read as `kept`: an alias leads to what is removed, say.
// `after`: where the document before ends, 0 for the first; `before`: where the next one begins, else the file's end.
std::optional<std::string> own_text(std::string_view file, const Node& document, std::size_t after, std::size_t before, const std::vector<Span>& removed, const Node& kept);

// Whether a comment is in it: `#` at a line's begin or behind a blank, perhaps within a quoted text.
bool may_have_comments(std::string_view text);

}  // namespace netpolc::frontend
