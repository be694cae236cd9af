#include "runtime-loader/events.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>

namespace netpolc::loader {

struct EventReader::Ring {
  ring_buffer* buffer = nullptr;
  const Visit* visit = nullptr;
  ~Ring() { ring_buffer__free(buffer); }
};

namespace {

template <class Ring>
int deliver(void* context, void* data, std::size_t size) {
  const auto* ring = static_cast<const Ring*>(context);
  np_event event{};
  if (size < sizeof event) return 0;  // of a program that isn't ours
  std::memcpy(&event, data, sizeof event);
  (*ring->visit)(event);
  return 0;
}

}  // namespace

EventReader::EventReader() : ring_(std::make_unique<Ring>()) {}
EventReader::EventReader(EventReader&&) noexcept = default;
EventReader& EventReader::operator=(EventReader&&) noexcept = default;
EventReader::~EventReader() = default;

Result<EventReader> EventReader::open(int map) {
  EventReader reader;
  reader.ring_->buffer = ring_buffer__new(map, deliver<Ring>, reader.ring_.get(), nullptr);
  if (reader.ring_->buffer == nullptr) return refused("opening the ring buffer of events", errno);
  return reader;
}

Done EventReader::read(const Visit& visit) {
  ring_->visit = &visit;
  const int got = ring_buffer__consume(ring_->buffer);
  if (got < 0) return refused("reading events", -got);
  return {};
}

Done EventReader::wait(const Visit& visit, int milliseconds) {
  ring_->visit = &visit;
  const int got = ring_buffer__poll(ring_->buffer, milliseconds);
  if (got < 0 && got != -EINTR) return refused("waiting for events", -got);
  return {};
}

}  // namespace netpolc::loader
