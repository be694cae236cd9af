// runtime-loader/daemon/feed_store.h — the feed's endpoints on disk, so that they outlive the daemon: also
// those for which nothing is loaded yet, of which the state knows nothing.
//
//   STATE/feed.jsonl   a line each: the request, and the interface that it was said of
#pragma once
#include <map>
#include <string>
#include <vector>

#include "runtime-loader/daemon/decide.h"
#include "runtime-loader/result.h"

namespace netpolc::loader::daemon {

using FeedEndpoints = std::map<Place, FeedEndpoint>;

std::string feed_path(const std::string& state_directory);
struct FeedRead {
  FeedEndpoints endpoints;
  std::vector<std::string> bad;  // lines that say nothing: where, and why
};
// What another boot wrote counts for nothing: interfaces don't outlive it.
Result<FeedRead> read_feed(const std::string& path, const std::string& boot);
Done write_feed(const std::string& path, const FeedEndpoints& endpoints, const std::string& boot);

// The kernel's id of this boot.
std::string boot_id();

}  // namespace netpolc::loader::daemon
