#include "runtime-loader/recover.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>

#include "runtime-loader/candidate.h"
#include "runtime-loader/confirmation.h"
#include "runtime-loader/expedite.h"
#include "runtime-loader/generations.h"
#include "runtime-loader/kept_bundle.h"
#include "runtime-loader/netns.h"
#include "runtime-loader/node_addresses.h"
#include "runtime-loader/node_plan.h"
#include "runtime-loader/unload.h"

namespace netpolc::loader {
namespace {

// A pod's interface may have gone, or been made anew under its name.
void look_again(State& state, RecoverReport& report) {
  std::vector<Attachment> still;
  std::set<std::pair<std::string, std::string>> gone;
  for (Attachment& it : state.attachments) {
    const auto now = find_interface(it.netns, it.ifname);
    if (now && (now->index != it.ifindex || now->netns != it.netns_inode)) {
      it.ifindex = now->index;
      it.netns_inode = now->netns;
      report.repaired.push_back(it.endpoint + ": interface " + it.ifname + " was made anew");
    }
    // Who can't be asked for isn't gone.
    if (now || it.origin.empty() || now.error().kind == FailureKind::Kernel) {
      still.push_back(it);
      continue;
    }
    report.gone.push_back(it.endpoint + " at " + it.ifname);
    gone.emplace(it.netns, it.ifname);
    forget_said(it, state.overrides);
  }
  // With a pod goes what the node has at its interface.
  std::erase_if(still, [&](const Attachment& it) { return it.for_node && gone.contains({it.netns, it.ifname}); });
  state.attachments = std::move(still);
}

bool is_there(const Attachment& it) {
  const auto now = find_interface(it.netns, it.ifname);
  return now && now->index == it.ifindex;
}

// Whoever can't look knows nothing of it.
bool is_certain(const Attachment& it) {
  const auto now = find_interface(it.netns, it.ifname);
  return now || now.error().kind != FailureKind::Kernel;
}

// Who asked for it by name is told by `status` that it is gone; the others get their programs.
Done attach_those_there(const Installation& site, State& state, OwnPrograms& ours, RecoverReport& report) {
  std::vector<Attachment> away;
  const auto first_away = std::stable_partition(state.attachments.begin(), state.attachments.end(), is_there);
  away.assign(std::make_move_iterator(first_away), std::make_move_iterator(state.attachments.end()));
  state.attachments.erase(first_away, state.attachments.end());
  Journal journal;
  std::vector<std::string> changed;
  const Done done = attach_all(site, state, ours, journal, changed);
  journal.keep();  // what is done is right whatever follows
  std::move(away.begin(), away.end(), std::back_inserter(state.attachments));
  for (const std::string& endpoint : changed) report.repaired.push_back(endpoint + ": its program was put in force");
  return done;
}

// The kernel alone knows what a loader that was killed has written.
Done put_addresses_right(Running& running) {
  AddressPlan former;
  auto there = read_addresses(running.addresses());
  if (!there) return tl::make_unexpected(there.error());
  const auto wanted = running.plan(running.state.overrides);
  if (!wanted) return tl::make_unexpected(wanted.error());
  former = *wanted;
  former.addresses = std::move(*there);
  running.state.learned = wanted->learned;
  std::set<std::size_t> joining = running.programs;  // of which rows are filled is not known
  // Nor which row an address leads to.
  std::set<Prefix> all;
  for (const auto& [prefix, identity] : wanted->addresses) all.insert(prefix);
  const Done done = publish(running, former, *wanted, all, joining);
  if (!done) return done;
  std::error_code ignored;
  std::filesystem::remove(address_mark(*running.site), ignored);
  return refresh_interfaces(running);
}

// Left half-way by a load, or somebody has been at it since.
Done put_right(const Installation& site, State& state, RecoverReport& report) {
  OwnPrograms ours;
  if (const Done done = ours.add_generation(site, state.number); !done) return done;
  if (state.previous)
    if (const Done done = ours.add_generation(site, state.previous->number); !done) return done;
  if (const Done done = ours.check(site, state.tags, state.number); !done) return done;
  look_again(state, report);
  auto running = open_generation(site, state);
  if (!running) return tl::make_unexpected(running.error());
  Journal journal;
  OutsideParts parts;
  Outside outside;
  Done done = put_addresses_right(*running);
  state.learned = running->state.learned;
  if (done) done = pause_outside(site, journal);
  if (done) done = attach_those_there(site, state, ours, report);
  if (done) {
    running->state = state;
    done = remake_outside(site, *running, parts, outside);
  }
  if (done && outside.program) done = outside.program->attach(site, outside.devices, journal);
  journal.keep();
  if (!done) return done;
  const Done detached = detach_others(site, state.pending, state.attachments);
  detach_other_devices(site, outside.devices);
  if (detached) state.pending.clear();
  // What was begun at an interface that can't be asked for is not ended.
  state.unfinished = state.unfinished && !std::all_of(state.attachments.begin(), state.attachments.end(), is_certain);
  return write_state(site, state);
}

bool was_writing_addresses(const Installation& site) {
  std::error_code ignored;
  return std::filesystem::exists(address_mark(site), ignored);
}

// Before the first load there was nothing.
Result<RecoverReport> go_back(const Installation& site, const State& state) {
  RecoverReport report;
  report.went_back = true;
  if (!state.previous) {
    // First: the daemon looks as soon as the state is gone.
    if (const Done done = write_set_aside(site.state_directory(), state.bundle); !done) return tl::make_unexpected(done.error());
    if (const auto unloaded = unload_locked(site); !unloaded) return tl::make_unexpected(unloaded.error());
    return report;
  }
  const auto back = roll_back_locked(site);
  if (!back) return tl::make_unexpected(back.error());
  report.installed = true;
  report.generation = back->to;
  report.bundle = back->bundle;
  report.gone = back->gone;
  return report;
}

RecoverReport report_of(const State& state) {
  RecoverReport out;
  out.installed = true;
  out.generation = state.number;
  out.bundle = state.bundle;
  return out;
}

}  // namespace

Result<RecoverReport> recover(const Where& where) {
  // Looking first: opening would make the directories of an installation that isn't there.
  if (const auto site = Installation::find(where.root, where.state); !site) return RecoverReport{};
  const auto site = Installation::open(where.root, where.state);
  if (!site) return tl::make_unexpected(site.error());
  return recover_locked(*site, Thorough::Yes);
}

Result<RecoverReport> recover_locked(const Installation& site, Thorough thorough) {
  Expedite::clean_up(site);
  auto known = read_state(site);
  if (!known) return tl::make_unexpected(known.error());
  if (!known->current) return RecoverReport{};
  State& state = known->state;
  RecoverReport report = report_of(state);
  const bool needed = state.unfinished || !state.pending.empty() || thorough == Thorough::Yes || was_writing_addresses(site);
  // First of all: what nobody confirmed is left whether it is whole or not.
  if (state.confirm && is_overdue(*state.confirm)) return go_back(site, state);
  if (!needed) return report;
  if (const Done done = put_right(site, state, report); !done) return tl::make_unexpected(done.error());
  forget_others(site, state);
  return report;
}

}  // namespace netpolc::loader
