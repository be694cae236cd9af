#include "runtime-loader/daemon/links.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "runtime-loader/netns.h"

namespace netpolc::loader::daemon {

Result<LinkWatch> LinkWatch::open() {
  LinkWatch watch;
  watch.socket_ = Fd{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  local.nl_groups = RTMGRP_LINK;
  if (!watch.socket_ || bind(watch.socket_.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
    return refused("watching interfaces over netlink", errno);
  const int room = 4 << 20;
  if (setsockopt(watch.socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0) setsockopt(watch.socket_.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  return watch;
}

LinkWatch::Seen LinkWatch::drain() const {
  Seen seen;
  alignas(nlmsghdr) std::array<char, 1 << 15> buffer;
  while (true) {
    const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) {
      seen.lost = true;
      continue;
    }
    if (got <= 0) return seen;
  }
}

Links links_at(const std::set<Place>& places) {
  Links out;
  for (auto first = places.begin(); first != places.end();) {
    auto last = first;
    while (last != places.end() && last->netns == first->netns) ++last;
    const Done done = in_netns(first->netns, [&]() -> Done {
      struct stat info {};
      if (stat("/proc/thread-self/ns/net", &info) != 0) return refused("reading /proc/thread-self/ns/net", errno);
      for (auto it = first; it != last; ++it)
        if (const unsigned index = if_nametoindex(it->ifname.c_str()); index != 0) out.there[*it] = {static_cast<int>(index), info.st_ino};
        else if (errno != ENODEV && errno != ENXIO) out.unknown.insert(*it);
      return {};
    });
    if (!done && done.error().kind == FailureKind::Kernel) out.unknown.insert(first, last);
    first = last;
  }
  return out;
}

}  // namespace netpolc::loader::daemon
