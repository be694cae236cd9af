#include "runtime-loader/connectivity/namespace.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace netpolc::loader::connectivity {
namespace {

constexpr const char* kOwn = "/proc/thread-self/ns/net";

Done write_setting(const std::string& name, const std::string& value) {
  const std::string path = "/proc/sys/net/" + name;
  const Fd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  // A kernel without IPv6 has no settings of it, and no addresses of it will be given either.
  if (!file && errno == ENOENT) return {};
  if (!file || write(file.get(), value.data(), value.size()) < 0) return refused("writing " + path, errno);
  return {};
}

// Whoever gets a packet for another passes it on; answers may take another way; echo sockets for whoever we are.
Done set_up_forwarding() {
  static constexpr const char* settings[][2] = {{"ipv4/ip_forward", "1"},
                                                {"ipv4/conf/all/rp_filter", "0"},
                                                {"ipv4/conf/default/rp_filter", "0"},
                                                {"ipv4/ping_group_range", "0 2147483647"},
                                                {"ipv6/conf/all/disable_ipv6", "0"},
                                                {"ipv6/conf/default/disable_ipv6", "0"},
                                                {"ipv6/conf/all/accept_dad", "0"},
                                                {"ipv6/conf/default/accept_dad", "0"},
                                                {"ipv6/conf/all/forwarding", "1"},
                                                {"ipv6/conf/default/forwarding", "1"}};
  for (const auto& [name, value] : settings)
    if (Done done = write_setting(name, value); !done) return done;
  return {};
}

}  // namespace

Result<Namespace> Namespace::create() {
  const Fd home{open(kOwn, O_RDONLY | O_CLOEXEC)};
  if (!home) return refused(std::string("opening ") + kOwn, errno);
  if (unshare(CLONE_NEWNET) != 0) return refused("making a network namespace", errno);
  Namespace out;
  Done done;
  out.fd_ = Fd{open(kOwn, O_RDONLY | O_CLOEXEC)};
  if (!out.fd_) done = refused(std::string("opening ") + kOwn, errno);
  if (done) done = set_up_forwarding();
  auto netlink = Netlink::open();
  if (setns(home.get(), CLONE_NEWNET) != 0) {
    std::perror("netpol-loader: returning to the machine's network namespace");
    std::_Exit(4);
  }
  if (!done) return tl::make_unexpected(done.error());
  if (!netlink) return tl::make_unexpected(netlink.error());
  out.netlink_ = std::move(*netlink);
  if (Done up = out.netlink_->set_up(1); !up) return tl::make_unexpected(up.error());  // lo is always the first
  return out;
}

std::string Namespace::path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

Result<Inside> Inside::enter(const Namespace& where) {
  Fd home{open(kOwn, O_RDONLY | O_CLOEXEC)};
  if (!home) return refused(std::string("opening ") + kOwn, errno);
  if (setns(where.fd(), CLONE_NEWNET) != 0) return refused("entering a network namespace", errno);
  return Inside(std::move(home));
}

Inside::~Inside() {
  if (home_ && setns(home_.get(), CLONE_NEWNET) != 0) {
    std::perror("netpol-loader: returning to the machine's network namespace");
    std::_Exit(4);
  }
}

}  // namespace netpolc::loader::connectivity
