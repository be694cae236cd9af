// runtime-loader/daemon/work.h — the daemon at work: what it remembers between two events, and its steps.
//   daemon.cpp   its life: start, wait, stop
//   work.cpp     looking at what there is, and doing what `decide` says
//   feed_work.cpp   answering the feed
//   report.cpp   saying what became of it
#pragma once
#include <optional>
#include <string>

#include "runtime-loader/daemon/daemon.h"
#include "runtime-loader/daemon/decide.h"
#include "runtime-loader/daemon/directory.h"
#include "runtime-loader/daemon/feed_server.h"
#include "runtime-loader/daemon/feed_store.h"
#include "runtime-loader/daemon/folder_watch.h"
#include "runtime-loader/daemon/links.h"
#include "runtime-loader/daemon/log.h"
#include "runtime-loader/daemon/notify.h"
#include "runtime-loader/state.h"

namespace netpolc::loader::daemon {

// Of a clock that never goes back.
Milliseconds monotonic_ms();
// Of the wall's, since 1970.
std::int64_t unix_ms();

class Daemon {
 public:
  explicit Daemon(const RunOptions& options);
  Done start();
  // Until it is asked to stop.
  void turn_until_stopped();
  const SharedFigures& figures() const { return shared_; }
  const Log& log() const { return log_; }
  void say_stopping();

 private:
  // ---- daemon.cpp
  Done take_place();
  void adopt();
  void adopt_feed();
  Done open_watches();
  void wait();
  Milliseconds wake_at() const;
  void note_changes();
  void look_again();

  // ---- work.cpp
  void pass();
  bool refresh_state();
  void refresh_directory();
  void refresh_list();
  void check_list(const std::string& path);
  void read_list(const std::string& path);
  void refresh_links();
  void merge_links(const std::set<Place>& places);
  void recover_when_due();
  Milliseconds confirmation_due() const;
  bool all_attached(bool own_too) const;
  void act(const Decision& decision);
  void forget(const std::vector<Place>& places);
  void load_bundle(const Load& wanted);
  bool lacks_device() const;
  void load_failed(const Load& wanted, const Failure& failure);
  void remove(const std::vector<EndpointKey>& keys);
  std::vector<EndpointOutcome> add(const std::vector<AttachRequest>& requests);
  void remember_options() const;
  bool options_changed() const;

  // ---- feed_work.cpp
  void serve_feed();
  void serve(std::vector<FeedServer::Asked>& asked);
  void answer(const FeedServer::Asked& asked, const nlohmann::ordered_json& fields);
  void refuse(const FeedServer::Asked& asked, const std::string& code, const std::string& error);
  void serve_removals(const std::vector<FeedServer::Asked>& asked);
  void serve_additions(const std::vector<FeedServer::Asked>& asked);
  void add_at_once(const std::vector<const FeedServer::Asked*>& asked);
  bool takes_endpoints() const;
  bool may_be_added(const FeedServer::Asked& asked, const std::map<Place, LinkId>& links);
  void serve_addresses(const std::vector<FeedServer::Asked>& asked);
  void serve_check(const FeedServer::Asked& asked);
  std::uint32_t identity_of(const Attachment& it);
  void serve_status(const FeedServer::Asked& asked);
  nlohmann::ordered_json words_of(const EndpointOutcome& outcome) const;

  // ---- report.cpp
  void report(const Decision& decision);
  void publish();
  std::string sentence(const Decision& decision) const;
  bool has_just_changed() const;
  bool is_settling() const;

  RunOptions options_;
  Log log_;
  Notifier notifier_;
  std::string state_directory_, boot_;
  Fd lock_, poll_;
  std::optional<FolderWatch> folders_, state_watch_;
  std::optional<LinkWatch> link_watch_;
  std::optional<FeedServer> feed_;
  bool feed_waits_ = false;  // there is more to be answered than one turn takes

  View view_;          // what is known now; `state` points to `state_` where something is loaded
  State state_;
  std::string state_error_;  // not empty: it can't be read, and nothing is done until it can
  std::vector<std::string> watched_;  // folders
  bool all_failed_ = false;      // the last `add`: not this or that endpoint, but all of it
  std::uint32_t settled_of_ = 0; // the installation that `settled` speaks of
  std::set<Place> foreign_;      // places in other namespaces, as they were looked at last
  bool lacked_device_ = false;   // when a load failed
  std::set<Place> unasked_;      // those of which the kernel said nothing
  Milliseconds event_at_ = 0;    // when it was learned what is being worked on
  Milliseconds bundle_changed_at_ = 0;  // when the directory looked otherwise before
  Milliseconds bundle_look_at_ = 0;     // it isn't looked at before then: looking costs
  std::string list_path_, list_signature_;
  Milliseconds list_check_at_ = INT64_MAX;  // somebody may be writing it: then it is looked at again
  Milliseconds list_gone_at_ = 0;           // since when it isn't there; 0: it is

  // What is to be looked at, and when at the latest.
  bool look_at_bundles_ = true, look_at_list_ = true, check_list_ = false, look_at_state_ = true, look_at_foreign_ = true;
  Milliseconds tick_at_ = 0, foreign_at_ = 0, recover_at_ = 0, recovered_at_ = 0, check_at_ = INT64_MAX, watchdog_at_ = 0, again_ = INT64_MAX;
  Backoff recover_backoff_, remove_backoff_;
  int recover_failures_ = 0;   // one after the other
  std::string recover_error_;  // not empty: what is pinned can't be trusted, and nothing is done until it can

  DaemonFigures figures_;
  SharedFigures shared_;
  std::string written_;    // of the figures: what the file has
  std::string said_problem_, said_status_;
  bool said_ready_ = false, reloading_ = false;
};

}  // namespace netpolc::loader::daemon
