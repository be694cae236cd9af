// runtime-loader/cni/feed_client.h — one request to the daemon's feed socket, and its answer (docs/daemon.md).
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "runtime-loader/cni/error.h"

namespace netpolc::cni {

// Why there is no answer. `Missing`: nobody listens, or answers in time; whether the request was done is not known then.
struct NoAnswer {
  std::string why;
};

// Connects, writes `request` as a line, and reads a line, all within `timeout_ms`. What comes back is an object with a boolean `ok`.
tl::expected<nlohmann::ordered_json, NoAnswer> ask_daemon(const std::string& socket, const nlohmann::ordered_json& request, int timeout_ms);

}  // namespace netpolc::cni
