// frontend/yaml/places.h — where tokens end. yaml-cpp says only where they start.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace netpolc::frontend::yaml {

// Behind blanks, line breaks and comments.
std::size_t skip_separation(std::string_view text, std::size_t at);
// Behind anchors and tags and what separates them from the value.
std::size_t skip_properties(std::string_view text, std::size_t at);
// The end of the scalar that starts at `at` and reads `value`; npos: its quote is not closed.
std::size_t scalar_end(std::string_view text, std::size_t at, const std::string& value);
// Behind the next `close`; `at` is behind the last token in the collection.
std::size_t flow_end(std::string_view text, std::size_t at, char close);
// Behind the name of the alias or anchor at `at`.
std::size_t name_end(std::string_view text, std::size_t at);
// The length of `~`, `null`, `Null`, `NULL` at `at`, 0 if none is written there as a value.
std::size_t written_null(std::string_view text, std::size_t at);
// Whether the key at `key` is introduced by `?`, and so may lack a value.
bool is_explicit_key(std::string_view text, std::size_t key);
// Whether the blanks at the start of the line of `at` have a tab among them.
bool indented_with_tab(std::string_view text, std::size_t at);
// Whether a document may start at `at`, given that another was before it.
bool document_may_start(std::string_view text, std::size_t at);

}  // namespace netpolc::frontend::yaml
