// runtime-loader/recover.h — making what is in the kernel what the state says it shall be. The state
// is written before anything is switched, and everything that it names is pinned by then; so
// whatever a loader was doing when it was killed, the next one ends it here.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime-loader/result.h"
#include "runtime-loader/running.h"

namespace netpolc::loader {

struct RecoverReport {
  bool installed = false;             // false: nothing is loaded, and the rest is empty but for went_back
  std::uint64_t generation = 0;       // that is in force now
  std::string bundle;                 // its digest
  bool went_back = false;             // a `--confirm` was overdue
  std::vector<std::string> repaired;  // what was put right, in words; empty: all was as it should be
  std::vector<std::string> gone;      // endpoints whose interface isn't there any more; forgotten
};

// Every command that writes does this first, and the daemon when it starts. Fails as kernel where
// what is pinned is not what this installation pinned (other program tags, other map shapes): it
// then changes nothing, and says what.
Result<RecoverReport> recover(const Where& where);

// The same for who has the lock. No: nothing is looked at where the state says that all is done.
enum class Thorough : bool { No, Yes };
Result<RecoverReport> recover_locked(const Installation& site, Thorough thorough);

}  // namespace netpolc::loader
