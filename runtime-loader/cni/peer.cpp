// Which interface is the other end of another: asked of the kernel by rtnetlink, on both sides.
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "runtime-loader/cni/interfaces.h"

namespace netpolc::cni {
namespace {

constexpr int kWaitMs = 2000;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> failed(const std::string& what) { return fail(Code::Io, what, std::generic_category().message(errno)); }

int link_socket() { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); }

// A socket belongs to the network namespace that it was made in.
Result<Fd> link_socket_of(const std::string& netns) {
  const Fd there(open(netns.c_str(), O_RDONLY | O_CLOEXEC)), here(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (there.get() < 0) return failed("cannot open network namespace " + netns);
  if (here.get() < 0) return failed("cannot open the own network namespace");
  if (setns(there.get(), CLONE_NEWNET) != 0) return failed("cannot enter network namespace " + netns);
  Fd made(link_socket());
  const int error = errno;
  if (setns(here.get(), CLONE_NEWNET) != 0) return failed("cannot leave network namespace " + netns);
  errno = error;
  if (made.get() < 0) return failed("cannot ask about interfaces of " + netns);
  return made;
}

struct Link {
  int index = 0, peer = 0;  // peer 0: none
  std::string name;
};

// By name, or where that is empty by index.
Result<Link> link_of(const Fd& socket, const std::string& name, int index, const std::string& where) {
  const std::string called = name.empty() ? "interface " + std::to_string(index) : "`" + name + "`";
  struct {
    nlmsghdr header;
    ifinfomsg info;
    rtattr attribute;
    char name[IFNAMSIZ];
  } asked = {};
  asked.header.nlmsg_type = RTM_GETLINK;
  asked.header.nlmsg_flags = NLM_F_REQUEST;
  asked.header.nlmsg_len = NLMSG_LENGTH(sizeof asked.info);
  asked.info.ifi_index = index;
  if (!name.empty()) {
    asked.attribute.rta_type = IFLA_IFNAME;
    asked.attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(name.size() + 1));
    std::memcpy(asked.name, name.data(), std::min(name.size(), sizeof asked.name - 1));
    asked.header.nlmsg_len = static_cast<__u32>(NLMSG_ALIGN(asked.header.nlmsg_len) + asked.attribute.rta_len);
  }
  alignas(nlmsghdr) std::array<char, 32768> got;
  pollfd ready{socket.get(), POLLIN, 0};
  ssize_t length = -1;
  if (send(socket.get(), &asked, asked.header.nlmsg_len, 0) < 0 || poll(&ready, 1, kWaitMs) <= 0 || (length = recv(socket.get(), got.data(), got.size(), 0)) < 0)
    return failed("cannot ask about " + called + where);
  const auto* header = reinterpret_cast<const nlmsghdr*>(got.data());
  if (!NLMSG_OK(header, static_cast<std::size_t>(length))) return fail(Code::Io, "cannot read what the kernel says of " + called + where);
  if (header->nlmsg_type == NLMSG_ERROR) {
    errno = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
    return failed("there is no " + called + where);
  }
  const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
  Link out;
  out.index = info->ifi_index;
  int left = static_cast<int>(header->nlmsg_len - NLMSG_LENGTH(sizeof *info));
  for (const rtattr* one = IFLA_RTA(info); RTA_OK(one, left); one = RTA_NEXT(one, left)) {
    if (one->rta_type == IFLA_LINK && RTA_PAYLOAD(one) >= sizeof out.peer) std::memcpy(&out.peer, RTA_DATA(one), sizeof out.peer);
    if (one->rta_type == IFLA_IFNAME) out.name.assign(static_cast<const char*>(RTA_DATA(one)), strnlen(static_cast<const char*>(RTA_DATA(one)), RTA_PAYLOAD(one)));
  }
  return out;
}

}  // namespace

Result<std::string> peer_of(const std::string& netns, const std::string& ifname) {
  const auto inside = link_socket_of(netns);
  if (!inside) return tl::make_unexpected(inside.error());
  const auto pod = link_of(*inside, ifname, 0, " in " + netns);
  if (!pod) return tl::make_unexpected(pod.error());
  const std::string none = "`" + ifname + "` in " + netns + " has no other end in this network namespace";
  if (pod->peer == 0) return fail(Code::InvalidConfig, none, "it is no end of a pair");
  const Fd outside(link_socket());
  if (outside.get() < 0) return failed("cannot ask about interfaces");
  const auto host = link_of(outside, "", pod->peer, "");
  if (!host) return fail(Code::InvalidConfig, none, host.error().message);
  if (host->peer != pod->index) return fail(Code::InvalidConfig, none, "`" + host->name + "` is not paired with it");
  return host->name;
}

}  // namespace netpolc::cni
