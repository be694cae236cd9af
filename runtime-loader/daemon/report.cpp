// What the daemon says of itself: figures, log, and to whom it serves.
#include <algorithm>

#include "runtime-loader/daemon/work.h"
#include "runtime-loader/files.h"

namespace netpolc::loader::daemon {
namespace {

constexpr Milliseconds kSettling = 1000;  // a copy that rests for so long is no copy under way

std::string short_digest(const std::string& digest) { return digest.substr(0, 12); }

std::string count(std::size_t number, const std::string& what) { return number == 0 ? "" : ", " + std::to_string(number) + " " + what; }

// Said once for each endpoint and reason, not at each pass.
void tell_new(Log& log, const std::string& event, const std::vector<EndpointWord>& former, const std::vector<EndpointWord>& now) {
  const auto same = [](const EndpointWord& one, const EndpointWord& other) { return one.endpoint == other.endpoint && one.ifname == other.ifname && one.netns == other.netns && one.reason == other.reason; };
  if (std::equal(former.begin(), former.end(), now.begin(), now.end(), same)) return;
  for (const EndpointWord& it : now)
    if (std::none_of(former.begin(), former.end(), [&](const EndpointWord& other) { return same(it, other); }))
      log.info(event, {{"endpoint", it.endpoint}, {"ifname", it.ifname}, {"reason", it.reason}});
}

}  // namespace

bool Daemon::has_just_changed() const { return monotonic_ms() - bundle_changed_at_ < kSettling; }

// Is what is wrong with the directory perhaps only that somebody is at work there?
bool Daemon::is_settling() const {
  const bool unfinished = !view_.bundle.problem.empty() || (view_.failed_load && view_.failed_load->kind == FailedLoad::Kind::Incomplete);
  return unfinished && has_just_changed();
}

std::string Daemon::sentence(const Decision& decision) const {
  if (!recover_error_.empty()) return recover_error_;
  if (!state_error_.empty()) return state_error_;
  if (!figures_.bundle_error.empty()) return figures_.bundle_error;
  if (!decision.bundle_problem.empty()) return "waiting until the bundle is complete";
  if (decision.load) return "loading bundle " + short_digest(decision.load->digest);
  if (view_.state == nullptr) return "nothing is loaded, and nothing is wanted";
  const std::size_t pods = static_cast<std::size_t>(std::count_if(state_.attachments.begin(), state_.attachments.end(), [](const Attachment& it) { return !it.for_node && it.wants_program() && it.blocked.empty(); }));
  return "bundle " + short_digest(state_.bundle) + " in force at " + std::to_string(pods) + " interfaces" + count(decision.waiting.size(), "waiting") +
         count(decision.failed.size(), "failed") + count(decision.blocked.size(), "blocked");
}

void Daemon::report(const Decision& decision) {
  const Milliseconds now = monotonic_ms();
  const bool settling = is_settling();
  if (settling) again_ = std::min(again_, bundle_changed_at_ + kSettling);
  tell_new(log_, "waiting", figures_.waiting, decision.waiting);
  tell_new(log_, "blocked", figures_.blocked, decision.blocked);
  figures_.waiting = decision.waiting;
  figures_.failed = decision.failed;
  figures_.blocked = decision.blocked;
  figures_.open = decision.open;
  figures_.wanted_bundle = view_.bundle.digest;
  figures_.wanted_path = view_.bundle.path;
  figures_.bundle_error = settling ? "" : decision.bundle_problem;
  const bool waits = view_.failed_load && view_.failed_load->kind == FailedLoad::Kind::Machine && view_.failed_load->digest == view_.bundle.digest;
  figures_.backoff_until = waits ? unix_ms() + std::max<Milliseconds>(view_.failed_load->backoff.until() - now, 0) : 0;
  figures_.from_list = view_.list ? view_.list->size() : 0;
  figures_.from_feed = view_.feed.size();
  figures_.healthy = recover_error_.empty() && state_error_.empty();
  figures_.ready = figures_.healthy && !decision.load && decision.bundle_problem.empty();
  figures_.state = sentence(decision);
  if (feed_) {
    figures_.feed_connections = feed_->connections();
    figures_.feed_accepted = feed_->accepted();
    figures_.feed_rejected = feed_->rejected();
  }
  if (figures_.bundle_error != said_problem_ && !figures_.bundle_error.empty()) {
    log_.error("bundle-not-in-force", {{"error", figures_.bundle_error}, {"path", view_.bundle.path}});
    if (view_.failed_load && view_.failed_load->kind == FailedLoad::Kind::Incomplete) {
      ++figures_.load_failures["bundle"];
      figures_.last_error = figures_.bundle_error;
      figures_.last_error_at = unix_ms();
      if (view_.failed_load->whole) view_.failed_load->kind = FailedLoad::Kind::Bundle;
    }
  }
  said_problem_ = figures_.bundle_error;
  publish();
  // A bundle that can't be loaded for good doesn't keep the service from having started: what ran before runs, and
  // starting it anew would not help.
  const bool started = !settling && !decision.load;
  if (started && (!said_ready_ || reloading_)) {
    notifier_.send("READY=1");
    said_ready_ = true;
    reloading_ = false;
  }
  if (figures_.state != said_status_) {
    std::string line = figures_.state;
    std::replace(line.begin(), line.end(), '\n', ' ');
    notifier_.send("STATUS=" + line);
    said_status_ = figures_.state;
  }
}

// To the file only what has changed: each pass counts itself.
void Daemon::publish() {
  shared_.set(figures_);
  DaemonFigures still = figures_;
  still.passes = 0;
  std::string text = to_json(still);
  if (text == written_) return;
  if (const Done done = write_file(daemon_figures_path(state_directory_), to_json(figures_)); !done) {
    log_.error("figures-not-written", {{"error", done.error().message}});
    return;
  }
  written_ = std::move(text);
}

}  // namespace netpolc::loader::daemon
