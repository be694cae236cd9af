// runtime-loader/events.h — reading np_event from the ring buffer that programs write to.
#pragma once
#include <functional>
#include <memory>

#include "ir/map_layout.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

// One reader a ring: what is read is gone.
class EventReader {
 public:
  using Visit = std::function<void(const np_event&)>;
  static Result<EventReader> open(int map);
  // Visits what is there, without waiting.
  Done read(const Visit& visit);
  // Waits up to `milliseconds` for something to be there; an interrupting signal ends the wait.
  Done wait(const Visit& visit, int milliseconds);

  EventReader(EventReader&&) noexcept;
  EventReader& operator=(EventReader&&) noexcept;
  ~EventReader();

 private:
  struct Ring;
  EventReader();
  std::unique_ptr<Ring> ring_;
};

}  // namespace netpolc::loader
