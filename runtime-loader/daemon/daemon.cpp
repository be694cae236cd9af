#include "runtime-loader/daemon/daemon.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>

#include "runtime-loader/daemon/work.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/metrics_sources.h"

namespace netpolc::loader::daemon {
namespace {

constexpr Milliseconds kTick = 5000;       // everything is looked at again, for what no event told
constexpr Milliseconds kForeign = 1000;    // interfaces of other namespaces

volatile std::sig_atomic_t asked_again = 0;

sigset_t own_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// While it lives the signals of the daemon wait.
class SignalsHeld {
 public:
  SignalsHeld() {
    const sigset_t ours = own_signals();
    pthread_sigmask(SIG_BLOCK, &ours, &former_);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
  const sigset_t& former() const { return former_; }

 private:
  sigset_t former_{};
};

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { asked_again = 1; };
  sigaction(SIGHUP, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

std::int64_t milliseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1000} + now.tv_nsec / 1'000'000;
}

// As a service manager compares it with when it asked: not rounded.
std::int64_t microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000} + now.tv_nsec / 1000;
}

Done watch(int poll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) return refused("waiting for events", errno);
  return {};
}

}  // namespace

Milliseconds monotonic_ms() { return milliseconds(CLOCK_MONOTONIC); }
std::int64_t unix_ms() { return milliseconds(CLOCK_REALTIME); }

Daemon::Daemon(const RunOptions& options)
    : options_(options),
      log_(options.json_log, unix_ms, [](const std::string& line) { std::fwrite(line.data(), 1, line.size(), stderr); }),
      notifier_(Notifier::from_environment()),
      boot_(boot_id()) {
  figures_.pid = static_cast<std::uint64_t>(getpid());
  figures_.version = options.version;
  figures_.started = unix_ms();
  figures_.watch = options.watch;
  figures_.feed = options.feed;
}

// Who asks whether a daemon runs holds the lock for a moment.
Done Daemon::take_place() {
  const auto site = Installation::open(options_.where.root, options_.where.state);
  if (!site) return tl::make_unexpected(site.error());
  state_directory_ = site->state_directory();
  const std::string path = daemon_lock_path(state_directory_);
  lock_ = Fd{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!lock_) return refused("opening " + path, errno);
  for (int i = 0; flock(lock_.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK && errno != EINTR) return refused("locking " + path, errno);
    if (i == 20) return bad_input("a daemon runs for " + site->root() + " already");
    timespec pause{0, 5'000'000};
    nanosleep(&pause, nullptr);
  }
  unlink(daemon_figures_path(state_directory_).c_str());  // of a daemon that is dead
  return {};
}

// What can't be read is kept beside for people, since the file is written anew.
void Daemon::adopt_feed() {
  const std::string path = feed_path(state_directory_);
  auto feed = read_feed(path, boot_);
  if (feed && feed->bad.empty()) {
    view_.feed = std::move(feed->endpoints);
    return;
  }
  figures_.feed_error = feed ? std::to_string(feed->bad.size()) + " lines can't be read, and are kept in " + path + ".damaged: " + feed->bad.front() : feed.error().message;
  log_.error("feed-damaged", {{"error", figures_.feed_error}});
  std::error_code error;
  if (!feed) return std::filesystem::rename(path, path + ".damaged", error);
  view_.feed = std::move(feed->endpoints);
  std::filesystem::copy_file(path, path + ".damaged", std::filesystem::copy_options::overwrite_existing, error);
  if (error) return log_.error("feed-not-written", {{"error", path + ".damaged: " + error.message()}});
  if (const Done done = write_feed(path, view_.feed, boot_); !done) log_.error("feed-not-written", {{"error", done.error().message}});
}

// What runs already, and what a former daemon was told.
void Daemon::adopt() {
  adopt_feed();
  look_at_state_ = true;
  if (!refresh_state() || view_.state == nullptr) return;
  for (const Attachment& it : state_.attachments) {
    if (it.for_node || it.origin != "feed") continue;
    FeedEndpoint endpoint{it, {it.ifindex, it.netns_inode}};
    view_.feed.emplace(place_of(it), std::move(endpoint));
  }
  log_.info("adopted", {{"bundle", state_.bundle.substr(0, 12)}, {"generation", std::to_string(state_.number)}, {"endpoints", std::to_string(state_.attachments.size())}});
}

