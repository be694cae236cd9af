#include "runtime-loader/switch.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "runtime-loader/expedite.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/kept_bundle.h"
#include "runtime-loader/netns.h"

namespace netpolc::loader {
namespace {

// Where there can be none: links are found by their pins.
bool has_no_filters(const Attachment& it) { return it.mode == AttachMode::Tcx; }

// Where filters of ours may be from now on: they are found by no pin.
void expect_filters(const KnownState& former, State& wanted) {
  wanted.pending = former.state.pending;
  if (former.current) wanted.pending.insert(wanted.pending.end(), former.state.attachments.begin(), former.state.attachments.end());
  std::vector<Attachment> fresh = wanted.attachments;
  for (Attachment& it : fresh) it.mode = AttachMode::Clsact;  // tcx links are found by their pins
  wanted.pending.insert(wanted.pending.end(), fresh.begin(), fresh.end());
}

Done announce(const Installation& site, const KnownState& former, State& wanted, Journal& journal) {
  expect_filters(former, wanted);
  wanted.unfinished = true;
  journal.add([&site, &journal, &former] {
    if (journal.failed()) return;  // what was announced may be in force
    if (former.current)
      (void)write_state(site, former.state);
    else
      unlink(site.state_path().c_str());
  });
  return write_state(site, wanted);
}

std::size_t without_links(const Installation& site, const GenerationState& state) {
  return static_cast<std::size_t>(std::count_if(state.attachments.begin(), state.attachments.end(),
                                                [&](const Attachment& it) { return it.wants_program() && !has_links(site, it); }));
}

// The wanted one is in force; what is left goes. What can't is tried again by the next load.
std::string take_the_rest_away(const Installation& site, const KnownState& former, State& wanted, const Outside& outside) {
  std::string left_over;
  wanted.pending = former.state.pending;
  if (former.current) wanted.pending.insert(wanted.pending.end(), former.state.attachments.begin(), former.state.attachments.end());
  std::erase_if(wanted.pending, has_no_filters);  // how each of the others is attached is known by now
  if (const Done done = detach_others(site, wanted.pending, wanted.attachments); !done) left_over = done.error().message;
  detach_other_devices(site, outside.devices);
  if (!left_over.empty()) return left_over;
  wanted.pending.clear();
  if (const Done done = write_state(site, wanted); !done) left_over = done.error().message;
  return left_over;
}

// A device of the node may go at any time, and pods must not pay for it: `status` says so, and recovery puts it right.
bool is_away(const Attachment& it) {
  const Presence now = presence(it.netns, it.ifname, it.ifindex, it.netns_inode);
  return now == Presence::Anew || now == Presence::Gone;
}

}  // namespace

Done attach_all(const Installation& site, GenerationState& state, OwnPrograms& ours, Journal& journal, std::vector<std::string>& changed) {
  const Expedite hurry(site, without_links(site, state));
  for (Attachment& it : state.attachments) {
    if (!it.wants_program()) continue;
    if (interrupted()) return refused("interrupted");
    const auto programs = ours.of(site, state.number, it);
    if (!programs) return tl::make_unexpected(programs.error());
    const auto other = attach(site, it, *programs, state.mode, ours, journal);
    if (!other && it.for_node && is_away(it)) continue;
    if (!other) return tl::make_unexpected(other.error());
    if (*other) changed.push_back(it.endpoint + " at " + it.ifname);
  }
  return {};
}

Done attach_one(const Installation& site, const GenerationState& state, Attachment& attachment, OwnPrograms& ours) {
  const auto programs = ours.of(site, state.number, attachment);
  if (!programs) return tl::make_unexpected(programs.error());
  Journal journal;
  const auto other = attach(site, attachment, *programs, state.mode, ours, journal);
  if (!other) return tl::make_unexpected(other.error());
  journal.keep();
  return {};
}

Result<Switched> switch_to(const Installation& site, const KnownState& former, State& wanted, Outside& outside, Journal& journal) {
  OwnPrograms ours;
  Switched out;
  if (Done done = ours.add_generation(site, wanted.number); !done) return tl::make_unexpected(done.error());
  if (former.current)
    if (Done done = ours.add_generation(site, former.state.number); !done) return tl::make_unexpected(done.error());
  // Where a switch was not ended, links have what was before that.
  if (former.current && former.state.previous)
    if (Done done = ours.add_generation(site, former.state.previous->number); !done) return tl::make_unexpected(done.error());
  Done done = announce(site, former, wanted, journal);
  if (done) done = pause_outside(site, journal);
  if (done) done = attach_all(site, wanted, ours, journal, out.changed);
  if (done && outside.program) done = outside.program->attach(site, outside.devices, journal);
  if (done) {
    wanted.unfinished = false;
    done = write_state(site, wanted);
  }
  if (!done) {
    journal.take_back();  // while the programs are open
    return tl::make_unexpected(done.error());
  }
  journal.keep();
  out.left_over = take_the_rest_away(site, former, wanted, outside);
  return out;
}

void forget_others(const Installation& site, const State& state) {
  std::set<std::uint64_t> generations{state.number};
  std::set<std::string> bundles{state.bundle};
  if (state.previous) {
    generations.insert(state.previous->number);
    bundles.insert(state.previous->bundle);
  }
  std::set<std::string> programs;
  for (const std::uint64_t generation : generations)
    for (std::string& digest : site.pinned_programs(generation)) programs.insert(std::move(digest));
  for (const std::uint64_t generation : site.generations())
    if (!generations.contains(generation)) site.remove_generation(generation);
  for (const std::string& digest : site.pinned_rules())
    if (!programs.contains(digest)) unpin(site.rules_path(digest));
  forget_other_bundles(site, bundles);
}

}  // namespace netpolc::loader
