#include "runtime-loader/daemon/work.h"

#include <net/if.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <sstream>

#include "runtime-loader/attach.h"
#include "runtime-loader/bundle.h"
#include "runtime-loader/files.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/netns.h"
#include "runtime-loader/node_plan.h"
#include "runtime-loader/recover.h"
#include "runtime-loader/sha256.h"

namespace netpolc::loader::daemon {
namespace {

constexpr std::size_t kListLimit = 64u << 20;
constexpr Milliseconds kCheckEvery = 5'000;     // that what is attached is
constexpr Milliseconds kMostBetween = 60'000;   // tries to recover
constexpr Milliseconds kLeastBetween = 5'000;   // where it is namespaces that ask for it

std::string short_digest(const std::string& digest) { return digest.substr(0, 12); }

std::string options_path(const std::string& state_directory) { return state_directory + "/daemon.options"; }

std::string options_line(std::uint64_t generation, const std::string& words) { return std::to_string(generation) + " " + sha256_hex(words) + "\n"; }

// What tells one state of a file from another; "": it isn't there.
std::string signature_of(const std::string& path, timespec* changed) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return "";
  if (changed != nullptr) *changed = info.st_mtim;
  std::ostringstream out;
  out << info.st_dev << ' ' << info.st_ino << ' ' << info.st_size << ' ' << info.st_mtim.tv_sec << '.' << info.st_mtim.tv_nsec;
  return out.str();
}

// Whoever writes it may not have ended yet, where no event says so.
bool rests(const timespec& changed) { return unix_ms() - (changed.tv_sec * std::int64_t{1000} + changed.tv_nsec / 1'000'000) > 200; }

}  // namespace

// ---- looking -------------------------------------------------------------------------------------

// False: it can't be read.
bool Daemon::refresh_state() {
  if (!look_at_state_) return state_error_.empty();
  look_at_state_ = false;
  view_.state = nullptr;
  view_.set_aside = read_set_aside(state_directory_);
  state_error_.clear();
  const auto site = Installation::find(options_.where.root, options_.where.state);
  if (!site) return true;  // nothing was ever loaded
  auto known = read_state(*site);
  if (!known) {
    state_error_ = known.error().message;
    ++figures_.watch_errors;
    log_.error("state-unreadable", {{"error", state_error_}});
    return false;
  }
  if (!known->current || known->state.bundle.empty()) return true;
  state_ = std::move(known->state);
  view_.state = &state_;
  // Another installation counts its generations from 1 again.
  if (state_.conntrack != settled_of_) view_.settled.clear();
  settled_of_ = state_.conntrack;
  if (state_.confirm) recover_at_ = std::min(recover_at_, confirmation_due());
  return true;
}

// When a load that nobody confirmed goes back: its own watcher does it, unless that is gone.
Milliseconds Daemon::confirmation_due() const {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  const std::int64_t passed = now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
  const std::int64_t left = state_.confirm->boot == boot_ ? static_cast<std::int64_t>(state_.confirm->deadline) - passed : 0;
  return std::max({monotonic_ms() + left / 1'000'000 + 100, recovered_at_ + 1000, recover_backoff_.until()});
}

// Did somebody take a program away, or put another in its place? That is for `recover` to put right. Elsewhere than in our own
// namespace, it may be another namespace, with the number of one that is gone: nobody tells of that.
bool Daemon::all_attached(bool own_too) const {
  if (view_.state == nullptr) return true;
  const auto site = Installation::find(options_.where.root, options_.where.state);
  if (!site) return true;
  return std::all_of(state_.attachments.begin(), state_.attachments.end(), [&](const Attachment& it) {
    if (it.for_node) {  // nobody asks for its device but the load
      const Presence now = own_too ? presence(it.netns, it.ifname, it.ifindex, it.netns_inode) : Presence::Unknown;
      return now != Presence::Anew && (now != Presence::Same || in_force(*site, it).both());
    }
    const auto link = view_.links.find(place_of(it));
    const bool there = link != view_.links.end() && link->second == LinkId{it.ifindex, it.netns_inode} && !unasked_.contains(place_of(it));
    return !there || !it.wants_program() || (it.netns.empty() && !own_too) || in_force(*site, it).both();
  });
}

