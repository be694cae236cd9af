// runtime-loader/state.h — what an installation remembers beside its pins: which bundle is
// loaded, onto what, and what was said about addresses since. The pins are the truth about what
// runs; this is what people are shown and what cleaning up needs.
//
//   STATE/state.json       below
//   STATE/bundles/DIGEST/  the bundles of the generations that are kept; see kept_bundle.h
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/attachment.h"
#include "runtime-loader/bundle.h"
#include "runtime-loader/host_options.h"
#include "runtime-loader/identities.h"
#include "runtime-loader/installation.h"

namespace netpolc::loader {

// What `address add` and `address remove` said. No member set: removed.
struct AddressOverride {
  std::string endpoint;  // identity: that of the endpoint in whatever bundle is loaded
  std::optional<std::uint32_t> identity = {};
  std::optional<IdentityKey> key = {};  // of a pod or node
  std::optional<ExternalFacts> external = {};
};

// One bundle in the kernel, made ready for this node; see generations.h.
struct GenerationState {
  std::uint64_t number = 0;             // from 1 on, counting up; 0: none
  std::string node, loaded;             // RFC 3339, UTC
  std::vector<Address> node_addresses;  // what else is the node's, beside what the bundle says
  std::string bundle;                   // digest
  std::vector<Attachment> attachments;
  std::map<Prefix, AddressOverride> overrides;
  LearnedIdentities learned;                  // numbers given to label sets that the bundle lacks
  std::map<std::string, std::uint64_t> tags;  // of pinned programs, by the name of the pin: what the kernel calls their bytes
  // As the load was asked, for what comes later: endpoints that are added, and going back to it.
  std::vector<std::string> external;  // devices at which dropping begins
  HostOptions host;
  NewEndpoints fresh = NewEndpoints::Deny;
  bool skip_unenforced = false;
  bool exact_names = false;  // of pods; see workload_match.h
  std::optional<AttachMode> mode;
  std::string signer;        // who signed the bundle: key id and trusted comment; "": nobody who is trusted
};

// `load --confirm`: when it goes back by itself.
struct Confirmation {
  std::string boot;             // id of the boot in which `deadline` counts
  std::uint64_t deadline = 0;   // CLOCK_BOOTTIME, ns
};

// What is wanted is the current generation's; it is written before the first link is switched.
struct State : GenerationState {
  std::uint32_t conntrack = 0;  // id of the pinned map: state without its pins is worth nothing
  std::optional<GenerationState> previous;
  std::optional<Confirmation> confirm;
  // Digest of a bundle that was rolled back: the daemon leaves it until another one is wanted. A load by hand of another bundle
  // changes nothing of that.
  std::string set_aside;
  // Where classic filters of ours may be beside the attachments: they are found by no pin.
  std::vector<Attachment> pending;
  bool unfinished = false;  // what is in force may not be what is wanted yet: recover.h
};

std::string to_json(const State& state);
inline constexpr std::size_t kStateLimit = 256u << 20;  // bytes
Result<State> parse_state(const std::string& text, const std::string& name);

// The bundle that was left when the first load went back to nothing, so that no state can say it; "": there is none. Whoever
// loads or unloads forgets it.
std::string read_set_aside(const std::string& state_directory);
Done write_set_aside(const std::string& state_directory, const std::string& bundle);
void forget_set_aside(const std::string& state_directory);

// Nothing: no state, or that of pins that are gone (a reboot, an unmounted bpffs). Of such a
// stale state only the classic filters are kept, as `pending`: they don't go with the pins.
struct KnownState {
  State state;
  bool current = false;
};
Result<KnownState> read_state(const Installation& site);
Done write_state(const Installation& site, const State& state);

const char* to_string(AttachMode mode);

}  // namespace netpolc::loader
