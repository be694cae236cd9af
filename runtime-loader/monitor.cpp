#include "runtime-loader/monitor.h"

#include <poll.h>

#include <algorithm>
#include <ctime>

#include "runtime-loader/event_fold.h"
#include "runtime-loader/events.h"
#include "runtime-loader/generation_follower.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/losses.h"

namespace netpolc::loader {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// Between two looks at whether it is time to end, whether events were lost, and who is loaded.
constexpr std::size_t kBatch = 1024;
constexpr std::int64_t kPause = kSecond / 2;

std::int64_t now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

class Monitor {
 public:
  Monitor(const MonitorOptions& options, const Installation& site, int output, const std::function<bool(std::string_view)>& show)
      : options_(options), output_(output), show_(show), names_(site, [this] { fold_all(); }), fold_(options.fold_seconds * kSecond), begin_(now(CLOCK_MONOTONIC)) {}

  Done refresh() { return names_.refresh(); }
  std::uint32_t maps() const { return names_.maps(); }
  Done run(EventReader& reader, Losses& losses) {
    Done done;
    while (done && !over()) {
      wait(reader.descriptor());
      done = step(reader, losses);
    }
    fold_all();
    if (const Done last = finish(losses); done) done = last;
    return done;
  }
  MonitorTally tally() const {
    MonitorTally out = tally_;
    out.seconds = static_cast<double>(now(CLOCK_MONOTONIC) - begin_) / static_cast<double>(kSecond);
    return out;
  }

 private:
  bool enough() const { return options_.count != 0 && taken_ >= options_.count; }
  std::int64_t left() const {
    return options_.timeout_seconds == 0 ? INT64_MAX : begin_ + options_.timeout_seconds * kSecond - now(CLOCK_MONOTONIC);
  }
  bool over() const { return interrupted() || unread_ || enough() || left() <= 0; }

  // For events, for the end, for whoever reads to go away.
  void wait(int ring) {
    pollfd all[] = {{ring, POLLIN, 0}, {output_, 0, 0}};
    const std::int64_t pause = std::min(kPause, left());
    if (poll(all, 2, static_cast<int>(std::max<std::int64_t>(pause, 0) / 1'000'000) + 1) > 0) unread_ |= (all[1].revents & (POLLERR | POLLHUP)) != 0;
  }

  Done step(EventReader& reader, Losses& losses) {
    Done current = refresh();
    const bool last = !current;  // nobody writes any more: all of the rest
    offset_ = now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC);
    std::size_t read = 0;
    const Done done = reader.take([&](const np_event& event) {
      // By a program that was loaded this very moment?
      if (current && event.program != 0 && !names_.names().has_program(event.program)) current = refresh();
      take(event);
      return !enough() && (last || ++read < kBatch);
    });
    fold_.put_due(now(CLOCK_REALTIME), [this](const Seen& seen, const Repeats& repeats) { put(seen, repeats); });
    if (const Done shown = finish(losses); !shown) return shown;
    return done ? current : done;
  }

  void take(const np_event& event) {
    Seen seen = see(event, names_.names(), offset_);
    if (!options_.filter.passes(seen)) {
      ++tally_.filtered;
      return;
    }
    ++taken_;
    if (options_.fold_seconds != 0) return fold_.add(std::move(seen));
    put(seen, {});
  }
  void put(const Seen& seen, const Repeats& repeats) {
    lines_ += to_lines(seen, options_.form, repeats);
    in_lines_ += repeats.count;
  }
  void fold_all() {
    fold_.put_all([this](const Seen& seen, const Repeats& repeats) { put(seen, repeats); });
  }

  // Shows what has come together, and after it what was lost.
  Done finish(Losses& losses) {
    const auto lost = losses.news();
    if (!lost) return tl::make_unexpected(lost.error());
    for (const LostEvents& it : *lost) lines_ += to_lines(it, options_.form, names_.names().newest().state().node, now(CLOCK_REALTIME));
    if (!lines_.empty() && !unread_) unread_ = !show_(lines_);
    lines_.clear();
    if (!unread_) {
      tally_.shown += in_lines_;
      for (const LostEvents& it : *lost) tally_.lost += it.events;
      if (!lost->empty()) losses.remember();
    }
    in_lines_ = 0;
    return {};
  }

  const MonitorOptions& options_;
  int output_;
  const std::function<bool(std::string_view)>& show_;
  GenerationFollower names_;
  EventFold fold_;
  std::int64_t begin_, offset_ = 0;
  std::string lines_;
  std::uint64_t in_lines_ = 0, taken_ = 0;
  MonitorTally tally_;
  bool unread_ = false;
};

}  // namespace

Result<MonitorTally> monitor(const MonitorOptions& options, int output, const std::function<bool(std::string_view)>& show) {
  const auto site = Installation::find(options.where.root, options.where.state);
  if (!site) return tl::make_unexpected(site.error());
  Monitor monitor(options, *site, output, show);
  if (const Done done = monitor.refresh(); !done) return tl::make_unexpected(done.error());
  auto losses = Losses::open(*site, monitor.maps());
  if (!losses) return tl::make_unexpected(losses.error());
  const Fd ring = open_pinned(site->map_path(NP_MAP_EVENTS));
  if (!ring) return refused("the ring buffer of events is not where it was pinned");
  auto reader = EventReader::open(ring.get());
  if (!reader) return tl::make_unexpected(reader.error());
  if (const Done done = monitor.run(*reader, *losses); !done) return tl::make_unexpected(done.error());
  return monitor.tally();
}

}  // namespace netpolc::loader