void Daemon::refresh_directory() {
  const Milliseconds now = monotonic_ms();
  if (options_.watch.empty() || !look_at_bundles_ || now < bundle_look_at_) return;
  look_at_bundles_ = false;
  DirectorySeen seen = look_at_directory(options_.watch);
  if (folders_->watch_only(seen.folders) != 0) ++figures_.watch_errors;
  // What came into a folder before it was watched would be missed, so it is looked at once more if any is new.
  if (seen.folders != watched_) {
    watched_ = seen.folders;
    seen = look_at_directory(options_.watch);
  }
  const BundleSeen& former = view_.bundle;
  if (seen.bundle.digest != former.digest || seen.bundle.content != former.content || seen.bundle.problem != former.problem) bundle_changed_at_ = now;
  if (view_.failed_load && !seen.bundle.digest.empty() && view_.failed_load->digest != seen.bundle.digest) view_.failed_load.reset();
  view_.bundle = std::move(seen.bundle);
  const Milliseconds after = monotonic_ms();
  bundle_look_at_ = after + std::clamp<Milliseconds>(2 * (after - now), 5, 50);
}

// No event says that it was written to its end: only once it rests. One that is replaced in two steps is gone for a moment.
void Daemon::check_list(const std::string& path) {
  const Milliseconds now = monotonic_ms();
  timespec changed{};
  const std::string signature = signature_of(path, &changed);
  list_gone_at_ = !signature.empty() ? 0 : list_gone_at_ == 0 ? now : list_gone_at_;
  const bool rested = signature.empty() ? now - list_gone_at_ >= 200 : rests(changed);
  list_check_at_ = INT64_MAX;
  if (signature == list_signature_ || rested) check_list_ = false;
  if (check_list_)
    list_check_at_ = now + 100;
  else if (signature != list_signature_)
    look_at_list_ = true;
}

void Daemon::refresh_list() {
  if (options_.watch.empty()) return;
  std::error_code error;
  const std::string path = options_.watch + "/" + kListName;
  const auto real = std::filesystem::canonical(path, error);
  list_path_ = error ? "" : real.string();
  if (check_list_ && !look_at_list_) check_list(path);
  if (!look_at_list_) return;
  look_at_list_ = check_list_ = false;
  list_check_at_ = INT64_MAX;
  read_list(path);
}

// Without a list that can be read what came of the last one stays: a slip of the pen opens no pod.
void Daemon::read_list(const std::string& path) {
  const std::string signature = signature_of(path, nullptr);
  const std::string former_error = std::exchange(figures_.list_error, "");
  if (signature.empty()) {
    if (!list_signature_.empty() || view_.list) figures_.list_error = path + " is gone: the endpoints that it named stay; an empty file removes them";
    list_signature_.clear();
  } else {
    list_signature_ = signature;
    const auto text = read_file(path, kListLimit);
    auto list = text ? parse_endpoint_list(*text, path) : Result<std::vector<AttachRequest>>(tl::make_unexpected(text.error()));
    if (list)
      view_.list = std::move(*list);
    else
      figures_.list_error = list.error().message + (view_.list || view_.state != nullptr ? "; the endpoints of before stay" : "");
  }
  if (figures_.list_error.empty()) {
    if (!former_error.empty()) log_.info("list-good-again", {{"list", path}});
    return;
  }
  ++figures_.watch_errors;
  log_.error("list-refused", {{"error", figures_.list_error}});
}

