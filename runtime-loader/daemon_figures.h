// runtime-loader/daemon_figures.h — what the daemon (`netpol-loader run`) says of itself: to its
// metrics and its health probe through SharedFigures, to `netpol-loader status` through a file.
//
//   STATE/daemon.json   the figures as JSON, replaced in one step after each pass that changed them
//
// The file stays when the daemon ends: `pid` and the lock of STATE/daemon.lock say whether one runs.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "runtime-loader/result.h"

namespace netpolc::loader {

// An endpoint that is asked for and not enforced, and why.
struct EndpointWord {
  std::string endpoint, ifname, netns;
  std::string origin;  // "list" or "feed"
  std::string reason;
};

// From when the daemon learned of something until it was in force.
struct LatencyHistogram {
  static constexpr std::array<double, 11> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};  // seconds
  std::array<std::uint64_t, kBounds.size() + 1> counts{};  // of each bucket alone, the last one beyond all bounds
  double sum = 0;                                          // seconds
  void add(double seconds);
  std::uint64_t total() const;
};

struct DaemonFigures {
  std::uint64_t pid = 0;
  std::string version;
  std::int64_t started = 0;  // times are Unix time in ms; 0: never
  bool ready = false;        // what is wanted is in force, or nothing is wanted
  bool healthy = true;       // its loop turns, and it can read what it watches and write its state
  std::string state;         // one sentence: what it is doing, or what keeps it from being ready

  std::string watch, feed;   // directory and socket; "": none
  std::string wanted_bundle; // digest; "": none is wanted, or it isn't known which
  std::string wanted_path;
  std::string bundle_error;  // why it isn't in force: half copied, refused, rolled back, several without `current`; "": it is
  std::string feed_error;    // why endpoints that the feed named may be missing; "": all is well
  std::string list_error;    // why the lines of before are in force; "": all is well
  std::int64_t backoff_until = 0;  // a load is tried again then

  std::uint64_t loads = 0;         // that were tried
  // By kind: "bundle" (incomplete, damaged or refused for what it is) and "machine" (the kernel refused, no room, …).
  std::map<std::string, std::uint64_t> load_failures;
  std::string last_error;          // of a load, in words; stays after a later success
  std::int64_t last_error_at = 0;
  std::int64_t last_load_at = 0;   // that succeeded

  std::uint64_t endpoints_added = 0, endpoints_removed = 0, endpoint_failures = 0;  // so far
  std::size_t from_list = 0, from_feed = 0;    // that are asked for now
  std::vector<EndpointWord> waiting;  // for their interface
  std::vector<EndpointWord> failed;   // could not be attached; tried again
  std::vector<EndpointWord> blocked;  // nothing passes
  std::vector<EndpointWord> open;     // left alone

  std::size_t feed_connections = 0;   // now
  std::uint64_t feed_accepted = 0, feed_rejected = 0;      // connections so far; rejected: by who they are or for their number
  std::map<std::string, std::uint64_t> feed_requests;      // by op; "invalid": what is none
  std::map<std::string, std::uint64_t> feed_errors;        // answers by code

  std::uint64_t watch_errors = 0;   // times that the directory, the list or the links could not be read
  std::uint64_t events_lost = 0;    // times that the kernel said so; everything was looked at again then
  std::uint64_t passes = 0;         // of comparing what is wanted with what is
  LatencyHistogram latency;
};

std::string to_json(const DaemonFigures& figures);
// Fails as input where the text is not what to_json wrote. `name`: for messages.
Result<DaemonFigures> parse_daemon_figures(const std::string& text, const std::string& name);

// STATE/daemon.json and STATE/daemon.lock of a state directory.
std::string daemon_figures_path(const std::string& state_directory);
std::string daemon_lock_path(const std::string& state_directory);
// Is a daemon at work there now? Takes no lock for longer than the question.
bool daemon_runs(const std::string& state_directory);

// The daemon sets, others get: any thread.
class SharedFigures {
 public:
  DaemonFigures get() const {
    const std::lock_guard guard(mutex_);
    return figures_;
  }
  void set(const DaemonFigures& figures) {
    const std::lock_guard guard(mutex_);
    figures_ = figures;
  }

 private:
  mutable std::mutex mutex_;
  DaemonFigures figures_;
};

}  // namespace netpolc::loader
