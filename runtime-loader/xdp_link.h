// runtime-loader/xdp_link.h — an XDP program on a device, as a pinned link: it survives the loader,
// and another program takes its place in one step.
#pragma once
#include <memory>
#include <string>

#include "runtime-loader/attach.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {

// The link's name: "NETNS_IFINDEX_xdp".
std::string device_link(const ExternalDevice& device);

// In place of what we have there. By the driver where it can, else by the stack; `device` says
// which. `former`: the program of ours that is there, to put it back. Fails where somebody else's program is.
Done attach_device(const Installation& site, ExternalDevice& device, int program, std::shared_ptr<Fd> former, Journal& journal);

}  // namespace netpolc::loader
