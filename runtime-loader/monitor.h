// runtime-loader/monitor.h — drop events as they happen, with the names people know.
#pragma once
#include <functional>
#include <string>

#include "ir/map_layout.h"
#include "runtime-loader/bundle.h"
#include "runtime-loader/state.h"

namespace netpolc::loader {

// What an event is explained by.
struct Loaded {
  State state;
  Bundle bundle;
};

// One line each, without its end. `wall_offset`: nanoseconds to add to the kernel's clock.
std::string event_text(const np_event& event, const Loaded& loaded, std::int64_t wall_offset);
std::string event_json(const np_event& event, const Loaded& loaded, std::int64_t wall_offset);

struct MonitorOptions {
  std::string root, state;
  bool json = false;
  std::uint64_t count = 0;       // events to show; 0: until interrupted
  unsigned timeout_seconds = 0;  // 0: none
};
// Gives lines to `show` until an end is reached; what happened before it started and was read by
// nobody comes first. Fails as input where another monitor is reading. Follows reloads.
Done monitor(const MonitorOptions& options, const std::function<void(const std::string&)>& show);

}  // namespace netpolc::loader
