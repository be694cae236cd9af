#include "runtime-loader/netns.h"

#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "runtime-loader/fd.h"
#include "runtime-loader/privileges.h"

namespace netpolc::loader {
namespace {

// Of the namespace that the thread is in.
Result<std::uint64_t> own_netns() {
  struct stat info {};
  if (stat("/proc/thread-self/ns/net", &info) != 0) return refused("reading /proc/thread-self/ns/net", errno);
  return info.st_ino;
}

// For the calling thread; 0, or a positive errno.
int enter(int netns) {
  const AsAdmin admin;
  return setns(netns, CLONE_NEWNET) == 0 ? 0 : errno;
}

// Without Ethernet headers programs would read something else as them.
bool has_ethernet_frames(const std::string& name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), sizeof request.ifr_name - 1);
  const Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket || ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) return false;
  return request.ifr_hwaddr.sa_family == ARPHRD_ETHER || request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
}

}  // namespace

Done in_netns(const std::string& netns, const std::function<Done()>& action) {
  if (netns.empty()) return action();
  const std::string path = netns.find('/') == std::string::npos ? "/run/netns/" + netns : netns;
  const Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  // Only what says that it isn't there is the request's; whoever can't look knows nothing of it.
  if (!fd && errno != ENOENT && errno != ENOTDIR) return refused("network namespace `" + netns + "`", errno);
  if (!fd) return bad_input("network namespace `" + netns + "`: " + std::generic_category().message(errno));
  Done done;
  std::thread([&] {
    if (const int error = enter(fd.get()); error != 0) {
      done = error == EINVAL ? Done(bad_input("`" + netns + "` is no network namespace"))
                             : Done(refused("entering network namespace `" + netns + "`: " + std::generic_category().message(error) + (error == EPERM ? lacks_admin() : "")));
      return;
    }
    done = action();
  }).join();
  return done;
}

Result<Interface> find_interface(const std::string& netns, const std::string& name) {
  Interface found;
  const Done done = in_netns(netns, [&]() -> Done {
    found.index = static_cast<int>(if_nametoindex(name.c_str()));
    if (found.index == 0 && errno != ENODEV && errno != ENXIO) return refused("interface `" + name + "`", errno);
    if (found.index == 0)
      return bad_input("interface `" + name + "`" + (netns.empty() ? "" : " in `" + netns + "`") + ": " +
                       std::generic_category().message(errno));
    const auto inode = own_netns();
    if (!inode) return tl::make_unexpected(inode.error());
    found.netns = *inode;
    found.ethernet = has_ethernet_frames(name);
    return {};
  });
  if (!done) return tl::make_unexpected(done.error());
  return found;
}

Presence presence(const std::string& netns, const std::string& name, int index, std::uint64_t inode) {
  const auto now = find_interface(netns, name);
  if (!now) return now.error().kind == FailureKind::Kernel ? Presence::Unknown : Presence::Gone;
  return now->index == index && now->netns == inode ? Presence::Same : Presence::Anew;
}

Done at_interface(const std::string& netns, std::uint64_t inode, int index, const std::function<Done()>& action) {
  return in_netns(netns, [&]() -> Done {
    const auto own = own_netns();
    if (!own) return tl::make_unexpected(own.error());
    char name[IF_NAMESIZE] = "";
    if (*own != inode || if_indextoname(static_cast<unsigned>(index), name) == nullptr)
      return bad_input("interface " + std::to_string(index) + " is gone");
    return action();
  });
}

}  // namespace netpolc::loader
