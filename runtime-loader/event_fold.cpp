#include "runtime-loader/event_fold.h"

namespace netpolc::loader {
namespace {

constexpr std::size_t kKept = 4096;  // kinds of events

// Everything that makes an event another one, byte for byte.
std::string key_of(np_event event) {
  event.time = 0;
  event.length = 0;
  event.tcp_flags = 0;
  const bool ports = event.protocol == 6 || event.protocol == 17 || event.protocol == 132;
  if (ports) event.source_port = 0;
  return {reinterpret_cast<const char*>(&event), sizeof event};
}

}  // namespace

void EventFold::add(Seen seen) {
  std::string key = key_of(seen.event);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    ++found->second->repeats.count;
    found->second->seen = std::move(seen);
    return;
  }
  const std::int64_t first = seen.time;
  order_.push_back({key, std::move(seen), {1, first}});
  by_key_.emplace(std::move(key), std::prev(order_.end()));
}

void EventFold::put_first(const Put& put) {
  const Entry& entry = order_.front();
  put(entry.seen, entry.repeats);
  by_key_.erase(entry.key);
  order_.pop_front();
}

void EventFold::put_due(std::int64_t now, const Put& put) {
  if (order_.size() > kKept) return put_all(put);
  while (!order_.empty() && order_.front().repeats.first + window_ <= now) put_first(put);
}

void EventFold::put_all(const Put& put) {
  while (!order_.empty()) put_first(put);
}

}  // namespace netpolc::loader
