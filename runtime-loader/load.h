// runtime-loader/load.h — putting a bundle into force on this node, all of it or nothing.
//
//   read and check → plan → objects into the kernel → maps filled, `ready` last → all of it pinned
//   as a generation → the state says that it is wanted → interfaces switched
//
// Everything before the last step is beside what is running, so failing there changes nothing; the
// last step exchanges programs one by one and takes them back if one fails. From when the state
// says that it is wanted, a loader that is killed is followed by one that ends it (recover.h).
// Connections, drop counters and events are kept by all generations; each has its own ipcache and
// configuration, so no program ever sees identities of another bundle. The generation that was in
// force stays pinned until the next load, to go back to (generations.h).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/attachment.h"
#include "runtime-loader/host_options.h"
#include "runtime-loader/installation.h"
#include "runtime-loader/maps.h"
#include "runtime-loader/result.h"
#include "runtime-loader/trust.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {

// What was in force when the requests were made. `generation` 0: nothing.
struct MadeFrom {
  std::uint64_t generation = 0;
  std::vector<AttachRequest> endpoints;
};

struct LoadOptions {
  std::string bundle;
  std::vector<AttachRequest> requests;
  std::string node;  // "": the host's name, if the bundle knows it
  bool require_proof = false;  // see certificate.h
  TrustOptions trust;          // whose bundles are taken
  std::string root = kDefaultRoot, state;
  std::optional<AttachMode> mode;
  std::vector<std::string> external;  // devices that lead out of the node: dropping begins there
  HostOptions host;                   // the node's own policy
  bool skip_unenforced = false; // no program for endpoints that no policy selects
  bool report_allowed = false;  // an event for each new allowed connection too
  std::uint32_t event_limit = 1024;  // events a processor, reason and second
  Lifetimes lifetimes;               // of flows
  NewEndpoints fresh = NewEndpoints::Deny;  // pods that the bundle doesn't know; with keep_going
  bool exact_names = false; // a pod that the bundle doesn't name is not known by its workload's name (workload_match.h)
  bool keep_going = false;  // pods that the bundle doesn't know, and interfaces that aren't there, don't fail the load
  // For who makes requests from what is attached: if that has changed until the lock is held, nothing is done (LoadReport::changed_meanwhile).
  // Without it, what the daemon's list and feed have attached is asked for too, where no request has the interface.
  std::optional<MadeFrom> made_from = {};
  bool repair = false;        // of what is in force, which is broken: the generation before stays the one to go back to
  bool other_wanted = false;  // another bundle is wanted now than the one that was rolled back, so that one may be taken up again
  std::uint32_t confirm_seconds = 0;  // not 0: goes back after so long unless somebody commits (generations.h)
};

struct LoadReport {
  bool changed_meanwhile = false;     // nothing was done, and nothing else is said here
  std::string bundle, former_bundle;  // digests; the latter "" at the first load
  std::string node;                   // "": none of the bundle's
  std::optional<BundleSigner> signer;
  std::vector<Attachment> attachments;
  std::size_t programs = 0, addresses = 0;
  std::vector<ExternalDevice> external;
  std::string nothing_at_host;   // not empty: why host devices were given and nothing is attached to them
  std::string nothing_external;  // not empty: why devices were asked for and nothing is attached to them
  std::string left_over;  // not empty: loaded, but something of the former bundle could not be taken away
  std::vector<std::string> forgotten;  // what was said of addresses of endpoints that the bundle doesn't have: world's now
  std::uint64_t generation = 0, former_generation = 0;  // 0: there was none
  std::size_t switched = 0;  // endpoints that got another program than they had, or one at all
  std::uint64_t switch_ns = 0;  // from the first of them to the last
  std::vector<std::string> gone;  // with keep_going: who was left out, since the interface isn't there
};

// Fails as input where nothing is to be attached, without `made_from`.
Result<LoadReport> load(const LoadOptions& options);

// What a load would do. The bundle is read, and its programs and maps are made in the kernel, which so
// says whether it takes them; nothing is attached, pinned or written.
struct LoadPlan {
  enum class Action : std::uint8_t { Attach, Replace, Keep, Detach, Block, LeaveOpen };
  struct Step {
    Action action = Action::Attach;
    std::string endpoint, ifname, netns;
    std::string program;  // digest; "" where it gets none
    std::string reason;   // of Block and LeaveOpen
  };
  LoadReport report;           // as the load's would be, but for what only attaching tells
  std::vector<Step> steps;     // by endpoint and interface
  std::size_t addresses_added = 0, addresses_removed = 0, addresses_changed = 0;  // of the table of who is where
  std::size_t programs_new = 0, programs_gone = 0;  // distinct programs that run here, against those that run now
  std::uint64_t kernel_bytes = 0;  // that its maps and programs take, beside what runs
};
const char* to_string(LoadPlan::Action action);
Result<LoadPlan> plan_load(const LoadOptions& options);

}  // namespace netpolc::loader
