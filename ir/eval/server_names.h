// ir/eval/server_names.h — what `serverNames` mean (semantics reference 7.5): names as written before 1.18, a leading
// wildcard before 1.20, patterns from then on.
#pragma once
#include <string>
#include <string_view>

#include "ir/cluster.h"

namespace netpolc::ir::eval {

// As it is compared: lower case, without a final dot.
std::string canonical_server_name(std::string_view name);

// Labels of letters, digits, `-` and `_` between single dots.
bool is_server_name(std::string_view name);

// Whether it is said what this version makes of the pattern. Not of capitals, of `**` as a part of a label …
bool server_name_pattern_is_known(std::string_view pattern, CiliumVersion version);

// Preconditions: the pattern is known, the name canonical.
bool server_name_matches(std::string_view pattern, std::string_view name, CiliumVersion version);

}  // namespace netpolc::ir::eval
