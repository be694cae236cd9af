#include "runtime-loader/generations.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <set>

#include "runtime-loader/candidate.h"
#include "runtime-loader/confirmation.h"
#include "runtime-loader/kept_bundle.h"
#include "runtime-loader/netns.h"
#include "runtime-loader/node_plan.h"
#include "runtime-loader/recover.h"

namespace netpolc::loader {
namespace {

// Who had a program of the former generation, and who is here now; where both speak of an interface, now counts.
std::vector<AttachRequest> endpoints_of(const GenerationState& former, const GenerationState& now) {
  std::vector<AttachRequest> out = requested(now.attachments);
  std::set<std::pair<std::string, std::string>> places;
  for (const AttachRequest& it : out) places.emplace(it.netns, it.ifname);
  // The very interface that it had; one that was made anew under its name is somebody else's.
  std::vector<Attachment> still;
  for (const Attachment& it : former.attachments) {
    if (presence(it.netns, it.ifname, it.ifindex, it.netns_inode) == Presence::Same) still.push_back(it);
  }
  std::set<Address> taken;
  for (const AttachRequest& it : out) taken.insert(it.addresses.begin(), it.addresses.end());
  for (AttachRequest& it : requested(still)) {
    std::erase_if(it.addresses, [&](const Address& address) { return taken.contains(address); });
    if (places.emplace(it.netns, it.ifname).second) out.push_back(std::move(it));
  }
  return out;
}

// Whose interfaces are what they were, or can't be asked for; the others are looked for by name. A device of the node that is gone
// may come again.
std::vector<Attachment> still_there(const std::vector<Attachment>& attachments) {
  std::vector<Attachment> out;
  for (const Attachment& it : attachments) {
    const Presence now = presence(it.netns, it.ifname, it.ifindex, it.netns_inode);
    if (now == Presence::Same || now == Presence::Unknown || (now == Presence::Gone && it.for_node)) out.push_back(it);
  }
  return out;
}

// What was said while the other was in force counts, in terms that this bundle has.
Result<std::map<Prefix, AddressOverride>> overrides_of(const Installation& site, const Bundle& bundle, const GenerationState& former, const GenerationState& now) {
  if (former.bundle == now.bundle) return now.overrides;
  const auto other = kept_manifest(site, now.bundle);
  auto out = surviving(in_words(now.overrides, other ? *other : Bundle(), now.learned), bundle, now.bundle);
  for (const auto& [prefix, what] : former.overrides) out.try_emplace(prefix, what);
  return out;
}

// The former generation with the endpoints and addresses of now. Its maps are nobody's yet, so the order doesn't matter.
Result<Running> bring_up_to_date(const Installation& site, const State& now, SwitchReport& report) {
  State state;
  static_cast<GenerationState&>(state) = *now.previous;
  auto running = open_generation(site, std::move(state));
  if (!running) return running;
  auto before = running->plan(running->state.overrides);
  if (!before) return tl::make_unexpected(before.error());
  auto there = read_addresses(running->addresses());
  if (!there) return tl::make_unexpected(there.error());
  before->addresses = std::move(*there);  // pods have gone since, and who was killed may have written some
  const GenerationState& own = running->state;
  std::vector<Attachment> known = still_there(now.attachments);
  for (const Attachment& it : own.attachments)  // of devices that the generation since doesn't have
    if (it.for_node && std::none_of(known.begin(), known.end(), [&](const Attachment& one) { return one.for_node && one.ifname == it.ifname && one.netns == it.netns; })) known.push_back(it);
  auto plan = plan_node(running->bundle, {own.node, own.host, own.skip_unenforced, own.fresh, true, own.exact_names ? PodNames::Exact : PodNames::ByController}, endpoints_of(own, now), known);
  if (!plan) return tl::make_unexpected(plan.error());
  report.gone = std::move(plan->gone);
  auto overrides = overrides_of(site, running->bundle, own, now);
  if (!overrides) return tl::make_unexpected(overrides.error());
  running->state.attachments = std::move(plan->attachments);
  running->state.node_addresses = now.node_addresses;
  running->state.overrides = std::move(*overrides);
  say_unknown(running->bundle, now.attachments, running->state.attachments, running->state.overrides);
  for (Attachment& it : running->state.attachments) {
    if (it.program.empty()) {
      if (!it.blocked.empty()) report.blocked.push_back(it.endpoint + ": " + it.blocked);
      continue;
    }
    const std::size_t program = running->bundle.endpoints[it.bundle_endpoint].program;
    if (running->programs.contains(program)) continue;
    const Done added = add_program(*running, program);
    if (added) continue;
    if (it.for_node) return tl::make_unexpected(added.error());  // blocked, it would cut the node off
    it.blocked = "its program can't be loaded: " + added.error().message;
    report.blocked.push_back(it.endpoint + ": " + it.blocked);
  }
  const auto next = running->plan(running->state.overrides);
  if (!next) return tl::make_unexpected(next.error());
  std::set<Prefix> all;
  for (const auto& [prefix, identity] : next->addresses) all.insert(prefix);
  // Nobody knows which rows are as they should be; it is nobody's yet, so all are written.
  if (const Done done = publish(*running, *before, *next, all, running->programs); !done) return tl::make_unexpected(done.error());
  running->state.learned = next->learned;
  if (const Done done = refresh_interfaces(*running); !done) return tl::make_unexpected(done.error());
  return running;
}

State state_after(const State& now, const Running& back) {
  State out;
  static_cast<GenerationState&>(out) = back.state;
  out.conntrack = now.conntrack;
  out.previous = static_cast<const GenerationState&>(now);
  out.set_aside = now.bundle;
  out.pending = now.pending;
  return out;
}

void sleep_until(const Confirmation& confirmation) {
  while (const std::uint64_t left = nanoseconds_left(confirmation)) {
    const timespec wait{static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    clock_nanosleep(CLOCK_BOOTTIME, 0, &wait, nullptr);
  }
}

// In the process that waits: nobody hears it any more.
void wait_and_go_back(const Where& where, const Confirmation& confirmation) {
  const Fd null{open("/dev/null", O_RDWR | O_CLOEXEC)};
  for (const int fd : {0, 1, 2}) dup2(null.get(), fd);
  (void)chdir("/");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_IGN);  // the terminal's, and those of who ends the loader
  sleep_until(confirmation);
  for (unsigned wait = 1; wait <= 64; wait *= 2) {
    const auto done = open_running(where, true);  // which does what is overdue
    if (done || done.error().kind == FailureKind::Input) return;
    sleep(wait);
  }
}

}  // namespace

Result<SwitchReport> roll_back_locked(const Installation& site) {
  const auto known = read_state(site);
  if (!known) return tl::make_unexpected(known.error());
  if (!known->current) return bad_input("nothing is loaded under " + site.root());
  const State& now = known->state;
  if (!now.previous) return bad_input("there is no former generation to go back to");
  SwitchReport report;
  report.from = now.number;
  OwnPrograms former;
  if (const Done done = former.add_generation(site, now.previous->number); !done) return tl::make_unexpected(done.error());
  if (const Done done = former.check(site, now.previous->tags, now.previous->number); !done) return tl::make_unexpected(done.error());
  const auto back = bring_up_to_date(site, now, report);
  if (!back) return tl::make_unexpected(back.error());
  if (const Done done = new_generation(back->map(NP_MAP_CONFIG)); !done) return tl::make_unexpected(done.error());
  OutsideParts parts;
  Outside outside;
  if (const Done done = remake_outside(site, *back, parts, outside); !done) return tl::make_unexpected(done.error());
  State wanted = state_after(now, *back);
  Journal journal;
  const auto switched = switch_to(site, *known, wanted, outside, journal);
  if (!switched) return tl::make_unexpected(switched.error());
  forget_others(site, wanted);
  report.to = wanted.number;
  report.bundle = wanted.bundle;
  report.endpoints = wanted.attachments.size();
  return report;
}

Result<SwitchReport> roll_back(const Where& where) {
  if (const auto there = Installation::find(where.root, where.state); !there) return tl::make_unexpected(there.error());
  const auto site = Installation::open(where.root, where.state);
  if (!site) return tl::make_unexpected(site.error());
  // What can't be put right is left all the more.
  const auto recovered = recover_locked(*site, Thorough::No);
  if (recovered && recovered->went_back) return bad_input("the time to confirm was over, and the former generation is in force again already");
  return roll_back_locked(*site);
}

Result<CommitReport> commit(const Where& where) {
  auto running = open_running(where, true);
  if (!running) return tl::make_unexpected(running.error());
  if (!running->state.confirm) return bad_input("nothing waits to be confirmed");
  running->state.confirm.reset();
  if (const Done done = write_state(*running->site, running->state); !done) return tl::make_unexpected(done.error());
  return CommitReport{running->state.number, running->state.bundle};
}

Done watch_confirmation(const Where& where) {
  const auto site = Installation::find(where.root, where.state);
  if (!site) return tl::make_unexpected(site.error());
  const auto known = read_state(*site);
  if (!known) return tl::make_unexpected(known.error());
  if (!known->current || !known->state.confirm) return {};
  const pid_t child = fork();
  if (child < 0) return refused("starting the process that waits for the confirmation", errno);
  if (child == 0) {
    // Twice, so that it is nobody's child, and in a session of its own: it outlives the terminal.
    if (setsid() < 0) _exit(1);
    const pid_t second = fork();
    if (second != 0) _exit(second < 0);
    wait_and_go_back(where, *known->state.confirm);
    _exit(0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0)
    return refused("no process could be started that waits for the confirmation: the next command that changes anything, or the daemon, goes back");
  return {};
}

}  // namespace netpolc::loader
