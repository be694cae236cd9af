// runtime-loader/generations.h — going back to the former generation, and staying with the new one.
// A load makes a generation: programs and maps of one bundle for this node, all pinned. The one
// before it stays pinned until the next load, unused.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime-loader/result.h"
#include "runtime-loader/running.h"

namespace netpolc::loader {

struct SwitchReport {
  std::uint64_t from = 0, to = 0;         // generations
  std::string bundle;                     // digest of what is in force now
  std::size_t endpoints = 0;
  std::vector<std::string> blocked;       // endpoints that it knows no program for, with the reason
  std::vector<std::string> gone;          // who was left out, since the interface isn't there
};

// The former generation is in force again, with the endpoints and addresses of now, and the one that was
// left becomes the former one. Its bundle is set aside: the daemon doesn't take it up again by itself.
// Fails as input where there is no former one; fails as kernel with the running generation as it was.
Result<SwitchReport> roll_back(const Where& where);
// For who has the lock.
Result<SwitchReport> roll_back_locked(const Installation& site);

// Ends the time that `load --confirm` gave. Fails as input where nothing waits for it.
struct CommitReport {
  std::uint64_t generation = 0;
  std::string bundle;
};
Result<CommitReport> commit(const Where& where);

// For a load that was given `--confirm`: a process of its own that goes back when the time is over
// and nobody committed. The state has the time as well, so that any later loader does it, should
// that process be killed.
Done watch_confirmation(const Where& where);

}  // namespace netpolc::loader
