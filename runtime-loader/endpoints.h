// runtime-loader/endpoints.h — pods that come and go while a bundle is in force: each gets the
// program of the running generation, or is blocked until there is one for it.
//
// Nothing here makes a new generation. Every call takes the installation's lock, does what it does
// for good or not at all, and leaves the state so that a loader that is killed anywhere in it is
// followed by one that finishes it (recover.h).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/attachment.h"
#include "runtime-loader/host_options.h"
#include "runtime-loader/result.h"
#include "runtime-loader/running.h"

namespace netpolc::loader {

struct EndpointOptions {
  NewEndpoints fresh = NewEndpoints::Deny;
  std::optional<AttachMode> mode = {};
};

enum class EndpointState : std::uint8_t {
  Enforced,  // its program is in force at its interface
  Blocked,   // nothing passes but ARP and neighbour discovery
  Open,      // nothing is attached: no policy speaks of its namespace, or NewEndpoints::Allow
  Failed,    // this request: nothing was changed for it
};
const char* to_string(EndpointState state);  // "enforced", "blocked", "open", "failed"

struct EndpointOutcome {
  std::string endpoint, ifname, netns;
  EndpointState state = EndpointState::Failed;
  std::string reason;          // why it isn't enforced; empty where it is
  std::uint32_t identity = 0;  // 0: not known
  std::string program;         // digest; "" where it has none
};

// One outcome a request, in order; what fails for one leaves the others. An interface that is
// attached already is brought to what is asked for now (the pod behind it may be another).
// Fails as a whole where nothing is loaded, or the state can't be written.
Result<std::vector<EndpointOutcome>> add_endpoints(const Where& where, const std::vector<AttachRequest>& requests, const EndpointOptions& options);

// Which endpoint: by name and interface, where both are given by both. Absent ones are no failure.
struct EndpointKey {
  std::string endpoint;  // "": whichever is at the interface
  std::string ifname;    // "": at all of its interfaces
  std::string netns;     // counts with `ifname`
  int ifindex = 0;       // not 0: of these numbers alone, and as it was asked for by this one
  std::uint64_t netns_inode = 0;
  std::string origin = {};
};
// Detaches them, and forgets the addresses that came with them. How many there were, by key.
Result<std::vector<std::size_t>> remove_endpoints(const Where& where, const std::vector<EndpointKey>& keys);

}  // namespace netpolc::loader
