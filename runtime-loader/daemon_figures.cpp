#include "runtime-loader/daemon_figures.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "runtime-loader/fd.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

Json to_value(const std::vector<EndpointWord>& words) {
  Json out = Json::array();
  for (const EndpointWord& it : words)
    out.push_back({{"endpoint", it.endpoint}, {"ifname", it.ifname}, {"netns", it.netns}, {"origin", it.origin}, {"reason", it.reason}});
  return out;
}

void from_value(const Json& json, std::vector<EndpointWord>& words) {
  for (const Json& it : json) {
    EndpointWord& word = words.emplace_back();
    it.at("endpoint").get_to(word.endpoint);
    it.at("ifname").get_to(word.ifname);
    it.at("netns").get_to(word.netns);
    it.at("origin").get_to(word.origin);
    it.at("reason").get_to(word.reason);
  }
}

Json to_value(const LatencyHistogram& it) { return {{"counts", it.counts}, {"sum", it.sum}}; }
void from_value(const Json& json, LatencyHistogram& it) {
  json.at("counts").get_to(it.counts);
  json.at("sum").get_to(it.sum);
}

template <class T>
Json to_value(const T& it) {
  return it;
}
template <class T>
void from_value(const Json& json, T& it) {
  json.get_to(it);
}

// One list of fields for both ways.
template <class Figures, class Visit>
void each_field(Figures& f, const Visit& visit) {
  visit("pid", f.pid);
  visit("version", f.version);
  visit("started", f.started);
  visit("ready", f.ready);
  visit("healthy", f.healthy);
  visit("state", f.state);
  visit("watch", f.watch);
  visit("feed", f.feed);
  visit("wantedBundle", f.wanted_bundle);
  visit("wantedPath", f.wanted_path);
  visit("bundleError", f.bundle_error);
  visit("feedError", f.feed_error);
  visit("listError", f.list_error);
  visit("backoffUntil", f.backoff_until);
  visit("loads", f.loads);
  visit("loadFailures", f.load_failures);
  visit("lastError", f.last_error);
  visit("lastErrorAt", f.last_error_at);
  visit("lastLoadAt", f.last_load_at);
  visit("endpointsAdded", f.endpoints_added);
  visit("endpointsRemoved", f.endpoints_removed);
  visit("endpointFailures", f.endpoint_failures);
  visit("fromList", f.from_list);
  visit("fromFeed", f.from_feed);
  visit("waiting", f.waiting);
  visit("failed", f.failed);
  visit("blocked", f.blocked);
  visit("open", f.open);
  visit("feedConnections", f.feed_connections);
  visit("feedAccepted", f.feed_accepted);
  visit("feedRejected", f.feed_rejected);
  visit("feedRequests", f.feed_requests);
  visit("feedErrors", f.feed_errors);
  visit("watchErrors", f.watch_errors);
  visit("eventsLost", f.events_lost);
  visit("passes", f.passes);
  visit("latency", f.latency);
}

}  // namespace

void LatencyHistogram::add(double seconds) {
  std::size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++counts[bucket];
  sum += seconds;
}

std::uint64_t LatencyHistogram::total() const {
  std::uint64_t all = 0;
  for (const std::uint64_t count : counts) all += count;
  return all;
}

std::string to_json(const DaemonFigures& figures) {
  Json json = Json::object();
  each_field(figures, [&](const char* name, const auto& field) { json[name] = to_value(field); });
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<DaemonFigures> parse_daemon_figures(const std::string& text, const std::string& name) {
  DaemonFigures figures;
  try {
    const Json json = Json::parse(text);
    each_field(figures, [&](const char* field, auto& value) { from_value(json.at(field), value); });
  } catch (const Json::exception& error) {
    return bad_input(name + ": " + error.what());
  }
  return figures;
}

std::string daemon_figures_path(const std::string& state_directory) { return state_directory + "/daemon.json"; }
std::string daemon_lock_path(const std::string& state_directory) { return state_directory + "/daemon.lock"; }

bool daemon_runs(const std::string& state_directory) {
  const Fd lock{open(daemon_lock_path(state_directory).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  return lock && flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace netpolc::loader
