// runtime-loader/xdp.h — the program at the node's external devices (docs/loader.md, "External
// devices"): what `load --xdp` puts in force beside the pods' programs.
//
//   ROOT/links/NETNS_IFINDEX_xdp     an XDP link each
//   ROOT/maps/np_outside, np_local4, np_local6
//   ROOT/programs/outside
//
// While one generation takes the place of another the program lets everything pass, so that it
// never drops by a policy that is no longer in force.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/attach.h"
#include "runtime-loader/object.h"
#include "runtime-loader/xdp_plan.h"

namespace netpolc::loader {

struct ExternalDevice {
  std::string ifname;
  int ifindex = 0;
  std::uint64_t netns = 0;  // inode; where the loader runs
  bool native = true;       // false: by the stack (generic), which costs more a packet
  std::string why_generic;
};
// Fails as input where a device is missing, given twice, or has no Ethernet frames. `option`: for messages.
Result<std::vector<ExternalDevice>> find_devices(const std::vector<std::string>& names, const std::string& option);

class OutsideProgram {
 public:
  // Loads the object with the maps of the generation and tells it `plan`; drops nothing yet.
  // `bundle` and `addresses`: as they were planned with, and still there at `attach`.
  static Result<OutsideProgram> load(const Bundle& bundle, const AddressIdentities& addresses, OutsidePlan plan, SharedMaps& maps);

  // Once the pods' programs are in force. Leaves in `devices` how each was attached.
  Done attach(const Installation& site, std::vector<ExternalDevice>& devices, Journal& journal);
  int program() const { return object_.program(NP_PROGRAM_FROM_OUTSIDE); }
  // From then on it drops.
  Done start() const;

 private:
  OutsideProgram(Object object, const Bundle& bundle, const AddressIdentities& addresses, OutsidePlan plan, const SharedMaps& maps)
      : object_(std::move(object)), bundle_(&bundle), addresses_(&addresses), plan_(std::move(plan)), maps_(&maps) {}
  Done fill() const;
  Result<std::vector<bool>> sent_to() const;
  Object object_;
  const Bundle* bundle_;
  const AddressIdentities* addresses_;
  OutsidePlan plan_;
  const SharedMaps* maps_;
};

// Lets everything pass that the former generation's program looks at; before its pods' programs go.
Done pause_outside(const Installation& site, Journal& journal);
// Links and maps that are not of `keep`.
void detach_other_devices(const Installation& site, const std::vector<ExternalDevice>& keep);

// Before addresses change hands: what comes for them is none of the program's business any more.
Done forget_local(const Installation& site, const Prefix& prefix);

// The devices that have a program of ours, as the links say.
std::vector<ExternalDevice> devices_in_force(const Installation& site);

bool is_device_link(const std::string& name);

}  // namespace netpolc::loader
