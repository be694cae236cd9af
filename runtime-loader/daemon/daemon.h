// runtime-loader/daemon/daemon.h — `netpol-loader run`: keeps in force what a directory and a socket say, for
// as long as it runs (docs/daemon.md). One thread; the kernel's work may make it late, never forgetful: after
// each event what is wanted is compared with what is there (decide.h).
//
// Nothing depends on its being alive: what is in force is pinned, and stays when it ends.
#pragma once
#include <cstdint>
#include <string>

#include "runtime-loader/command.h"
#include "runtime-loader/daemon_figures.h"
#include "runtime-loader/endpoints.h"
#include "runtime-loader/load.h"

namespace netpolc::loader::daemon {

struct RunOptions {
  Where where;
  LoadOptions load;             // what every load is asked with; bundle and requests are the daemon's
  EndpointOptions endpoints;
  std::string load_words;       // the options of `load` as they were given: others than before are a reason to load again
  std::string watch;            // directory; "": none
  std::string feed;             // path of the socket; "": none
  std::string metrics;          // HOST:PORT; "": none
  bool metrics_anywhere = false;  // it need not be loopback's
  bool json_log = false;
  std::string version;
};

// Until SIGTERM or SIGINT; returns the exit code. SIGHUP: looks at everything again.
int run(const RunOptions& options);

}  // namespace netpolc::loader::daemon
