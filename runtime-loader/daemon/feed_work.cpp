// The feed's requests, answered. Those of one kind that came together are done in one step.
#include <algorithm>
#include <iterator>

#include "runtime-loader/attach.h"
#include "runtime-loader/daemon/work.h"
#include "runtime-loader/kept_bundle.h"
#include "runtime-loader/node_addresses.h"

namespace netpolc::loader::daemon {
namespace {

using Json = nlohmann::ordered_json;

std::vector<FeedServer::Asked> of_kind(const std::vector<FeedServer::Asked>& asked, FeedOp op) {
  std::vector<FeedServer::Asked> out;
  std::copy_if(asked.begin(), asked.end(), std::back_inserter(out), [&](const auto& it) { return it.request.op == op; });
  return out;
}

const char* code_of(const Failure& failure) { return failure.kind == FailureKind::Input ? "INVALID" : "INTERNAL"; }

bool matches(const FeedRequest& request, const AttachRequest& it) {
  const EndpointKey& key = request.key;
  if (!key.endpoint.empty() && key.endpoint != it.endpoint) return false;
  return key.ifname.empty() || (key.ifname == it.ifname && key.netns == it.netns);
}

Json nothing_loaded() { return {{"state", "open"}, {"reason", "no bundle is loaded"}, {"identity", 0}, {"program", ""}, {"generation", 0}}; }

Json or_null(std::optional<std::uint32_t> identity) { return identity ? Json(*identity) : Json(); }

}  // namespace

void Daemon::answer(const FeedServer::Asked& asked, const Json& fields) { feed_->answer(asked.connection, daemon::answer(asked.request, fields)); }

void Daemon::refuse(const FeedServer::Asked& asked, const std::string& code, const std::string& error) {
  ++figures_.feed_errors[code];
  feed_->answer(asked.connection, refusal(asked.request, code, error));
}

// Everything that has come, in the order of each connection. Who speaks without end doesn't keep the daemon from its
// other work: the rest waits for the next turn.
void Daemon::serve_feed() {
  if (!feed_) return;
  constexpr int kMostSteps = 16;
  feed_->turn();
  for (int step = 0;; ++step) {
    auto asked = feed_->next();
    if (asked.empty()) break;
    serve(asked);
    feed_->flush();
    if (step + 1 == kMostSteps) {
      feed_waits_ = true;
      return;
    }
  }
  feed_waits_ = false;
  feed_->flush();
}

void Daemon::serve(std::vector<FeedServer::Asked>& asked) {
  for (const auto& it : asked) ++figures_.feed_requests[it.request.name];
  for (const auto& it : of_kind(asked, FeedOp::Invalid)) refuse(it, "INVALID", it.request.error);
  for (const auto& it : of_kind(asked, FeedOp::Ping)) answer(it, Json::object());
  serve_removals(of_kind(asked, FeedOp::EndpointRemove));
  serve_additions(of_kind(asked, FeedOp::EndpointAdd));
  serve_addresses(of_kind(asked, FeedOp::Address));
  for (const auto& it : of_kind(asked, FeedOp::EndpointCheck)) serve_check(it);
  for (const auto& it : of_kind(asked, FeedOp::Status)) serve_status(it);
}

// The feed removes what it added, not what the list has. On disk before it is done: a daemon that is killed in
// between has not answered, and the endpoint is in force or not; asking again ends it.
void Daemon::serve_removals(const std::vector<FeedServer::Asked>& asked) {
  if (asked.empty()) return;
  FeedEndpoints left = view_.feed;
  std::vector<EndpointKey> keys;
  std::vector<std::size_t> counts;
  for (const auto& it : asked) {
    const std::size_t before = keys.size();
    for (auto endpoint = left.begin(); endpoint != left.end();) {
      const AttachRequest& request = endpoint->second.request;
      if (!matches(it.request, request)) {
        ++endpoint;
        continue;
      }
      keys.push_back({request.endpoint, request.ifname, request.netns});
      endpoint = left.erase(endpoint);
    }
    counts.push_back(keys.size() - before);
  }
  std::string error;
  if (!keys.empty()) {
    if (const Done done = write_feed(feed_path(state_directory_), left, boot_); !done) error = done.error().message;
    if (error.empty()) {
      view_.feed = std::move(left);
      std::vector<EndpointKey> attached;
      for (const EndpointKey& key : keys)
        if (view_.state != nullptr && std::any_of(state_.attachments.begin(), state_.attachments.end(), [&](const Attachment& at) { return at.endpoint == key.endpoint && at.ifname == key.ifname && at.netns == key.netns && at.origin == "feed"; }))
          attached.push_back(key);
      if (!attached.empty()) remove(attached);
      refresh_state();
    }
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!error.empty() && counts[i] != 0)
      refuse(asked[i], "INTERNAL", error);
    else
      answer(asked[i], {{"removed", counts[i]}});
  }
}

