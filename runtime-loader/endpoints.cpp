#include "runtime-loader/endpoints.h"

#include <algorithm>
#include <map>
#include <set>

#include "runtime-loader/expedite.h"
#include "runtime-loader/netns.h"
#include "runtime-loader/node_plan.h"
#include "runtime-loader/recover.h"
#include "runtime-loader/switch.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {
namespace {

using Place = std::pair<std::string, std::string>;  // network namespace, name of the interface

Place place_of(const AttachRequest& it) { return {it.netns, it.ifname}; }
Place place_of(const Attachment& it) { return {it.netns, it.ifname}; }

Prefix single(const Address& address) { return {address, static_cast<std::uint8_t>(address.v6 ? 128 : 32)}; }

bool is_same(const Attachment& a, const Attachment& b) { return place_of(a) == place_of(b) && a.ifindex == b.ifindex && a.netns_inode == b.netns_inode && a.for_node == b.for_node; }

EndpointOutcome outcome_of(const AttachRequest& request, std::string reason) {
  EndpointOutcome out;
  out.endpoint = request.endpoint;
  out.ifname = request.ifname;
  out.netns = request.netns;
  out.reason = std::move(reason);
  return out;
}

EndpointOutcome outcome_of(const AttachRequest& request, const Attachment& it, const Bundle& bundle) {
  EndpointOutcome out = outcome_of(request, it.blocked + it.open);
  out.state = !it.open.empty() ? EndpointState::Open : !it.blocked.empty() ? EndpointState::Blocked : EndpointState::Enforced;
  if (it.bundle_endpoint != kNoEndpoint) out.identity = bundle.endpoints[it.bundle_endpoint].identity;
  if (out.state == EndpointState::Enforced) out.program = it.program;
  return out;
}

// Asked for and known, each interface once; who comes later has it, and the addresses too.
struct Merged {
  std::vector<AttachRequest> requests;
  std::vector<Attachment> known;   // whose interfaces are as they were
  std::map<Place, std::string> impossible;
  std::set<Prefix> spoken_of;      // addresses that are somebody's from now on, or nobody's
};

void take_addresses(const std::set<Address>& taken, std::vector<AttachRequest>& requests) {
  for (AttachRequest& it : requests) std::erase_if(it.addresses, [&](const Address& address) { return taken.contains(address); });
}

Merged merge(const State& state, const std::vector<AttachRequest>& requests) {
  Merged out;
  std::map<Place, AttachRequest> fresh;
  for (const AttachRequest& it : requests) {
    const auto interface = find_interface(it.netns, it.ifname);
    if (!interface) out.impossible[place_of(it)] = interface.error().message;
    else if (!interface->ethernet) out.impossible[place_of(it)] = "interface `" + it.ifname + "` has no Ethernet frames";
    else fresh.insert_or_assign(place_of(it), it);
  }
  std::set<Address> taken;
  for (auto& [place, it] : fresh) {
    std::erase_if(it.addresses, [&](const Address& address) { return !taken.insert(address).second; });
    for (const Address& address : it.addresses) out.spoken_of.insert(single(address));
  }
  for (const Attachment& it : state.attachments)
    if (!fresh.contains(place_of(it))) out.known.push_back(it);
  out.requests = requested(out.known);
  take_addresses(taken, out.requests);
  for (auto& [place, it] : fresh) out.requests.push_back(std::move(it));
  return out;
}

// Nobody asked for these: they stay as they are, whatever would come of them now.
void leave_others(const std::vector<Attachment>& known, NodePlan& plan) {
  std::map<std::pair<Place, bool>, const Attachment*> former;
  for (const Attachment& was : known) former.emplace(std::pair(place_of(was), was.for_node), &was);
  for (Attachment& it : plan.attachments) {
    const auto was = former.find({place_of(it), it.for_node});
    if (was == former.end() || !is_same(*was->second, it)) continue;
    std::vector<Address> addresses = std::move(it.addresses);  // some of which another has by now
    it = *was->second;
    it.addresses = std::move(addresses);
  }
}

// What is being changed: written down before, so that whoever is killed is followed by who ends it.
class Change {
 public:
  explicit Change(Running& running) : running_(running), hurry_(*running.site, 1), former_plan_(running.plan(running.state.overrides)) {}