void Daemon::refresh_links() {
  std::set<Place> own, foreign;
  const auto places = places_of(view_);
  for (const Place& place : places) (place.netns.empty() ? own : foreign).insert(place);
  std::erase_if(view_.settled, [&](const auto& it) { return !places.contains(it.first); });
  if (look_at_foreign_ || foreign != foreign_) {
    std::erase_if(view_.links, [](const auto& it) { return !it.first.netns.empty(); });
    merge_links(foreign);
    foreign_ = std::move(foreign);
    look_at_foreign_ = false;
    if (!foreign_.empty() && !all_attached(false)) recover_at_ = std::min(recover_at_, std::max({monotonic_ms(), recovered_at_ + kLeastBetween, recover_backoff_.until()}));
  }
  std::erase_if(view_.links, [](const auto& it) { return it.first.netns.empty(); });
  merge_links(own);
}

// Where the kernel said nothing, what was known counts: who can't be asked for isn't gone.
void Daemon::merge_links(const std::set<Place>& places) {
  Links links = links_at(places);
  for (const Place& place : places) unasked_.erase(place);
  unasked_.insert(links.unknown.begin(), links.unknown.end());
  for (const Place& place : links.unknown) {
    if (const auto fed = view_.feed.find(place); fed != view_.feed.end()) links.there[place] = fed->second.link;
    if (view_.state == nullptr) continue;
    for (const Attachment& it : view_.state->attachments)
      if (!it.for_node && place_of(it) == place) links.there[place] = {it.ifindex, it.netns_inode};
  }
  view_.links.merge(links.there);
}

void Daemon::recover_when_due() {
  const Milliseconds now = monotonic_ms();
  if (now >= check_at_) {
    check_at_ = now + kCheckEvery;
    if (!all_attached(true)) recover_at_ = std::min(recover_at_, std::max(now, recover_backoff_.until()));
  }
  if (now < recover_at_) return;
  recover_at_ = INT64_MAX;
  recovered_at_ = now;
  const auto report = recover(options_.where);
  look_at_state_ = true;
  if (!report) {
    recover_backoff_.fail(now, 1000, kMostBetween);
    recover_at_ = recover_backoff_.until();
    recover_error_ = report.error().message;
    ++recover_failures_;
    log_.error("recovery-failed", {{"error", report.error().message}});
    return;
  }
  recover_backoff_ = {};
  recover_error_.clear();
  recover_failures_ = 0;
  if (report->went_back) log_.warning("went-back", {{"reason", "the load was not confirmed in time"}, {"generation", std::to_string(report->generation)}, {"bundle", short_digest(report->bundle)}});
  for (const std::string& what : report->repaired) log_.warning("repaired", {{"what", what}});
  for (const std::string& endpoint : report->gone) log_.info("endpoint-gone", {{"endpoint", endpoint}});
}

// ---- doing ---------------------------------------------------------------------------------------

void Daemon::pass() {
  constexpr int kRounds = 8;  // each does something; what is left after them waits for the next turn
  Decision decision;
  ++figures_.passes;
  again_ = INT64_MAX;
  for (int round = 0; round < kRounds && !interrupted(); ++round) {
    refresh_directory();
    refresh_list();
    if (!refresh_state()) {
      again_ = monotonic_ms() + 1000;
      look_at_state_ = true;
      break;
    }
    view_.options_changed = view_.state != nullptr && options_changed();
    refresh_links();
    view_.now = monotonic_ms();
    // Once may be chance; and what waits to be confirmed is not made for good by the way.
    view_.broken = recover_failures_ > 1 && (view_.state == nullptr || !view_.state->confirm);
    if (lacked_device_ && !lacks_device()) {  // what it failed for has come
      lacked_device_ = false;
      view_.failed_load.reset();
    }
    decision = decide(view_);
    if (!remove_backoff_.over(view_.now)) {
      decision.remove.clear();
      decision.again = std::min(decision.again, remove_backoff_.until());
    }
    if (!recover_error_.empty()) {  // a load takes its place; nothing else is certain to be right
      decision.add.clear();
      decision.remove.clear();
      if (!view_.broken) decision.load.reset();
    }
    if (decision.idle()) break;
    act(decision);
    if (round + 1 == kRounds) again_ = view_.now;
  }
  again_ = std::min(again_, decision.again);
  report(decision);
}

