// runtime-loader/status.h — what is loaded, whether it is in force, how full it is, and what it has
// counted. Reading changes nothing and waits for nobody: beside a load that is at work it may find
// what is in force a step ahead of what the state says.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/map_layout.h"
#include "runtime-loader/attach.h"
#include "runtime-loader/bundle.h"
#include "runtime-loader/daemon_figures.h"
#include "runtime-loader/map_fill.h"
#include "runtime-loader/maps.h"
#include "runtime-loader/state.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {

// What an interface that something is attached to is in.
enum class AttachmentState : std::uint8_t {
  Enforced,  // the programs of the current generation
  Open,      // nothing is attached, on purpose; Attachment::open says why
  Blocked,   // nothing passes; Attachment::blocked says why
  Stale,     // other programs than the current generation's
  Detached,  // one program or both are missing: somebody took them away
  Gone,      // the interface isn't there any more, or was made anew
};
const char* to_string(AttachmentState state);  // "enforced", "open", "blocked", "stale", "detached", "gone"

struct AttachmentStatus {
  Attachment attachment;
  InForce programs;
  AttachmentState state = AttachmentState::Enforced;
  std::string problem;  // why it isn't enforced, and what to do; empty where it is
  // Also where nothing shall pass, or nothing be attached.
  bool is_as_wanted() const { return state == AttachmentState::Enforced || state == AttachmentState::Open || state == AttachmentState::Blocked; }
};
// A pod that the bundle has on this node, and that nothing is attached to.
struct UnattachedPod {
  std::size_t endpoint = 0, pod = 0;  // indices into Bundle::endpoints and its pods
};
// A program's counters: one of each rule, then one for packets that no rule decided.
struct ProgramStatus {
  std::size_t program = 0;  // index into Bundle::programs
  std::vector<np_counter> ingress, egress;
};
// Endpoints of the current generation against those of the one before.
struct LastChange {
  std::size_t added = 0, removed = 0, changed = 0;  // changed: another program
};
struct DaemonStatus {
  bool runs = false;
  std::optional<DaemonFigures> figures;  // what it wrote last, also where it runs no more
  std::string unreadable;                // why there are none, though there should be
};

struct Status {
  std::string root;
  bool unfinished = false; // a load was killed before it was done, so that more may be in force than is said
  bool installed = false;  // false: the rest is empty, but for the daemon's
  State state;
  Bundle bundle;
  std::vector<AttachmentStatus> attachments;
  std::vector<UnattachedPod> unattached;
  std::vector<ExternalDevice> external;  // at which dropping begins
  std::size_t external_gone = 0;         // that went away with their program
  std::vector<ProgramStatus> programs;
  std::vector<std::string> faults;      // what is pinned and isn't what was pinned, or is missing
  bool ready = true;                    // programs judge; else they drop everything (reason 165)
  std::vector<np_counter> drops;        // by reason
  std::vector<std::uint64_t> dropped_at;  // by reason: seconds since the last one; UINT64_MAX: never
  std::size_t addresses = 0;
  FlowCount flows;
  std::vector<MapFill> maps;         // in this order: who is who, then what is remembered
  std::vector<std::uint64_t> stats;  // by NP_STAT_*
  std::optional<std::int64_t> confirm_left;  // seconds until it goes back by itself; below 0: overdue
  std::optional<LastChange> last_change;     // where there is a generation before
  DaemonStatus daemon;
  // Installed, nothing unfinished, and at every interface what shall be there. What is blocked or left open
  // on purpose is as it shall be.
  bool good() const;
};

Result<Status> status(const std::string& root, const std::string& state);

// The first screen: a line a component, then why some aren't ok. `brief`: the lines alone.
std::string status_text(const Status& status, bool brief);
// What `--verbose` adds: attachments, maps, every rule's counters, drops.
std::string details_text(const Status& status);
std::string status_json(const Status& status);

}  // namespace netpolc::loader
