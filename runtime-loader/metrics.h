// runtime-loader/metrics.h — what an installation and its daemon count, in Prometheus' text format
// (version 0.0.4): what /metrics serves and `netpol-loader metrics` prints. docs/operations.md says what
// each means.
//
// Series are bounded by what is on this node: programs in force and their rules, maps, reasons. A
// program's rules have its digest as a label, so a counter never goes back while its series lives.
#pragma once
#include <cstdint>
#include <string>

#include "runtime-loader/result.h"
#include "runtime-loader/status.h"

namespace netpolc::loader {

// Of the process that asks.
struct ProcessFigures {
  std::uint64_t resident_bytes = 0, resident_peak_bytes = 0, open_files = 0;
  double cpu_seconds = 0;
};
// What can't be read is 0.
ProcessFigures own_process();

// `status`: what was read, or why it could not be. `daemon`: null outside a daemon; then the figures in
// `status` are shown, where one runs. `process`: null outside a daemon. Ends with a newline.
std::string metrics_text(const Result<Status>& status, const DaemonFigures* daemon = nullptr, const ProcessFigures* process = nullptr);

}  // namespace netpolc::loader
