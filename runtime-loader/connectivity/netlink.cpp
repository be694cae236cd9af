#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime-loader/connectivity/namespace.h"

namespace netpolc::loader::connectivity {

// A request as it is built: a header, a body, attributes. Attributes hold a few names and addresses, far less than there is room.
struct Netlink::Message {
  alignas(NLMSG_ALIGNTO) std::array<std::uint8_t, 1024> bytes{};
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes.data()); }

  template <class Body>
  Message(std::uint16_t type, std::uint16_t flags, const Body& body) {
    header()->nlmsg_type = type;
    header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    header()->nlmsg_len = NLMSG_HDRLEN;
    append(&body, sizeof body);
  }
  void append(const void* data, std::size_t size) {
    std::memcpy(bytes.data() + header()->nlmsg_len, data, size);
    header()->nlmsg_len += static_cast<std::uint32_t>(NLMSG_ALIGN(size));
  }
  rtattr* begin(std::uint16_t type) {
    auto* attribute = reinterpret_cast<rtattr*>(bytes.data() + header()->nlmsg_len);
    attribute->rta_type = type;
    header()->nlmsg_len += RTA_LENGTH(0);
    return attribute;
  }
  void end(rtattr* attribute) {
    attribute->rta_len = static_cast<std::uint16_t>(bytes.data() + header()->nlmsg_len - reinterpret_cast<std::uint8_t*>(attribute));
  }
  void add(std::uint16_t type, const void* data, std::size_t size) {
    rtattr* attribute = begin(type);
    append(data, size);
    attribute->rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size));
  }
  void add(std::uint16_t type, const std::string& text) { add(type, text.c_str(), text.size() + 1); }
  void add(std::uint16_t type, const Address& address) { add(type, address.bytes.data(), address.size()); }
  void add(std::uint16_t type, std::int32_t number) { add(type, &number, sizeof number); }

};

namespace {

std::uint8_t family_of(const Address& address) { return address.v6 ? AF_INET6 : AF_INET; }

}  // namespace

Result<Netlink> Netlink::open() {
  Fd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!socket) return refused("opening a netlink socket", errno);
  return Netlink(std::move(socket));
}

Done Netlink::send(Message& message, const std::string& what) {
  if (::send(socket_.get(), message.bytes.data(), message.header()->nlmsg_len, 0) < 0) return refused(what, errno);
  alignas(NLMSG_ALIGNTO) std::array<std::uint8_t, 4096> answer{};
  ssize_t got = 0;
  do got = recv(socket_.get(), answer.data(), answer.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) return refused(what, got < 0 ? errno : EPROTO);
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (header->nlmsg_type != NLMSG_ERROR) return refused(what, EPROTO);
  const int error = static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
  if (error != 0) return refused(what, -error);
  return {};
}

Done Netlink::add_veth(const std::string& name, int other, const std::string& other_name) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.add(IFLA_IFNAME, name);
  rtattr* info = message.begin(IFLA_LINKINFO);
  message.add(IFLA_INFO_KIND, std::string("veth"));
  rtattr* data = message.begin(IFLA_INFO_DATA);
  rtattr* peer = message.begin(VETH_INFO_PEER);
  const ifinfomsg body{};
  message.append(&body, sizeof body);
  message.add(IFLA_IFNAME, other_name);
  message.add(IFLA_NET_NS_FD, other);
  message.end(peer);
  message.end(data);
  message.end(info);
  return send(message, "making the pair of interfaces " + name + " and " + other_name);
}

Done Netlink::set_up(int ifindex) {
  ifinfomsg body{};
  body.ifi_index = ifindex;
  body.ifi_flags = body.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, 0, body);
  return send(message, "setting an interface up");
}

Done Netlink::add_address(int ifindex, const Prefix& prefix) {
  ifaddrmsg body{};
  body.ifa_family = family_of(prefix.address);
  body.ifa_prefixlen = prefix.length;
  body.ifa_index = static_cast<std::uint32_t>(ifindex);
  body.ifa_flags = IFA_F_NODAD;
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  message.add(IFA_LOCAL, prefix.address);
  message.add(IFA_ADDRESS, prefix.address);
  return send(message, "giving an interface the address " + prefix.to_string());
}

Done Netlink::add_route(const Prefix& to, int ifindex, const std::optional<Address>& gateway, const std::optional<Address>& from) {
  rtmsg body{};
  body.rtm_family = family_of(to.address);
  body.rtm_dst_len = to.length;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = gateway || to.address.v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  body.rtm_type = RTN_UNICAST;
  if (gateway) body.rtm_flags = RTNH_F_ONLINK;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body);
  if (to.length != 0) message.add(RTA_DST, to.address);
  message.add(RTA_OIF, ifindex);
  if (gateway) message.add(RTA_GATEWAY, *gateway);
  if (from) message.add(RTA_PREFSRC, *from);
  return send(message, "adding the route to " + to.to_string());
}

}  // namespace netpolc::loader::connectivity
