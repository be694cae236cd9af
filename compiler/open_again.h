// compiler/open_again.h — opens the same input again and again: for commands that wait for files to change.
#pragma once
#include "compiler/session.h"
#include "frontend/parse_cache.h"

namespace netpolc::compiler {

// As open() of a new session; files that are as they were are not parsed again. `parsed` outlives the session, and is the session's
// until the next call.
std::optional<int> open_again(const InputOptions& options, frontend::ParseCache& parsed, Session& session);

}  // namespace netpolc::compiler
