#include "runtime-loader/link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

namespace netpolc::loader {
namespace {

// linux/bpf.h of Linux 6.6, where the headers we build with are older.
constexpr std::uint32_t kTcxIngress = 46, kTcxEgress = 47;

// What we own among the filters of an interface: priority and handle are our name.
constexpr std::uint32_t kFilterHandle = 0x6e70, kFilterPriority = 0x6e70;

int bpf_call(int command, union bpf_attr& attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

bpf_tc_hook tc_hook(int ifindex, Side side) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = ifindex;
  hook.attach_point = side == Side::FromPod ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}
bpf_tc_opts tc_filter(bool for_node) {
  bpf_tc_opts filter{};
  filter.sz = sizeof filter;
  filter.handle = kFilterHandle;
  filter.priority = kFilterPriority + (for_node ? 1 : 0);
  return filter;
}

}  // namespace

TcxResult tcx_attach(int program, int ifindex, Side side) {
  union bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.link_create.prog_fd = static_cast<std::uint32_t>(program);
  attributes.link_create.target_ifindex = static_cast<std::uint32_t>(ifindex);
  attributes.link_create.attach_type = side == Side::FromPod ? kTcxIngress : kTcxEgress;
  const int fd = bpf_call(BPF_LINK_CREATE, attributes);
  TcxResult result{Fd{fd}, fd < 0 ? errno : 0, true};
  // An attach type the kernel doesn't know is EINVAL; without CONFIG_NET_XGRESS, too.
  result.supported = result.error != EINVAL && result.error != EOPNOTSUPP;
  return result;
}

int tcx_replace(int link, int program) {
  union bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.link_update.link_fd = static_cast<std::uint32_t>(link);
  attributes.link_update.new_prog_fd = static_cast<std::uint32_t>(program);
  return bpf_call(BPF_LINK_UPDATE, attributes) < 0 ? errno : 0;
}

Result<LinkInfo> link_info(int link) {
  // The tcx part of the union is two words, ifindex and attach type, at the union's start,
  // where the netns variant has the same shape.
  bpf_link_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(link, &info, &length) != 0) return refused("reading a link", errno);
  static_assert(sizeof info.netns >= 8);
  return LinkInfo{info.id, info.prog_id, info.netns.netns_ino, info.netns.attach_type == kTcxEgress};
}

Result<std::uint32_t> clsact_program(int ifindex, Side side, bool for_node) {
  const bpf_tc_hook hook = tc_hook(ifindex, side);
  bpf_tc_opts filter = tc_filter(for_node);
  const int error = -bpf_tc_query(&hook, &filter);
  if (error == ENOENT || error == EINVAL) return 0u;  // no filter; EINVAL: no clsact qdisc
  if (error != 0) return refused("asking for the filter of an interface", error);
  return filter.prog_id;
}

Done clsact_attach(int program, int ifindex, Side side, bool for_node) {
  bpf_tc_hook hook = tc_hook(ifindex, side);
  int error = -bpf_tc_hook_create(&hook);
  if (error != 0 && error != EEXIST) return refused("creating a clsact qdisc", error);
  bpf_tc_opts filter = tc_filter(for_node);
  filter.prog_fd = program;
  filter.flags = BPF_TC_F_REPLACE;
  error = -bpf_tc_attach(&hook, &filter);
  if (error != 0) return refused("attaching a clsact filter", error);
  return {};
}

Done clsact_detach(int ifindex, Side side, bool for_node) {
  // The qdisc stays: others may have put filters there since.
  const bpf_tc_hook hook = tc_hook(ifindex, side);
  const bpf_tc_opts filter = tc_filter(for_node);
  const int error = -bpf_tc_detach(&hook, &filter);
  if (error != 0 && error != ENOENT && error != EINVAL && error != ENODEV)
    return refused("removing a clsact filter", error);
  return {};
}

}  // namespace netpolc::loader
