// runtime-loader/host_options.h — what a load is told about the node's own policy, and about pods
// that its bundle doesn't know. Kept with the generation, for endpoints that come later.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace netpolc::loader {

struct HostOptions {
  std::vector<std::string> devices;  // that lead out of the node
  bool skip = false;                 // leave the policy of nodes alone
  bool audit = false;                // what it denies passes, and is counted and reported
};

// What becomes of a pod that the bundle has no program for: its workload was unknown when the
// bundle was compiled. Deny: once some policy selects pods of its namespace it is blocked (drop
// reason 203, endpoint not ready); until then, and with Allow, it is left alone.
enum class NewEndpoints : std::uint8_t { Deny, Allow };

}  // namespace netpolc::loader