void Daemon::serve_additions(const std::vector<FeedServer::Asked>& asked) {
  std::vector<const FeedServer::Asked*> waiting;
  for (const auto& it : asked) waiting.push_back(&it);
  while (!waiting.empty()) {
    // Two connections may speak of one interface: one after the other.
    std::vector<const FeedServer::Asked*> now, later;
    std::set<Place> places;
    for (const auto* it : waiting) (places.insert(place_of(it->request.endpoint)).second ? now : later).push_back(it);
    add_at_once(now);
    waiting = std::move(later);
  }
}

bool Daemon::takes_endpoints() const {
  const bool wanted = (!view_.bundle.digest.empty() && view_.bundle.digest != view_.set_aside) || !view_.bundle.problem.empty();
  return view_.state != nullptr || !wanted || options_.endpoints.fresh == NewEndpoints::Allow;
}

bool Daemon::may_be_added(const FeedServer::Asked& asked, const std::map<Place, LinkId>& links) {
  const AttachRequest& request = asked.request.endpoint;
  if (!state_error_.empty()) {
    refuse(asked, "INTERNAL", state_error_);
    return false;
  }
  if (!links.contains(place_of(request))) {
    refuse(asked, "NOT_FOUND", "interface `" + request.ifname + "`" + (request.netns.empty() ? "" : " in `" + request.netns + "`") + " is not there");
    return false;
  }
  // It would be open, and a runtime would go on as if it were not.
  if (!takes_endpoints()) {
    refuse(asked, "NOT_READY", "the bundle that is wanted is not in force" + (figures_.bundle_error.empty() ? std::string(" yet") : ": " + figures_.bundle_error));
    return false;
  }
  if (!view_.list) return true;
  for (const AttachRequest& it : *view_.list) {
    if (place_of(it) != place_of(request) || it.endpoint == request.endpoint) continue;
    refuse(asked, "REFUSED", "the list says that " + request.ifname + " is " + it.endpoint);
    return false;
  }
  return true;
}

// On disk first: what was answered with ok is never forgotten. What failed is as it was before.
void Daemon::add_at_once(const std::vector<const FeedServer::Asked*>& asked) {
  std::set<Place> places;
  for (const auto* it : asked) places.insert(place_of(it->request.endpoint));
  const auto links = links_at(places).there;
  std::vector<const FeedServer::Asked*> good;
  const FeedEndpoints former = view_.feed;
  for (const auto* it : asked) {
    if (!may_be_added(*it, links)) continue;
    const Place place = place_of(it->request.endpoint);
    view_.feed[place] = {it->request.endpoint, links.at(place)};
    look_at_foreign_ = look_at_foreign_ || !place.netns.empty();
    good.push_back(it);
  }
  if (good.empty()) return;
  const std::string path = feed_path(state_directory_);
  if (const Done done = write_feed(path, view_.feed, boot_); !done) {
    view_.feed = former;
    for (const auto* it : good) refuse(*it, "INTERNAL", done.error().message);
    return;
  }
  if (view_.state == nullptr) {
    for (const auto* it : good) answer(*it, nothing_loaded());
    return;
  }
  std::vector<AttachRequest> requests;
  for (const auto* it : good) requests.push_back(it->request.endpoint);
  const auto outcomes = add(requests);
  refresh_state();
  bool taken_back = false;
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (outcomes[i].state != EndpointState::Failed) {
      answer(*good[i], words_of(outcomes[i]));
      continue;
    }
    const Place place = place_of(requests[i]);
    const auto before = former.find(place);
    if (before == former.end())
      view_.feed.erase(place);
    else
      view_.feed[place] = before->second;
    taken_back = true;
    refuse(*good[i], all_failed_ ? "INTERNAL" : "REFUSED", outcomes[i].reason);
  }
  if (!taken_back) return;
  if (const Done done = write_feed(path, view_.feed, boot_); !done) log_.error("feed-not-written", {{"error", done.error().message}});
}

