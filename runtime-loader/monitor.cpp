#include "runtime-loader/monitor.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <chrono>
#include <ctime>

#include "runtime-loader/events.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/kept_bundle.h"

namespace netpolc::loader {
namespace {

std::int64_t nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// The loaded bundle, read again when another was loaded.
class Follower {
 public:
  explicit Follower(const Installation& site) : site_(site) {}

  Done refresh() {
    struct stat info {};
    if (stat(site_.state_path().c_str(), &info) != 0)
      return bad_input("what was loaded under " + site_.root() + " has been unloaded");
    if (info.st_ino == inode_ && info.st_mtim.tv_sec == changed_.tv_sec && info.st_mtim.tv_nsec == changed_.tv_nsec)
      return {};
    auto known = read_state(site_);
    if (!known) return tl::make_unexpected(known.error());
    if (!known->current || known->state.bundle.empty()) return bad_input("nothing is loaded under " + site_.root());
    if (known->state.bundle != loaded_.bundle.digest) {
      auto bundle = kept_manifest(site_, known->state.bundle);
      if (!bundle) return tl::make_unexpected(bundle.error());
      loaded_.bundle = std::move(*bundle);
    }
    loaded_.state = std::move(known->state);
    for (const auto& [id, key] : loaded_.state.learned) {
      auto& labels = loaded_.bundle.identities[id];
      if (!labels.empty()) continue;
      for (const ir::Label& label : key.labels) labels.push_back(label.to_string());
    }
    inode_ = info.st_ino;
    changed_ = info.st_mtim;
    return {};
  }
  const Loaded& loaded() const { return loaded_; }

 private:
  const Installation& site_;
  Loaded loaded_;
  ino_t inode_ = 0;
  timespec changed_{};
};

// The ring has one reader: two would each see half.
Result<Fd> only_reader(const Installation& site) {
  const std::string path = site.state_directory() + "/monitor.lock";
  Fd lock{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!lock) return refused("opening " + path, errno);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return bad_input("another monitor is reading the events of " + site.root());
  return lock;
}

}  // namespace

Done monitor(const MonitorOptions& options, const std::function<void(const std::string&)>& show) {
  const auto site = Installation::find(options.root, options.state);
  if (!site) return tl::make_unexpected(site.error());
  Follower follower(*site);
  if (const Done done = follower.refresh(); !done) return done;
  const auto lock = only_reader(*site);
  if (!lock) return tl::make_unexpected(lock.error());
  const Fd ring = open_pinned(site->map_path(NP_MAP_EVENTS));
  if (!ring) return refused("the ring buffer of events is not where it was pinned");
  auto reader = EventReader::open(ring.get());
  if (!reader) return tl::make_unexpected(reader.error());

  const std::int64_t wall_offset = nanoseconds(CLOCK_REALTIME) - nanoseconds(CLOCK_MONOTONIC);
  const std::int64_t end = options.timeout_seconds == 0
                               ? INT64_MAX
                               : nanoseconds(CLOCK_MONOTONIC) + options.timeout_seconds * std::int64_t{1'000'000'000};
  std::uint64_t shown = 0;
  const auto enough = [&] { return options.count != 0 && shown >= options.count; };
  while (!interrupted() && !enough() && nanoseconds(CLOCK_MONOTONIC) < end) {
    const Done done = reader->wait(
        [&](const np_event& event) {
          if (enough()) return;
          ++shown;
          show((options.json ? event_json : event_text)(event, follower.loaded(), wall_offset));
        },
        200);
    if (!done) return done;
    if (const Done current = follower.refresh(); !current) return current;
  }
  return {};
}

}  // namespace netpolc::loader