void Daemon::act(const Decision& decision) {
  if (!decision.forget.empty()) forget(decision.forget);
  if (decision.load) return load_bundle(*decision.load);
  if (!decision.remove.empty()) remove(decision.remove);
  if (!decision.add.empty()) add(decision.add);
}

void Daemon::forget(const std::vector<Place>& places) {
  for (const Place& place : places) {
    const auto found = view_.feed.find(place);
    if (found == view_.feed.end()) continue;
    log_.info("endpoint-gone", {{"endpoint", found->second.request.endpoint}, {"ifname", place.ifname}, {"origin", "feed"}});
    view_.feed.erase(found);
  }
  if (const Done done = write_feed(feed_path(state_directory_), view_.feed, boot_); !done) log_.error("feed-not-written", {{"error", done.error().message}});
}

bool Daemon::options_changed() const {
  const auto known = read_file(options_path(state_directory_), 1024);
  if (!known || !known->starts_with(std::to_string(state_.number) + " ")) return false;  // another's load: theirs counts
  return *known != options_line(state_.number, options_.load_words);
}

void Daemon::remember_options() const {
  (void)write_file(options_path(state_directory_), options_line(state_.number, options_.load_words));
}

void Daemon::load_bundle(const Load& wanted) {
  LoadOptions options = options_.load;
  options.bundle = wanted.path;
  options.requests = wanted.requests;
  options.other_wanted = true;
  options.repair = view_.broken && view_.state != nullptr && state_.bundle == wanted.digest;
  options.made_from = view_.state == nullptr ? MadeFrom{} : MadeFrom{state_.number, requested(state_.attachments)};
  options.root = options_.where.root;
  options.state = options_.where.state;
  notifier_.send("STATUS=loading bundle " + short_digest(wanted.digest));
  const Milliseconds begun = monotonic_ms();
  lacked_device_ = lacks_device();
  const auto report = netpolc::loader::load(options);
  look_at_state_ = true;
  if (report && report->changed_meanwhile) return;  // decided anew
  ++figures_.loads;
  if (!report) {
    if (!interrupted()) load_failed(wanted, report.error());
    return;
  }
  view_.failed_load.reset();
  view_.settled.clear();
  recover_error_.clear();
  recover_failures_ = 0;
  recover_backoff_ = {};
  recover_at_ = INT64_MAX;
  figures_.last_load_at = unix_ms();
  figures_.latency.add(static_cast<double>(monotonic_ms() - event_at_) / 1000);
  refresh_state();
  if (view_.state != nullptr) remember_options();
  log_.info("loaded", {{"bundle", short_digest(report->bundle)},
                       {"replaced", short_digest(report->former_bundle)},
                       {"generation", std::to_string(state_.number)},
                       {"endpoints", std::to_string(report->attachments.size())},
                       {"ms", std::to_string(monotonic_ms() - begun)}});
  for (const std::string& note : {report->nothing_at_host, report->nothing_external, report->left_over})
    if (!note.empty()) log_.warning("load-note", {{"note", note}});
  for (const std::string& endpoint : report->gone) log_.info("endpoint-gone", {{"endpoint", endpoint}});
  for (const std::string& address : report->forgotten) log_.warning("address-forgotten", {{"address", address}});
}

