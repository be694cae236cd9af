// runtime-loader/link.h — programs on interfaces. tcx links (Linux 6.6) are made with bpf(2)
// directly, since the libbpf we build against doesn't know them; where the kernel doesn't
// either, classic filters under a clsact qdisc do the same work.
//
// A tcx link is pinned: it survives the loader, and its program is exchanged by one atomic
// step. A clsact filter belongs to the interface and is replaced by priority and handle.
#pragma once
#include <cstdint>
#include <string>

#include "runtime-loader/fd.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

// The side of the host's veth end: packets from the pod arrive at its ingress.
enum class Side : std::uint8_t { FromPod, ToPod };

struct LinkInfo {
  std::uint32_t link = 0;
  std::uint32_t program = 0;
  std::uint32_t ifindex = 0;  // 0: the interface is gone
  bool to_pod = false;
};

// Failing with `supported` false: the kernel has no tcx.
struct TcxResult {
  Fd link;
  int error = 0;
  bool supported = true;
};
TcxResult tcx_attach(int program, int ifindex, Side side);
// 0 or a positive errno; ENOLINK: the interface is gone.
int tcx_replace(int link, int program);
Result<LinkInfo> link_info(int link);

// In the interface's own namespace. `program` 0 as an id means there is no filter of ours. There may
// be two of ours, a pod's and behind it the node's.
Result<std::uint32_t> clsact_program(int ifindex, Side side, bool for_node);
Done clsact_attach(int program, int ifindex, Side side, bool for_node);
Done clsact_detach(int ifindex, Side side, bool for_node);

}  // namespace netpolc::loader
