#include "runtime-loader/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace netpolc::loader {
namespace {

constexpr std::uint64_t bit(int capability) { return 1ull << capability; }
constexpr std::uint64_t kAdmin = bit(CAP_SYS_ADMIN);
constexpr std::uint64_t kNeeded = bit(CAP_BPF) | bit(CAP_NET_ADMIN) | bit(CAP_PERFMON);

struct Capabilities {
  std::uint64_t effective = 0, permitted = 0, inheritable = 0;
};

Capabilities own() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return {};
  const auto both = [](std::uint32_t low, std::uint32_t high) { return low | std::uint64_t{high} << 32; };
  return {both(data[0].effective, data[1].effective), both(data[0].permitted, data[1].permitted), both(data[0].inheritable, data[1].inheritable)};
}

// Nothing is ever inherited. 0, or a positive errno.
int set(const Capabilities& wanted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const auto low = [](std::uint64_t all) { return static_cast<std::uint32_t>(all); };
  const auto high = [](std::uint64_t all) { return static_cast<std::uint32_t>(all >> 32); };
  const __user_cap_data_struct data[2] = {{low(wanted.effective), low(wanted.permitted), 0}, {high(wanted.effective), high(wanted.permitted), 0}};
  return syscall(SYS_capset, &header, data) == 0 ? 0 : errno;
}

Done reduce(const Capabilities& wanted) {
  const Capabilities now = own();
  if (now.effective == wanted.effective && now.permitted == wanted.permitted && now.inheritable == 0) return {};
  const int error = set(wanted);
  return error == 0 ? Done() : Done(refused("dropping capabilities", error));
}

}  // namespace

Done drop_privileges() {
  // The bounding set first. It takes CAP_SETPCAP; without that, no_new_privs is what keeps files from giving capabilities.
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    if ((bit(capability) & kNeeded) == 0) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("forgoing new privileges", errno);
  const Capabilities now = own();
  return reduce({now.effective & kNeeded, now.permitted & (kNeeded | kAdmin), 0});
}

Done give_up_admin() {
  const Capabilities now = own();
  return reduce({now.effective & ~kAdmin, now.permitted & ~kAdmin, 0});
}

AsAdmin::AsAdmin() : raised_((own().effective & kAdmin) == 0 && (own().permitted & kAdmin) != 0) {
  if (raised_) set({own().effective | kAdmin, own().permitted, 0});
}

AsAdmin::~AsAdmin() {
  if (raised_) set({own().effective & ~kAdmin, own().permitted, 0});
}

std::string lacks_admin() { return (own().permitted & kAdmin) != 0 ? "" : "; it needs CAP_SYS_ADMIN for that"; }

}  // namespace netpolc::loader