// Was it the bundle, a copy that isn't complete, or the machine? What has just come may lack something that its
// manifest does not name: a signature.
void Daemon::load_failed(const Load& wanted, const Failure& failure) {
  FailedLoad failed{wanted.digest, view_.bundle.content, wanted.requests, FailedLoad::Kind::Machine, failure.message, {}};
  lacked_device_ = lacked_device_ || lacks_device();
  if (failure.kind == FailureKind::Input && !lacked_device_ && links_at(places_of(view_)).there == view_.links) {
    failed.whole = read_bundle(wanted.path, Contents::Left).has_value();
    failed.kind = failed.whole && !has_just_changed() ? FailedLoad::Kind::Bundle : FailedLoad::Kind::Incomplete;
  }
  const bool incomplete = failed.kind == FailedLoad::Kind::Incomplete;
  view_.failed_load = failed_load(view_.failed_load, std::move(failed), monotonic_ms());
  if (incomplete && is_settling()) return;  // said when nothing has changed for a while
  ++figures_.load_failures[view_.failed_load->kind == FailedLoad::Kind::Machine ? "machine" : "bundle"];
  figures_.last_error = failure.message;
  figures_.last_error_at = unix_ms();
}

// Of those that the load is told of by name. They may come later than we do.
bool Daemon::lacks_device() const {
  const auto is_there = [](const std::string& name) { return if_nametoindex(name.c_str()) != 0; };
  const auto& host = options_.load.host.devices;
  const auto& external = options_.load.external;
  return !std::all_of(host.begin(), host.end(), is_there) || !std::all_of(external.begin(), external.end(), is_there);
}

void Daemon::remove(const std::vector<EndpointKey>& keys) {
  const auto removed = remove_endpoints(options_.where, keys);
  look_at_state_ = true;
  if (!removed) {
    remove_backoff_.fail(monotonic_ms(), 200, 60'000);
    log_.error("remove-failed", {{"error", removed.error().message}});
    return;
  }
  remove_backoff_ = {};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if ((*removed)[i] == 0) continue;  // somebody else was faster
    figures_.endpoints_removed += (*removed)[i];
    view_.settled.erase({keys[i].netns, keys[i].ifname});
    log_.info("endpoint-removed", {{"endpoint", keys[i].endpoint}, {"ifname", keys[i].ifname}});
  }
  figures_.latency.add(static_cast<double>(monotonic_ms() - event_at_) / 1000);
}

std::vector<EndpointOutcome> Daemon::add(const std::vector<AttachRequest>& requests) {
  const auto links = links_at([&] {
    std::set<Place> places;
    for (const AttachRequest& it : requests) places.insert(place_of(it));
    return places;
  }()).there;
  auto outcomes = add_endpoints(options_.where, requests, options_.endpoints);
  look_at_state_ = true;
  look_at_foreign_ = look_at_foreign_ || std::any_of(requests.begin(), requests.end(), [](const AttachRequest& it) { return !it.netns.empty(); });
  all_failed_ = !outcomes;
  std::vector<EndpointOutcome> out;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const AttachRequest& request = requests[i];
    EndpointOutcome outcome = outcomes ? (*outcomes)[i] : EndpointOutcome{request.endpoint, request.ifname, request.netns, EndpointState::Failed, outcomes.error().message, 0, ""};
    const auto link = links.find(place_of(request));
    const auto former = view_.settled.find(place_of(request));
    Settled next{request, link == links.end() ? LinkId{} : link->second, state_.number, outcome, {}};
    view_.settled[place_of(request)] = settled(former == view_.settled.end() ? nullptr : &former->second, std::move(next), monotonic_ms());
    const bool failed = outcome.state == EndpointState::Failed;
    ++(failed ? figures_.endpoint_failures : figures_.endpoints_added);
    if (!failed) figures_.latency.add(static_cast<double>(monotonic_ms() - event_at_) / 1000);
    LogFields fields{{"endpoint", request.endpoint}, {"ifname", request.ifname}, {"state", to_string(outcome.state)}};
    if (!outcome.reason.empty()) fields.emplace_back("reason", outcome.reason);
    failed ? log_.error("endpoint-failed", fields) : log_.info("endpoint-added", fields);
    out.push_back(std::move(outcome));
  }
  return out;
}

}  // namespace netpolc::loader::daemon
