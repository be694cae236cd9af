#include "runtime-loader/daemon/decide.h"

#include <algorithm>

namespace netpolc::loader::daemon {
namespace {

struct Wanted {
  AttachRequest request;
  std::optional<LinkId> link;  // nothing: not there
};

EndpointWord word(const AttachRequest& it, const std::string& reason) { return {it.endpoint, it.ifname, it.netns, it.origin, reason}; }

std::optional<LinkId> link_at(const View& view, const Place& place) {
  const auto found = view.links.find(place);
  return found == view.links.end() ? std::nullopt : std::optional(found->second);
}

LinkId link_of(const Attachment& it) { return {it.ifindex, it.netns_inode}; }

// The attachments of pods, by place; what the node's own programs have is the core's business.
std::map<Place, const Attachment*> attached(const View& view) {
  std::map<Place, const Attachment*> out;
  if (view.state == nullptr) return out;
  for (const Attachment& it : view.state->attachments)
    if (!it.for_node) out.emplace(place_of(it), &it);
  return out;
}

// The list goes before the feed: what an operator wrote down before what a program says.
std::map<Place, Wanted> wanted_endpoints(const View& view, const std::map<Place, const Attachment*>& present, Decision& decision) {
  std::map<Place, Wanted> out;
  if (view.list)
    for (const AttachRequest& request : *view.list) out.emplace(place_of(request), Wanted{request, link_at(view, place_of(request))});
  else
    for (const auto& [place, it] : present)
      if (it->origin == "list") out.emplace(place, Wanted{*it, link_at(view, place)});
  for (const auto& [place, it] : view.feed) {
    const auto link = link_at(view, place);
    if (link != it.link) {
      decision.forget.push_back(place);
      continue;
    }
    const auto [other, fresh] = out.emplace(place, Wanted{it.request, link});
    if (!fresh && other->second.request.endpoint != it.request.endpoint)
      decision.waiting.push_back(word(it.request, "the list says that " + it.request.ifname + " is " + other->second.request.endpoint));
  }
  return out;
}

// What is attached and shall stay: what somebody asks for, and what others than the daemon attached,
// as long as its interface is there.
std::vector<AttachRequest> staying(const View& view, const std::map<Place, Wanted>& wanted, const std::map<Place, const Attachment*>& present) {
  std::vector<AttachRequest> out;
  for (const auto& [place, it] : present)
    if (link_at(view, place) == link_of(*it) && (it->origin.empty() || wanted.contains(place))) out.push_back(*it);
  return out;
}

// Nothing: a load is due.
std::optional<std::string> why_no_load(const View& view, const std::vector<AttachRequest>& requests, Decision& decision) {
  const BundleSeen& seen = view.bundle;
  if (!seen.problem.empty()) return seen.problem;
  if (seen.digest.empty()) return "";
  const bool running = view.state != nullptr && view.state->bundle == seen.digest;
  if (running && !view.options_changed && !view.broken) return "";
  if (!running && (view.state != nullptr ? view.state->set_aside : view.set_aside) == seen.digest)
    return "bundle " + seen.digest.substr(0, 12) + " was rolled back: it is not taken up again until another one is shown, or it is loaded by hand";
  const auto& failed = view.failed_load;
  if (!failed || failed->digest != seen.digest) return std::nullopt;
  const bool same_files = failed->content == seen.content;
  const bool same_requests = std::equal(requests.begin(), requests.end(), failed->requests.begin(), failed->requests.end());
  if (failed->kind == FailedLoad::Kind::Incomplete && same_files) return failed->reason;
  if (failed->kind == FailedLoad::Kind::Bundle && same_files && same_requests) return failed->reason;
  if (failed->backoff.over(view.now)) return std::nullopt;
  decision.again = std::min(decision.again, failed->backoff.until());
  return failed->reason;
}

// As it was asked for, at this very interface.
bool is_attached(const Wanted& wanted, const Attachment* present) {
  return present != nullptr && link_of(*present) == wanted.link && static_cast<const AttachRequest&>(*present) == wanted.request;
}

void tell(const Wanted& wanted, const Attachment* present, const Settled* settled, Decision& decision) {
  if (present != nullptr && !present->blocked.empty()) decision.blocked.push_back(word(wanted.request, present->blocked));
  if (present != nullptr && !present->open.empty()) decision.open.push_back(word(wanted.request, present->open));
  if (present == nullptr && settled != nullptr) decision.open.push_back(word(wanted.request, settled->outcome.reason));
}

// There is a program for it, but the machine could not load it, and may be able to later.
bool lacks_program(const Attachment* present) { return present != nullptr && !present->blocked.empty() && !present->program.empty(); }

bool is_trouble(const EndpointOutcome& outcome) { return outcome.state == EndpointState::Failed || outcome.state == EndpointState::Blocked; }

// Is there nothing to be done for it now? Says why, where it isn't in force.
bool is_done(const View& view, const Wanted& wanted, const Attachment* present, Decision& decision) {
  const auto found = view.settled.find(place_of(wanted.request));
  const bool known = found != view.settled.end() && found->second.link == *wanted.link && found->second.generation == view.state->number &&
                     found->second.request == wanted.request;
  const Settled* settled = known ? &found->second : nullptr;
  if (settled != nullptr && (settled->outcome.state == EndpointState::Failed || lacks_program(present))) {
    if (settled->outcome.state == EndpointState::Failed) decision.failed.push_back(word(wanted.request, settled->outcome.reason));
    else tell(wanted, present, settled, decision);
    if (settled->backoff.over(view.now)) return false;
    decision.again = std::min(decision.again, settled->backoff.until());
    return true;
  }
  const bool open = settled != nullptr && settled->outcome.state == EndpointState::Open && present == nullptr;
  // Asked for and answered under this generation: what the state says of it otherwise is not worth asking again.
  const bool answered = settled != nullptr && present != nullptr && link_of(*present) == wanted.link && present->endpoint == wanted.request.endpoint &&
                        present->origin == wanted.request.origin;
  if (!open && !answered && (lacks_program(present) || !is_attached(wanted, present))) return false;
  tell(wanted, present, settled, decision);
  return true;
}

void decide_endpoints(const View& view, const std::map<Place, Wanted>& wanted, const std::map<Place, const Attachment*>& present, Decision& decision) {
  for (const auto& [place, it] : wanted) {
    if (!it.link) {
      decision.waiting.push_back(word(it.request, "there is no such interface yet"));
      continue;
    }
    if (view.state == nullptr) {
      decision.open.push_back(word(it.request, "no bundle is loaded"));
      continue;
    }
    const auto found = present.find(place);
    if (!is_done(view, it, found == present.end() ? nullptr : found->second, decision)) decision.add.push_back(it.request);
  }
  for (const auto& [place, it] : present) {
    const auto asked = wanted.find(place);
    const auto link = link_at(view, place);
    const bool unasked = asked == wanted.end() && !it->origin.empty();
    const bool gone = link != link_of(*it) && (asked == wanted.end() || !asked->second.link);
    if (unasked || gone) decision.remove.push_back({it->endpoint, it->ifname, it->netns, it->ifindex, it->netns_inode, it->origin});
  }
}

}  // namespace

FailedLoad failed_load(const std::optional<FailedLoad>& former, FailedLoad next, Milliseconds now) {
  constexpr Milliseconds kSecond = 1000;
  if (former && former->digest == next.digest && former->kind == next.kind) next.backoff = former->backoff;
  switch (next.kind) {
    case FailedLoad::Kind::Incomplete: next.backoff.fail(now, 20, 80); break;  // as fast as a copy goes on
    case FailedLoad::Kind::Bundle: next.backoff.fail(now, kSecond, 600 * kSecond); break;
    case FailedLoad::Kind::Machine: next.backoff.fail(now, kSecond / 5, 60 * kSecond); break;
  }
  return next;
}

Settled settled(const Settled* former, Settled next, Milliseconds now) {
  if (!is_trouble(next.outcome)) return next;
  if (former != nullptr && is_trouble(former->outcome) && former->link == next.link && former->request == next.request)
    next.backoff = former->backoff;
  next.backoff.fail(now, 200, 60'000);
  return next;
}

Decision decide(const View& view) {
  Decision decision;
  const auto present = attached(view);
  const auto wanted = wanted_endpoints(view, present, decision);
  auto requests = staying(view, wanted, present);
  const auto reason = why_no_load(view, requests, decision);
  decision.bundle_problem = reason.value_or("");
  if (!reason) decision.load = Load{view.bundle.path, view.bundle.digest, std::move(requests)};
  decide_endpoints(view, wanted, present, decision);
  return decision;
}

std::set<Place> places_of(const View& view) {
  std::set<Place> out;
  if (view.list)
    for (const AttachRequest& it : *view.list) out.insert(place_of(it));
  for (const auto& [place, it] : view.feed) out.insert(place);
  if (view.state != nullptr)
    for (const Attachment& it : view.state->attachments)
      if (!it.for_node) out.insert(place_of(it));
  return out;
}

}  // namespace netpolc::loader::daemon
