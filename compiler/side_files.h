// compiler/side_files.h — small files beside the manifests: DNS resolutions and the identity lock.
#pragma once
#include <string>

#include "ir/base/diagnostics.h"
#include "ir/identity/identities.h"

namespace netpolc::compiler {

// The whole of a file, or of a pipe.
Result<std::string> read_text(const std::string& path);

// {"api.example.com": ["192.0.2.11", …], …}
Result<ir::Resolutions> read_resolutions(const std::string& path);

// "ID LABEL,LABEL,…" per line, `#` starts a comment. A file that is not there yet is empty.
Result<ir::IdentityLock> read_identity_lock(const std::string& path);
// Sorted by number; replaces the file in one step.
Result<void> write_identity_lock(const std::string& path, const ir::IdentityLock& lock);

}  // namespace netpolc::compiler
