#include "runtime-loader/events.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>

namespace netpolc::loader {

struct EventReader::Ring {
  ring_buffer* buffer = nullptr;
  const std::function<bool(const np_event&)>* take = nullptr;
  ~Ring() { ring_buffer__free(buffer); }
};

namespace {

constexpr int kEnough = -ECANCELED;

template <class Ring>
int deliver(void* context, void* data, std::size_t size) {
  const auto* ring = static_cast<const Ring*>(context);
  np_event event{};
  if (size < sizeof event) return 0;  // of a program that isn't ours
  std::memcpy(&event, data, sizeof event);
  return (*ring->take)(event) ? 0 : kEnough;
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
  return take([&](const np_event& event) {
    visit(event);
    return true;
  });
}

Done EventReader::take(const std::function<bool(const np_event&)>& take) {
  ring_->take = &take;
  const int got = ring_buffer__consume(ring_->buffer);
  if (got < 0 && got != kEnough) return refused("reading events", -got);
  return {};
}

int EventReader::descriptor() const { return ring_buffer__epoll_fd(ring_->buffer); }

}  // namespace netpolc::loader