  Done begin() {
    if (!former_plan_) return tl::make_unexpected(former_plan_.error());
    running_.state.unfinished = true;
    return write_state(*running_.site, running_.state);
  }

  // Programs that no pod had until now. Who can't get his is blocked, and told why.
  Done load_programs() {
    for (Attachment& it : running_.state.attachments) {
      if (it.program.empty() || !it.blocked.empty()) continue;
      const std::size_t program = running_.bundle.endpoints[it.bundle_endpoint].program;
      if (running_.programs.contains(program)) continue;
      if (const Done added = add_program(running_, program); added) joining_.insert(program);
      else if (it.for_node) return added;  // blocked, it would cut the node off
      else it.blocked = "its program can't be loaded: " + added.error().message;
    }
    return {};
  }

  // Who can't get his program keeps what was there: `before`.
  Done attach(const std::set<Place>& places, const std::vector<Attachment>& before, std::map<Place, std::string>& impossible) {
    const Installation& site = *running_.site;
    State& state = running_.state;
    OwnPrograms ours;
    if (const Done done = ours.add_generation(site, state.number); !done) return done;
    std::vector<Attachment> still;
    for (Attachment& it : state.attachments) {
      if (!places.contains(place_of(it)) || !it.wants_program()) {
        still.push_back(it);
        continue;
      }
      const Done done = loader::attach_one(site, state, it, ours);
      if (done) {
        still.push_back(it);
        continue;
      }
      impossible[place_of(it)] = done.error().message;
      const auto was = std::find_if(before.begin(), before.end(), [&](const Attachment& one) { return is_same(one, it); });
      if (was != before.end()) still.push_back(*was);
      else if (it.for_node) still.push_back(it);  // for recovery, when its device has come to rest
    }
    state.attachments = std::move(still);
    return {};
  }

  Done tell(const std::set<Prefix>& spoken_of) {
    for (const Prefix& prefix : spoken_of)
      if (const Done done = forget_local(*running_.site, prefix); !done) return done;
    if (const Done done = refresh_interfaces(running_); !done) return done;
    const auto next = running_.plan(running_.state.overrides);
    if (!next) return tl::make_unexpected(next.error());
    if (const Done done = publish(running_, *former_plan_, *next, {}, joining_); !done) return done;
    running_.state.learned = next->learned;
    former_plan_ = *next;
    joining_.clear();
    return {};
  }

  Done end() {
    State& state = running_.state;
    if (const Done done = detach_others(*running_.site, state.pending, state.attachments); done) state.pending.clear();
    state.unfinished = false;
    return write_state(*running_.site, state);
  }

 private:
  Running& running_;
  Expedite hurry_;  // a pod waits for this
  Result<AddressPlan> former_plan_;
  std::set<std::size_t> joining_;
};

// Where filters may be, found by no pin: at those that have them, and at those that are yet to be attached.
void expect_filters(const std::vector<Attachment>& attached, const std::vector<Attachment>& fresh, State& state) {
  for (const Attachment& it : attached)
    if (it.mode == AttachMode::Clsact) state.pending.push_back(it);
  for (Attachment it : fresh) {
    it.mode = AttachMode::Clsact;
    state.pending.push_back(std::move(it));
  }
}

// As it was before; what was done meanwhile is put right.
tl::unexpected<Failure> taken_back(const Installation& site, State before, const Failure& failure) {
  before.unfinished = true;
  if (const Done done = write_state(site, before); done) (void)recover_locked(site, Thorough::Yes);
  return tl::make_unexpected(failure);
}

bool is_meant(const EndpointKey& key, const Attachment& it) {
  return (key.endpoint.empty() || key.endpoint == it.endpoint) && (key.ifname.empty() || (key.ifname == it.ifname && key.netns == it.netns)) &&
         (key.ifindex == 0 || (key.ifindex == it.ifindex && key.netns_inode == it.netns_inode && key.origin == it.origin));
}

}  // namespace

const char* to_string(EndpointState state) {
  switch (state) {
    case EndpointState::Enforced:
      return "enforced";
    case EndpointState::Blocked:
      return "blocked";
    case EndpointState::Open:
      return "open";
    case EndpointState::Failed:
      return "failed";
  }
  return "";
}

