#include "runtime-loader/load.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <tuple>

#include "runtime-loader/candidate.h"
#include "runtime-loader/confirmation.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/kept_bundle.h"
#include "runtime-loader/node_plan.h"
#include "runtime-loader/recover.h"

namespace netpolc::loader {
namespace {

LoadReport report_of(const Candidate& next, const KnownState& former) {
  LoadReport out;
  out.bundle = next.bundle.digest;
  out.signer = next.bundle.signer;
  if (former.current) out.former_bundle = former.state.bundle;
  if (former.current) out.former_generation = former.state.number;
  out.node = next.state.node;
  out.attachments = next.state.attachments;
  out.programs = next.objects.size();
  out.addresses = next.addresses.size();
  out.external = next.outside.devices;
  out.nothing_at_host = next.nothing_at_host;
  out.nothing_external = next.outside.nothing;
  out.forgotten = next.forgotten;
  out.generation = next.state.number;
  out.gone = next.gone;
  return out;
}

// The generation that is left stays, to go back to, with the pods that it had.
State wanted_state(const KnownState& former, const LoadOptions& options, const Candidate& next) {
  State wanted;
  static_cast<GenerationState&>(wanted) = next.state;
  wanted.conntrack = former.state.conntrack;
  if (former.current && options.repair) wanted.previous = former.state.previous;
  else if (former.current) wanted.previous = static_cast<const GenerationState&>(former.state);
  if (former.current && !options.other_wanted && former.state.set_aside != next.bundle.digest) wanted.set_aside = former.state.set_aside;
  return wanted;
}

Result<LoadReport> put_in_force(const Installation& site, const LoadOptions& options, const KnownState& former, Candidate& next) {
  Journal journal;
  if (Done done = pin(site, next, journal); !done) return tl::make_unexpected(done.error());
  if (Done done = keep_bundle(site, next.bundle, options.bundle); !done) return tl::make_unexpected(done.error());
  State wanted = wanted_state(former, options, next);
  const auto conntrack = map_id(next.maps.by_name.at(NP_MAP_FLOWS4).get());
  if (!conntrack) return tl::make_unexpected(conntrack.error());
  wanted.conntrack = *conntrack;
  if (options.confirm_seconds != 0) {
    auto confirm = confirmation_in(options.confirm_seconds);
    if (!confirm) return tl::make_unexpected(confirm.error());
    wanted.confirm = std::move(*confirm);
  }
  if (interrupted()) return refused("interrupted");
  const auto began = std::chrono::steady_clock::now();
  const auto switched = switch_to(site, former, wanted, next.outside, journal);
  if (!switched) return tl::make_unexpected(switched.error());
  const auto took = std::chrono::steady_clock::now() - began;
  forget_others(site, wanted);
  forget_set_aside(site.state_directory());
  next.state.attachments = wanted.attachments;
  LoadReport out = report_of(next, former);
  out.left_over = switched->left_over;
  out.switched = switched->changed.size();
  out.switch_ns = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
  return out;
}

// What a load that failed had made ready. The state is read again: what could not be taken back is in it.
void forget_what_failed(const Installation& site) {
  const auto known = read_state(site);
  if (!known) return;
  if (known->current) return forget_others(site, known->state);
  if (known->state.pending.empty()) forget_other_bundles(site, {});
  // They count in maps that are no more.
  for (const char* name : {"blocked_from", "blocked_to"}) unpin(site.own_program_path(name));
  (void)site.remove_if_unused();
}

bool is_still(const MadeFrom& from, const KnownState& known) {
  if (!known.current) return from.generation == 0 && from.endpoints.empty();
  return from.generation == known.state.number && from.endpoints == requested(known.state.attachments);
}

// A load by hand takes nothing from the daemon: what its list and its feed asked for is asked for still.
Result<LoadOptions> with_those_of_daemon(LoadOptions options) {
  if (options.made_from) return options;
  const auto known = read_state(Installation::at(options.root, options.state));
  if (!known) return tl::make_unexpected(known.error());
  std::set<std::pair<std::string, std::string>> named;
  for (const AttachRequest& it : options.requests) named.emplace(it.netns, it.ifname);
  options.made_from.emplace();
  if (known->current) {
    options.made_from = {known->state.number, requested(known->state.attachments)};
    for (const AttachRequest& it : options.made_from->endpoints)
      if (!it.origin.empty() && !named.contains({it.netns, it.ifname})) options.requests.push_back(it);
  }
  if (options.requests.empty()) return bad_input("nothing to attach to: give --attach or --attach-file");
  return options;
}

using Place = std::pair<std::string, std::string>;  // endpoint, interface

LoadPlan::Step step_of(const Attachment& it, const std::map<Place, const Attachment*>& former) {
  LoadPlan::Step out{LoadPlan::Action::Attach, it.endpoint, it.ifname, it.netns, it.program, it.blocked + it.open};
  const auto there = former.find({it.endpoint, it.ifname});
  const bool was = there != former.end() && there->second->wants_program() && there->second->ifindex == it.ifindex && there->second->for_node == it.for_node;
  if (!it.open.empty()) out.action = LoadPlan::Action::LeaveOpen;
  else if (!it.blocked.empty()) out.action = LoadPlan::Action::Block;
  else if (was) out.action = there->second->program == it.program ? LoadPlan::Action::Keep : LoadPlan::Action::Replace;
  return out;
}

void plan_steps(const KnownState& known, const Candidate& next, LoadPlan& plan) {
  std::map<Place, const Attachment*> former;
  if (known.current)
    for (const Attachment& it : known.state.attachments) former.emplace(Place{it.endpoint, it.ifname}, &it);
  std::set<std::string> before, after;
  for (const auto& [place, it] : former) before.insert(it->program);
  for (const Attachment& it : next.state.attachments) {
    plan.steps.push_back(step_of(it, former));
    after.insert(it.program);
    former.erase({it.endpoint, it.ifname});
  }
  for (const auto& [place, it] : former)
    if (it->wants_program()) plan.steps.push_back({LoadPlan::Action::Detach, it->endpoint, it->ifname, it->netns, it->program, ""});
  std::stable_sort(plan.steps.begin(), plan.steps.end(), [](const auto& a, const auto& b) { return std::tie(a.endpoint, a.ifname) < std::tie(b.endpoint, b.ifname); });
  before.erase("");
  after.erase("");
  for (const std::string& digest : after) plan.programs_new += !before.contains(digest);
  for (const std::string& digest : before) plan.programs_gone += !after.contains(digest);
}

Done plan_addresses(const Where& where, const KnownState& known, const Candidate& next, LoadPlan& plan) {
  AddressIdentities before;
  if (known.current) {
    const auto running = open_running(where, false);
    if (!running) return tl::make_unexpected(running.error());
    auto all = read_addresses(running->addresses());
    if (!all) return tl::make_unexpected(all.error());
    before = std::move(*all);
  }
  for (const auto& [prefix, identity] : next.addresses) {
    const auto found = before.find(prefix);
    if (found == before.end()) ++plan.addresses_added;
    else if (found->second != identity) ++plan.addresses_changed;
  }
  for (const auto& [prefix, identity] : before) plan.addresses_removed += !next.addresses.contains(prefix);
  return {};
}

Result<LoadReport> load_once(const LoadOptions& options) {
  // What is wrong with the request is said before anything is made on the node.
  auto next = plan_candidate(options);
  if (!next) return tl::make_unexpected(next.error());
  auto site = Installation::open(options.root, options.state);
  if (!site) return tl::make_unexpected(site.error());
  // What another loader began ends first. A state that can't be put right is what a load is for.
  const auto recovered = recover_locked(*site, Thorough::No);
  if (recovered && recovered->went_back && !recovered->installed) site = Installation::open(options.root, options.state);
  if (!site) return tl::make_unexpected(site.error());
  const auto known = read_state(*site);
  if (!known) return tl::make_unexpected(known.error());
  Result<LoadReport> report;
  if (options.made_from && !is_still(*options.made_from, *known)) {
    report->changed_meanwhile = true;
    return report;
  }
  Done done = make(*site, *known, options, *next);
  if (done && interrupted()) done = refused("interrupted");
  if (done) report = put_in_force(*site, options, *known, *next);
  else report = tl::make_unexpected(done.error());
  if (!report) forget_what_failed(*site);
  return report;
}

}  // namespace

Result<LoadReport> load(const LoadOptions& options) {
  constexpr int kTries = 10;  // each ends with a change by somebody else
  for (int i = 0; i < kTries; ++i) {
    const auto all = with_those_of_daemon(options);
    if (!all) return tl::make_unexpected(all.error());
    auto report = load_once(*all);
    if (options.made_from || !report || !report->changed_meanwhile) return report;
  }
  return refused("endpoints come and go too fast for a load; nothing was changed");
}

const char* to_string(LoadPlan::Action action) {
  switch (action) {
    case LoadPlan::Action::Attach:
      return "attach";
    case LoadPlan::Action::Replace:
      return "replace";
    case LoadPlan::Action::Keep:
      return "keep";
    case LoadPlan::Action::Detach:
      return "detach";
    case LoadPlan::Action::Block:
      return "block";
    case LoadPlan::Action::LeaveOpen:
      return "leave open";
  }
  return "";
}

Result<LoadPlan> plan_load(const LoadOptions& by_hand) {
  const auto all = with_those_of_daemon(by_hand);
  if (!all) return tl::make_unexpected(all.error());
  const LoadOptions& options = *all;
  auto next = plan_candidate(options);
  if (!next) return tl::make_unexpected(next.error());
  const Installation site = Installation::at(options.root, options.state);
  const auto known = read_state(site);
  if (!known) return tl::make_unexpected(known.error());
  if (Done done = make(site, *known, options, *next); !done) return tl::make_unexpected(done.error());
  LoadPlan plan;
  plan.report = report_of(*next, *known);
  plan_steps(*known, *next, plan);
  if (Done done = plan_addresses({options.root, options.state}, *known, *next, plan); !done) return tl::make_unexpected(done.error());
  plan.kernel_bytes = kernel_bytes(*next);
  return plan;
}

}  // namespace netpolc::loader
