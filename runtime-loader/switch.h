// runtime-loader/switch.h — from one generation to another. By now all of the other one is in the
// kernel and pinned, so that nothing is left to be made; interface by interface one program takes the
// place of the other.
#pragma once
#include <string>
#include <vector>

#include "runtime-loader/attach.h"
#include "runtime-loader/state.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {

// The program for external devices of what is switched to; nothing: none, and what is there is taken away.
struct Outside {
  std::optional<OutsideProgram> program;
  std::vector<ExternalDevice> devices;
  std::string nothing;  // not empty: why devices were asked for and nothing is attached to them
};

// Gives every attachment of the state its program, and leaves in it how. `changed`: who had another one, or none.
Done attach_all(const Installation& site, GenerationState& state, OwnPrograms& ours, Journal& journal, std::vector<std::string>& changed);

// One of them; it is taken back if one side fails.
Done attach_one(const Installation& site, const GenerationState& state, Attachment& attachment, OwnPrograms& ours);

struct Switched {
  std::string left_over;             // not empty: of what was there before, what could not be taken away
  std::vector<std::string> changed;  // endpoints that got another program
};
// `former`: as it was; not current: nothing was loaded. The state is written first, so whoever is killed from then on is followed
// by one who ends it. If it fails all is as it was; `journal` has what the caller wants to be taken back then, too.
Result<Switched> switch_to(const Installation& site, const KnownState& former, State& wanted, Outside& outside, Journal& journal);

// What no generation of the state needs.
void forget_others(const Installation& site, const State& state);

}  // namespace netpolc::loader
