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
  // Gives what is there to `take`, oldest first, until it returns false: what comes after that one stays to be read.
  Done take(const std::function<bool(const np_event&)>& take);
  // For poll(2): readable while something is there.
  int descriptor() const;

  EventReader(EventReader&&) noexcept;
  EventReader& operator=(EventReader&&) noexcept;
  ~EventReader();

 private:
  struct Ring;
  EventReader();
  std::unique_ptr<Ring> ring_;
};

}  // namespace netpolc::loader