Result<std::vector<EndpointOutcome>> add_endpoints(const Where& where, const std::vector<AttachRequest>& requests, const EndpointOptions& options) {
  auto running = open_running(where, true);
  if (!running) return tl::make_unexpected(running.error());
  State& state = running->state;
  Merged merged = merge(state, requests);
  auto plan = plan_node(running->bundle, {state.node, state.host, state.skip_unenforced, options.fresh, true, state.exact_names ? PodNames::Exact : PodNames::ByController}, merged.requests, merged.known);
  if (!plan) return tl::make_unexpected(plan.error());
  std::set<Place> places;
  for (const AttachRequest& it : requests) places.insert(place_of(it));
  leave_others(merged.known, *plan);

  // A device of the node that was made anew since is attached to by the way.
  for (const Attachment& it : plan->attachments)
    if (it.for_node && std::none_of(merged.known.begin(), merged.known.end(), [&](const Attachment& was) { return is_same(was, it); })) places.insert(place_of(it));

  Change change(*running);
  State before = state;
  std::vector<Attachment> fresh;
  for (const Attachment& it : plan->attachments)
    if (places.contains(place_of(it))) fresh.push_back(it);
  expect_filters(state.attachments, fresh, state);
  before.pending = state.pending;
  if (const Done done = change.begin(); !done) return tl::make_unexpected(done.error());
  state.attachments = std::move(plan->attachments);
  Done done = change.load_programs();
  if (!done) return taken_back(*running->site, before, done.error());
  // Whose an address was said to be by labels counts no more: it is somebody's now.
  for (const Prefix& prefix : merged.spoken_of)
    if (const auto said = state.overrides.find(prefix); said != state.overrides.end() && said->second.key) state.overrides.erase(said);
  say_unknown(running->bundle, fresh, state.attachments, state.overrides);
  done = write_state(*running->site, state);
  // Programs know their peers before a packet meets them.
  if (done) done = change.tell(merged.spoken_of);
  if (done) done = change.attach(places, before.attachments, merged.impossible);
  if (done && !merged.impossible.empty()) done = change.tell(merged.spoken_of);
  if (done) done = change.end();
  if (!done) return taken_back(*running->site, before, done.error());

  std::map<Place, const Attachment*> now;
  for (const Attachment& it : state.attachments)
    if (!it.for_node) now.emplace(place_of(it), &it);
  std::vector<EndpointOutcome> out;
  for (const AttachRequest& it : requests) {
    const auto found = now.find(place_of(it));
    const auto problem = merged.impossible.find(place_of(it));
    if (problem == merged.impossible.end() && found != now.end()) out.push_back(outcome_of(it, *found->second, running->bundle));
    else out.push_back(outcome_of(it, problem == merged.impossible.end() ? "its interface is gone" : problem->second));
  }
  return out;
}

Result<std::vector<std::size_t>> remove_endpoints(const Where& where, const std::vector<EndpointKey>& keys) {
  auto running = open_running(where, true);
  if (!running) return tl::make_unexpected(running.error());
  State& state = running->state;
  std::vector<std::size_t> out(keys.size());
  std::set<Place> gone;
  std::set<Prefix> spoken_of;
  for (const Attachment& it : state.attachments) {
    if (it.for_node) continue;
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const EndpointKey& one) { return is_meant(one, it); });
    if (key == keys.end()) continue;
    ++out[static_cast<std::size_t>(key - keys.begin())];
    gone.insert(place_of(it));
    for (const Address& address : it.addresses) spoken_of.insert(single(address));
  }
  if (gone.empty()) return out;
  Change change(*running);
  State before = state;
  expect_filters(state.attachments, {}, state);
  before.pending = state.pending;
  if (const Done done = change.begin(); !done) return tl::make_unexpected(done.error());
  const auto at_gone = [&](const Attachment& it) { return gone.contains(place_of(it)); };
  for (const Attachment& it : state.attachments)
    if (at_gone(it)) forget_said(it, state.overrides);
  std::erase_if(state.attachments, at_gone);
  // Going back shall not bring back who is gone.
  if (state.previous) {
    for (const Attachment& it : state.previous->attachments)
      if (at_gone(it)) forget_said(it, state.previous->overrides);
    std::erase_if(state.previous->attachments, at_gone);
  }
  Done done = write_state(*running->site, state);
  if (done) done = change.tell(spoken_of);
  if (done) done = change.end();
  if (!done) return taken_back(*running->site, before, done.error());
  return out;
}

}  // namespace netpolc::loader
