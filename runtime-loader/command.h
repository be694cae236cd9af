// runtime-loader/command.h — what the commands of netpol-loader have in common: options, how they
// speak, and what they end with.
#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "runtime-loader/installation.h"
#include "runtime-loader/result.h"
#include "runtime-loader/running.h"
#include "runtime-loader/trust.h"

namespace CLI {
class App;
}

namespace netpolc::loader {

inline constexpr int kGood = 0, kNegative = 1, kNoAnswer = 2, kInternal = 4, kInterrupted = 130;

using CommandAction = std::function<int()>;

struct CommonOptions {
  std::string root = kDefaultRoot, state, format = "text";
  bool json() const { return format == "json"; }
  Where where() const { return {root, state}; }
};
// --root and --state; with -o text|json.
void add_where(CLI::App& command, CommonOptions& options);
void add_common(CLI::App& command, CommonOptions& options);

// Says it on stderr; returns the exit code.
int complain(const Failure& failure);
void print(const std::string& text);

// --trusted-keys and --require-signature, and who signed in what is printed: null, or keyId, comment, keyFile.
void add_trust_options(CLI::App& command, TrustOptions& trust);
nlohmann::ordered_json signer_json(const std::optional<BundleSigner>& signer);

// `load` and `recover`. Options live as long as `chosen`.
void add_load_commands(CLI::App& app, CommandAction& chosen);
// `run`.
void add_run_command(CLI::App& app, const std::string& version, CommandAction& chosen);
// `address` and `identity`. Options live as long as `chosen`.
void add_address_commands(CLI::App& app, CommandAction& chosen);
// `monitor`
void add_monitor_command(CLI::App& app, CommandAction& chosen);
// `check`
void add_check_command(CLI::App& app, CommandAction& chosen);
// `status`, `policy get` and `metrics`.
void add_status_commands(CLI::App& app, CommandAction& chosen);
// `endpoint list|get|add|remove`.
void add_endpoint_commands(CLI::App& app, CommandAction& chosen);
// `rollback` and `commit`.
void add_generation_commands(CLI::App& app, CommandAction& chosen);
// `connectivity test`.
void add_connectivity_commands(CLI::App& app, CommandAction& chosen);

}  // namespace netpolc::loader
