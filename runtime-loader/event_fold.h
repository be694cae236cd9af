// runtime-loader/event_fold.h — repeats of an event as one: what differs in nothing but its time, its length, TCP's flags and
// the side that answers nothing, the source port.
#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>

#include "runtime-loader/event_output.h"

namespace netpolc::loader {

class EventFold {
 public:
  // The last of the events, and how many they were.
  using Put = std::function<void(const Seen&, const Repeats&)>;
  // `window`: ns. Each kind of event has its own, which begins with the first of them.
  explicit EventFold(std::int64_t window) : window_(window) {}

  void add(Seen seen);
  // Gives away those whose window is over at `now` (wall clock, ns), in the order in which they began; all of them where there are too many to keep.
  void put_due(std::int64_t now, const Put& put);
  // Before the names change that they point to, and at the end.
  void put_all(const Put& put);
  bool empty() const { return order_.empty(); }

 private:
  struct Entry {
    std::string key;
    Seen seen;
    Repeats repeats;
  };
  void put_first(const Put& put);

  std::int64_t window_;
  std::list<Entry> order_;
  std::map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace netpolc::loader
