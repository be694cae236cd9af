// runtime-loader/metrics_sources.h — what a daemon's server answers with: the installation as it is when
// somebody asks, and what the daemon says of itself.
#pragma once
#include "runtime-loader/daemon_figures.h"
#include "runtime-loader/metrics_server.h"
#include "runtime-loader/running.h"
#include "runtime-loader/status.h"

namespace netpolc::loader {

// Alive: the daemon says so, and goes on. It has looked at everything within kStandstill seconds when it is asked
// often; a load that takes longer is not what anybody wants either.
// Ready: what is wanted is in force, and no component of `status` fails.
// An answer is given again for a second, so that asking often costs no more. `figures` outlives what is returned.
inline constexpr int kStandstill = 120;
MetricsSources metrics_sources(const Where& where, const SharedFigures& figures);

// Why it isn't; nothing: it is.
std::vector<std::string> why_unready(const Result<Status>& status, const DaemonFigures& figures);

}  // namespace netpolc::loader
