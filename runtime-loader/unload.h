// runtime-loader/unload.h — taking everything of an installation away.
#pragma once
#include <string>

#include "runtime-loader/installation.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

struct UnloadReport {
  std::size_t links = 0;     // tcx links and classic filters taken away
  std::size_t interfaces = 0;  // that had them
  std::size_t external = 0;  // devices at which dropping began
  std::string left_over;     // not empty: what may be left, since the state was damaged
};
// Detaches first, so that no program runs without its maps; also cleans up after a loader that
// was killed, and where the state is damaged; a state that can't be read now fails it. A clsact qdisc stays: others may use it.
Result<UnloadReport> unload(const std::string& root, const std::string& state);
// For who has the lock.
Result<UnloadReport> unload_locked(const Installation& site);

}  // namespace netpolc::loader
