// runtime-loader/running.h — what is loaded on this node, opened to be asked or told something: its
// state, its bundle and the maps that say who is where. The one way in which addresses change.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "runtime-loader/fd.h"
#include "runtime-loader/object.h"
#include "runtime-loader/plan.h"
#include "runtime-loader/state.h"

namespace netpolc::loader {

struct Where {
  std::string root, state;
};

struct Running {
  std::shared_ptr<const Installation> site;
  State state;                     // whose current generation this is
  Bundle bundle;                   // with the peers of what was learned, once `publish` ran
  std::set<std::size_t> programs;  // that are loaded, by Bundle::programs, whether a pod has them or not
  std::map<std::string, Fd> maps;

  int map(const char* name) const { return maps.at(name).get(); }
  AddressMaps addresses() const;
  // Fails as input where the bundle doesn't fit what was said.
  Result<AddressPlan> plan(const std::map<Prefix, AddressOverride>& overrides) const;
};

// Fails as input where nothing is loaded. `to_write` waits for other loaders and keeps them out, and
// ends first what one of them began (recover.h).
Result<Running> open_running(const Where& where, bool to_write);
// The current generation of a state, for who has the lock or only reads; `site` outlives it.
Result<Running> open_generation(const Installation& site, State state);

// What programs of a generation share, by its pins; empty where something is not there.
SharedMaps shared_maps(const Installation& site, std::uint64_t generation);

// A program of the bundle that no pod of this generation had until now: in the kernel and pinned, its peers as
// yet all strangers. `publish` makes them known, with `joining` naming it.
Done add_program(Running& running, std::size_t program);

// Tells the programs which pod is behind which interface, as the state has it.
Done refresh_interfaces(const Running& running);

// Makes the tables in the kernel those of `next` instead of `former`'s; entries at `said` are written
// in any case. In this order, so that nobody is ever more than he is: bits of new identities, then
// addresses (an address goes from who it was to who it is in one step), then a new generation, with which
// live flows are judged anew, and another one when no packet is being judged any more by what was known
// before. Where policies may name nodes by prefix, what the own node is changes with its addresses: it
// then gets another row. Programs that are `joining` may tell peers apart that all others take for the same: these get
// rows of their own. When it fails the former addresses are in place again. Doesn't touch the state.
Done publish(Running& running, const AddressPlan& former, const AddressPlan& next, const std::set<Prefix>& said,
             const std::set<std::size_t>& joining = {});

}  // namespace netpolc::loader