Done Daemon::open_watches() {
  poll_ = Fd{epoll_create1(EPOLL_CLOEXEC)};
  if (!poll_) return refused("waiting for events", errno);
  for (auto* folder : {&folders_, &state_watch_}) {
    auto opened = FolderWatch::open();
    if (!opened) return tl::make_unexpected(opened.error());
    folder->emplace(std::move(*opened));
    if (Done done = watch(poll_.get(), (*folder)->fd()); !done) return done;
  }
  state_watch_->watch_only({state_directory_});
  auto links = LinkWatch::open();
  if (!links) return tl::make_unexpected(links.error());
  link_watch_.emplace(std::move(*links));
  if (Done done = watch(poll_.get(), link_watch_->fd()); !done) return done;
  if (options_.feed.empty()) return {};
  auto feed = FeedServer::open(options_.feed);
  if (!feed) return tl::make_unexpected(feed.error());
  feed_.emplace(std::move(*feed));
  return watch(poll_.get(), feed_->fd());
}

Done Daemon::start() {
  if (!options_.watch.empty() && !std::filesystem::is_directory(options_.watch)) return bad_input("--watch " + options_.watch + ": no such directory");
  catch_signals();
  if (Done done = take_place(); !done) return done;
  if (Done done = open_watches(); !done) return done;
  recover_when_due();
  check_at_ = monotonic_ms() + kTick;
  adopt();
  log_.info("started", {{"root", options_.where.root}, {"watch", options_.watch}, {"feed", options_.feed}, {"version", options_.version}});
  return {};
}

Milliseconds Daemon::wake_at() const {
  Milliseconds at = std::min({tick_at_, recover_at_, check_at_, again_, list_check_at_, foreign_.empty() ? INT64_MAX : foreign_at_});
  if (notifier_.watchdog_interval() != 0) at = std::min(at, watchdog_at_);
  if (look_at_bundles_ && !options_.watch.empty()) at = std::min(at, bundle_look_at_);
  if (feed_waits_) at = 0;
  return at;
}

// Signals come through between the question whether there was one and the wait, and not elsewhere.
void Daemon::wait() {
  const SignalsHeld held;
  std::array<epoll_event, 8> events{};
  const Milliseconds left = std::clamp<Milliseconds>(wake_at() - monotonic_ms(), 0, kTick);
  if (!interrupted() && asked_again == 0) epoll_pwait(poll_.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(left), &held.former());
}

void Daemon::look_again() {
  look_at_bundles_ = check_list_ = look_at_state_ = look_at_foreign_ = true;
  bundle_look_at_ = 0;
  state_watch_->watch_only({state_directory_});
}

void Daemon::note_changes() {
  const Milliseconds now = monotonic_ms();
  event_at_ = now;
  const auto files = folders_->drain();
  for (const auto& change : files.changes) {
    look_at_bundles_ = true;
    if (change.folder + "/" + change.name == list_path_ || change.name == kListName) (change.written ? look_at_list_ : check_list_) = true;
  }
  const auto state = state_watch_->drain();
  for (const auto& change : state.changes) look_at_state_ = look_at_state_ || change.name == "state.json" || change.name.empty();
  const bool lost = link_watch_->drain().lost || files.lost || state.lost;
  if (lost) ++figures_.events_lost;
  const bool asked = asked_again != 0;
  if (asked) {
    asked_again = 0;
    reloading_ = true;
    view_.failed_load.reset();
    recover_at_ = now;
    notifier_.send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds()));
    log_.info("looking-again", {});
  }
  if (now >= foreign_at_) {
    look_at_foreign_ = true;
    foreign_at_ = now + kForeign;
  }
  if (lost || asked || now >= tick_at_) {
    look_again();
    tick_at_ = now + kTick;
  }
  if (notifier_.watchdog_interval() != 0 && now >= watchdog_at_) {
    notifier_.send("WATCHDOG=1");
    watchdog_at_ = now + notifier_.watchdog_interval();
  }
}

void Daemon::turn_until_stopped() {
  while (!interrupted()) {
    note_changes();
    recover_when_due();
    refresh_directory();
    refresh_list();
    refresh_state();
    if (view_.state == nullptr) pass();  // who comes now gets what is wanted already
    serve_feed();
    pass();
    wait();
  }
}

void Daemon::say_stopping() {
  notifier_.send("STOPPING=1\nSTATUS=what is in force stays in force");
  log_.info("stopped", {{"endpoints", std::to_string(view_.state == nullptr ? 0 : state_.attachments.size())}});
}

int run(const RunOptions& options) {
  Daemon daemon(options);
  if (const Done done = daemon.start(); !done) return complain(done.error());
  std::unique_ptr<MetricsServer> metrics;
  if (!options.metrics.empty()) {
    const SignalsHeld held;  // its thread shall get none of them
    auto made = MetricsServer::start(options.metrics, options.metrics_anywhere, metrics_sources(options.where, daemon.figures()));
    if (!made) return complain({made.error().kind, "--metrics: " + made.error().message});
    metrics = std::move(*made);
  }
  daemon.turn_until_stopped();
  daemon.say_stopping();
  return kGood;
}

}  // namespace netpolc::loader::daemon
