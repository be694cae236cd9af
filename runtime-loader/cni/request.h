// runtime-loader/cni/request.h — what a container runtime asks for: the environment and the configuration on standard input.
#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/cni/error.h"

namespace netpolc::cni {

// Oldest first. Their results have the same `interfaces` and `ips`, as far as they are read here.
extern const std::vector<std::string> kVersions;

enum class Command { Add, Del, Check, Gc, Status, Version };
enum class OnMissingDaemon { Fail, Allow };

struct Config {
  std::string version;
  std::string socket = "/run/netpolc/feed.sock";
  OnMissingDaemon on_missing = OnMissingDaemon::Fail;
  int timeout_ms = 5000;
  std::optional<nlohmann::ordered_json> previous;  // the result of the plugins before, as it came
};

struct Request {
  Command command = Command::Version;
  std::string container, netns, ifname;
  std::string pod_namespace, pod_name;  // of CNI_ARGS; "": not said
  Config config;
  std::string endpoint() const { return pod_namespace.empty() || pod_name.empty() ? "" : pod_namespace + "/" + pod_name; }
};

// The value of a variable, or null.
using Environment = std::function<const char*(const char*)>;

// "0.4.0" ≤ version; both of kVersions.
bool is_from(const std::string& version, const std::string& first);

// `version`: what answers to the runtime are of: what it asked for, where that is known, even if this fails.
Result<Request> read_request(const Environment& environment, const std::string& input, std::string& version);

}  // namespace netpolc::cni
