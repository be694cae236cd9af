// runtime-loader/daemon/directory.h — what a watched directory holds: bundles, and the list of endpoints.
//
//   DIR/current          the bundle that is wanted, or a symbolic link to it
//   DIR/NAME             without `current`: the only directory with a bundle.json
//   DIR/endpoints.jsonl  the endpoints of this node: lines as `load --attach-file` takes them
#pragma once
#include <string>
#include <vector>

#include "runtime-loader/attachment.h"
#include "runtime-loader/daemon/decide.h"
#include "runtime-loader/result.h"

namespace netpolc::loader::daemon {

inline constexpr const char* kListName = "endpoints.jsonl";

struct DirectorySeen {
  BundleSeen bundle;                 // its digest as it says itself; a load checks it
  std::vector<std::string> folders;  // whose changes may change the answer; no more than 512
};
DirectorySeen look_at_directory(const std::string& directory);

// Fails as input with file:line:column. No two lines speak of one interface. Sets `origin` to "list".
Result<std::vector<AttachRequest>> parse_endpoint_list(const std::string& text, const std::string& name);

// One line of it. `column`, where it fails: of what is wrong, from 1.
Result<AttachRequest> parse_endpoint(const std::string& line, std::size_t& column);

}  // namespace netpolc::loader::daemon
