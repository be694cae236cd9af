// runtime-loader/candidate.h — a generation that is being made: its bundle is read and checked, its
// programs and maps are in the kernel beside what runs, and nobody uses them yet.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "runtime-loader/load.h"
#include "runtime-loader/object.h"
#include "runtime-loader/running.h"
#include "runtime-loader/switch.h"

namespace netpolc::loader {

struct Candidate {
  Bundle bundle;
  GenerationState state;             // as it will be remembered
  AddressIdentities addresses;
  SharedMaps maps;
  std::map<std::string, Object> objects;  // by digest
  Outside outside;
  std::string nothing_at_host;
  std::vector<std::string> forgotten, gone;  // see LoadReport
};

// What can be said of the request without touching the kernel.
Result<Candidate> plan_candidate(const LoadOptions& options);
// Into the kernel, with what `known` says of addresses; maps are filled, `ready` last.
Done make(const Installation& site, const KnownState& known, const LoadOptions& options, Candidate& next);
// Under its number, and what outlives generations under ROOT/maps and ROOT/rules.
Done pin(const Installation& site, Candidate& next, Journal& journal);
// That the kernel charges for it, without what it shares with others.
std::uint64_t kernel_bytes(const Candidate& next);
// With the pods that the state has; leaves it empty where there is nothing to drop.
Done make_outside(const Bundle& bundle, const GenerationState& state, const AddressIdentities& addresses, SharedMaps& maps, Outside& outside);

// The same for a generation that is pinned, at the devices that its load was given. Empty where they are gone: then the pods'
// programs judge all that comes. `parts` outlive `outside`.
struct OutsideParts {
  Bundle bundle;
  AddressIdentities addresses;
  SharedMaps maps;
};
Done remake_outside(const Installation& site, const Running& running, OutsideParts& parts, Outside& outside);

}  // namespace netpolc::loader
