// runtime-loader/state.h — what an installation remembers beside its pins: which bundle is
// loaded, onto what, and what was said about addresses since. The pins are the truth about what
// runs; this is what people are shown and what cleaning up needs.
//
//   STATE/state.json       below
//   STATE/DIGEST.json      bundle.json of the loaded bundle
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/attachment.h"
#include "runtime-loader/bundle.h"
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

struct State {
  std::uint32_t conntrack = 0;  // id of the pinned map: state without its pins is worth nothing
  std::string node, loaded;     // RFC 3339, UTC
  std::vector<Address> node_addresses;  // what else is the node's, beside what the bundle says
  std::string bundle;           // digest
  std::vector<Attachment> attachments;
  // Where something of ours may be beside the attachments: written before anything is attached, and
  // kept until all of the former bundle is taken away, so that a loader that is killed leaves nothing unknown.
  std::vector<Attachment> pending;
  bool unfinished = false;  // a load has begun and not ended: its programs may be at some interfaces
  std::map<Prefix, AddressOverride> overrides;
  LearnedIdentities learned;  // numbers given to label sets that the bundle lacks
};

std::string to_json(const State& state);
Result<State> parse_state(const std::string& text, const std::string& name);

// Nothing: no state, or that of pins that are gone (a reboot, an unmounted bpffs). Of such a
// stale state only the classic filters are kept, as `pending`: they don't go with the pins.
struct KnownState {
  State state;
  bool current = false;
};
Result<KnownState> read_state(const Installation& site);
Done write_state(const Installation& site, const State& state);

// The metadata of the loaded bundle, beside the state.
Done keep_manifest(const Installation& site, const Bundle& bundle);
Result<Bundle> kept_manifest(const Installation& site, const State& state);
void forget_other_manifests(const Installation& site, const State& state);

const char* to_string(AttachMode mode);

}  // namespace netpolc::loader
