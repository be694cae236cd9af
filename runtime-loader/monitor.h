// runtime-loader/monitor.h — drop events as they happen, with the names people know.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "runtime-loader/event_filter.h"
#include "runtime-loader/event_output.h"
#include "runtime-loader/running.h"

namespace netpolc::loader {

struct MonitorOptions {
  Where where;
  EventForm form = EventForm::Text;
  EventFilter filter;
  std::uint64_t count = 0;       // lines to show, of events that pass the filter; 0: until interrupted
  unsigned timeout_seconds = 0;  // 0: none
  unsigned fold_seconds = 0;     // events that differ in nothing but time and source port are shown once in so many seconds; 0: all are
};

// Every event that was read is one of these.
struct MonitorTally {
  std::uint64_t shown = 0;     // lines say of them; folded ones too
  std::uint64_t filtered = 0;  // out
  std::uint64_t lost = 0;      // never written: more than the limit, or than the ring has room for
  double seconds = 0;
};

// Gives whole lines, each with its end, to `show`, as many at a time as came together; it returns false where nobody reads
// them any more. `output`: the descriptor that `show` writes to, looked at meanwhile (-1: none). Ends as the options say, on an interrupt, and when nobody reads.
//
// What happened before it started and was read by nobody comes first. Events that were lost are told of after those that were read
// before it was noticed, also those that no earlier monitor has told of. What a program of a former generation has
// written is told in that generation's words. Fails as input where another monitor is reading, or when what is loaded is taken away.
Result<MonitorTally> monitor(const MonitorOptions& options, int output, const std::function<bool(std::string_view)>& show);

}  // namespace netpolc::loader