Json Daemon::words_of(const EndpointOutcome& outcome) const {
  return {{"state", to_string(outcome.state)}, {"reason", outcome.reason}, {"identity", outcome.identity}, {"program", outcome.program}, {"generation", state_.number}};
}

// All of them, or where one is wrong each by itself.
void Daemon::serve_addresses(const std::vector<FeedServer::Asked>& asked) {
  if (asked.empty()) return;
  if (view_.state == nullptr) {
    for (const auto& it : asked) refuse(it, "REFUSED", "no bundle is loaded");
    return;
  }
  std::vector<AddressWord> words;
  for (const auto& it : asked) words.insert(words.end(), it.request.address.begin(), it.request.address.end());
  const auto report = change_addresses(options_.where, words);
  look_at_state_ = true;
  if (!report && asked.size() > 1) {
    for (const auto& it : asked) serve_addresses({it});
    return;
  }
  for (const auto& it : asked) {
    if (!report) {
      refuse(it, code_of(report.error()), report.error().message);
      continue;
    }
    Json fields{{"prefix", it.request.address.front().prefix.to_string()}, {"former", nullptr}, {"now", nullptr}};
    for (const AddressChange& change : report->changes)
      if (change.prefix == it.request.address.front().prefix) fields.update({{"former", or_null(change.former)}, {"now", or_null(change.now)}});
    if (!report->notes.empty()) fields["notes"] = report->notes;
    answer(it, fields);
  }
  refresh_state();
}

// As it was added, and in force in the kernel. Changes nothing.
void Daemon::serve_check(const FeedServer::Asked& asked) {
  const auto found = std::find_if(view_.feed.begin(), view_.feed.end(), [&](const auto& it) { return matches(asked.request, it.second.request); });
  if (found == view_.feed.end()) return refuse(asked, "NOT_FOUND", "no such endpoint was added");
  const Place& place = found->first;
  const LinkId& link = found->second.link;
  const auto links = links_at({place}).there;
  if (!links.contains(place) || links.at(place) != link) return refuse(asked, "NOT_FOUND", "interface `" + place.ifname + "` is gone, or was made anew");
  if (view_.state == nullptr) return answer(asked, nothing_loaded());
  const auto it = std::find_if(state_.attachments.begin(), state_.attachments.end(), [&](const Attachment& at) { return !at.for_node && place_of(at) == place; });
  if (it == state_.attachments.end() || it->endpoint != found->second.request.endpoint || LinkId{it->ifindex, it->netns_inode} != link)
    return refuse(asked, "NOT_FOUND", "nothing is attached for it at " + place.ifname);
  const auto site = Installation::find(options_.where.root, options_.where.state);
  if (it->wants_program() && (!site || !in_force(*site, *it).both())) return refuse(asked, "REFUSED", "its programs are not in force at " + place.ifname);
  answer(asked, words_of(EndpointOutcome{it->endpoint, it->ifname, it->netns,
                                         !it->open.empty() ? EndpointState::Open : !it->blocked.empty() ? EndpointState::Blocked : EndpointState::Enforced,
                                         it->open + it->blocked, identity_of(*it), it->program}));
}

// As the bundle says it, or as it was learned when the endpoint was added.
std::uint32_t Daemon::identity_of(const Attachment& it) {
  if (const auto known = view_.settled.find(place_of(it)); known != view_.settled.end() && known->second.outcome.identity != 0) return known->second.outcome.identity;
  const auto site = Installation::find(options_.where.root, options_.where.state);
  if (!site || it.bundle_endpoint == kNoEndpoint) return 0;
  const auto bundle = kept_manifest(*site, state_.bundle);
  return bundle && it.bundle_endpoint < bundle->endpoints.size() ? bundle->endpoints[it.bundle_endpoint].identity : 0;
}

void Daemon::serve_status(const FeedServer::Asked& asked) {
  const DaemonFigures now = shared_.get();
  answer(asked, {{"ready", now.ready},
                 {"healthy", now.healthy},
                 {"takesEndpoints", takes_endpoints()},
                 {"state", now.state},
                 {"bundle", view_.state == nullptr ? "" : state_.bundle},
                 {"generation", view_.state == nullptr ? 0 : state_.number},
                 {"fromFeed", view_.feed.size()},
                 {"fromList", view_.list ? view_.list->size() : 0},
                 {"waiting", now.waiting.size()},
                 {"failed", now.failed.size()},
                 {"blocked", now.blocked.size()}});
}

}  // namespace netpolc::loader::daemon
