// runtime-loader/command.h — what the commands of netpol-loader have in common: options, how they
// speak, and what they end with.
#pragma once
#include <functional>
#include <string>

#include "runtime-loader/installation.h"
#include "runtime-loader/result.h"
#include "runtime-loader/running.h"

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
void add_common(CLI::App& command, CommonOptions& options);

// Says it on stderr; returns the exit code.
int complain(const Failure& failure);
void print(const std::string& text);

// `address` and `identity`, `monitor`. Options live as long as `chosen`.
void add_address_commands(CLI::App& app, CommandAction& chosen);
void add_monitor_command(CLI::App& app, CommandAction& chosen);

}  // namespace netpolc::loader
