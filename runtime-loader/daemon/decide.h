// runtime-loader/daemon/decide.h — what the daemon shall do next: a function of what is wanted, what
// is there, and what was tried. Pure: no clock, no I/O. Asked again after each step and each event,
// so that whatever was missed or failed in between is seen as it is.
//
// What it promises: nothing is done twice for the same reasons (no flapping); an endpoint that fails
// holds up no other; what nobody speaks of is left alone.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime-loader/attachment.h"
#include "runtime-loader/daemon_figures.h"
#include "runtime-loader/endpoints.h"
#include "runtime-loader/state.h"

namespace netpolc::loader::daemon {

using Milliseconds = std::int64_t;  // of a clock that never goes back

// One interface stands for one endpoint.
struct Place {
  std::string netns, ifname;
  auto operator<=>(const Place&) const = default;
};
inline Place place_of(const AttachRequest& it) { return {it.netns, it.ifname}; }
inline Place place_of(const Attachment& it) { return {it.netns, it.ifname}; }

// Which interface that is now: one made anew under the same name is another.
struct LinkId {
  int ifindex = 0;
  std::uint64_t netns_inode = 0;
  auto operator<=>(const LinkId&) const = default;
};

// Waits twice as long after each failure, up to a bound.
class Backoff {
 public:
  void fail(Milliseconds now, Milliseconds first, Milliseconds most) {
    wait_ = wait_ == 0 ? first : std::min(wait_ * 2, most);
    until_ = now + wait_;
  }
  bool over(Milliseconds now) const { return now >= until_; }
  Milliseconds until() const { return until_; }

 private:
  Milliseconds wait_ = 0, until_ = 0;
};

// What the watched directory shows.
struct BundleSeen {
  std::string path, digest;   // digest "": none is wanted
  std::string content;        // changes with any file of it: a copy that isn't complete is tried again when it does
  std::string problem;        // not empty: it can't be said which bundle is wanted
};

// A load that failed, remembered until it is worth another try: an incomplete bundle when its files
// change; one that was refused for what it is when its files or the endpoints do; what the machine
// refused when `backoff` is over. Never before that; at once when another bundle is shown.
struct FailedLoad {
  enum class Kind : std::uint8_t { Incomplete, Bundle, Machine };
  std::string digest, content;
  std::vector<AttachRequest> requests;
  Kind kind = Kind::Machine;
  std::string reason;
  Backoff backoff;
  bool whole = false;  // Incomplete: only perhaps; all its files are as it says, but it has just come
};
// After a failure at `now`; `former`: the one before.
FailedLoad failed_load(const std::optional<FailedLoad>& former, FailedLoad next, Milliseconds now);

// How an endpoint ended up that was asked for.
struct Settled {
  AttachRequest request;
  LinkId link;
  std::uint64_t generation = 0;  // under which that was
  EndpointOutcome outcome;       // Failed: it is tried again when `backoff` is over, or anything else of this changes
  Backoff backoff;
};

struct FeedEndpoint {
  AttachRequest request;
  LinkId link;  // the interface that it was said of
};

struct View {
  Milliseconds now = 0;
  BundleSeen bundle;
  std::optional<std::vector<AttachRequest>> list;  // nothing: not known, so that what came of it stays as it is
  std::map<Place, FeedEndpoint> feed;
  std::map<Place, LinkId> links;  // that exist, of all that are spoken of
  const State* state = nullptr;   // nothing: nothing is loaded
  std::string set_aside;          // where nothing is loaded: the bundle that nobody confirmed
  bool options_changed = false;   // the loaded bundle was loaded with other options than the daemon has
  bool broken = false;            // what is pinned can't be put right, which a load alone cures
  std::optional<FailedLoad> failed_load;
  std::map<Place, Settled> settled;
};

// With what is attached and shall stay, as it is attached: so an endpoint that can't be attached never
// keeps a bundle from being loaded. Newcomers are added when it is in force.
struct Load {
  std::string path, digest;
  std::vector<AttachRequest> requests;
};

struct Decision {
  std::optional<Load> load;         // then nothing else is to be done before the next look
  std::vector<AttachRequest> add;
  std::vector<EndpointKey> remove;
  std::vector<Place> forget;        // endpoints of the feed whose interface is gone
  std::string bundle_problem;       // why the bundle that DIR shows isn't in force, and nothing is done about it now
  std::vector<EndpointWord> waiting, failed, blocked, open;
  Milliseconds again = INT64_MAX;   // when time alone changes the answer
  bool idle() const { return !load && add.empty() && remove.empty() && forget.empty(); }
};

Decision decide(const View& view);

// All places that somebody speaks of: whose links `decide` asks for.
std::set<Place> places_of(const View& view);

// After an attempt to add it at `now`; `former`: what came of the one before, if there was one.
Settled settled(const Settled* former, Settled next, Milliseconds now);

}  // namespace netpolc::loader::daemon
