#include "runtime-loader/connectivity/servers.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace netpolc::loader::connectivity {

SocketAddress::SocketAddress(const Address& address, std::uint16_t port) : v6_(address.v6) {
  static_assert(sizeof bytes_ >= sizeof(sockaddr_in6) && sizeof bytes_ >= sizeof(sockaddr_in));
  if (v6_) {
    sockaddr_in6 out{};
    out.sin6_family = AF_INET6;
    out.sin6_port = htons(port);
    std::memcpy(&out.sin6_addr, address.bytes.data(), 16);
    std::memcpy(bytes_, &out, sizeof out);
  } else {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    std::memcpy(&out.sin_addr, address.bytes.data(), 4);
    std::memcpy(bytes_, &out, sizeof out);
  }
}
const sockaddr* SocketAddress::get() const { return reinterpret_cast<const sockaddr*>(bytes_); }
unsigned SocketAddress::size() const { return v6_ ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }

std::uint16_t SocketAddress::port_of(int fd) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0) return 0;
  // at the same place in both families
  return ntohs(reinterpret_cast<const sockaddr_in*>(&own)->sin_port);
}

std::uint8_t ip_protocol(Speech speech, bool v6) {
  switch (speech) {
    case Speech::Tcp:
    case Speech::DnsTcp: return IPPROTO_TCP;
    case Speech::Udp:
    case Speech::DnsUdp: return IPPROTO_UDP;
    case Speech::Echo: return static_cast<std::uint8_t>(v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP});
  }
  return 0;
}

Servers::~Servers() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  if (write(end_.get(), &one, sizeof one) == sizeof one) thread_.join();
  else thread_.detach();
}

Done Servers::add(const Host& host, const Action& action) {
  if (action.speech == Speech::Echo) return {};
  const bool tcp = ip_protocol(action.speech, false) == IPPROTO_TCP;
  if (!there_.insert({action.destination, action.port, tcp}).second) return {};
  const std::string what = "serving at " + action.destination.to_string() + " port " + std::to_string(action.port);
  auto inside = Inside::enter(host.ns);
  if (!inside) return tl::make_unexpected(inside.error());
  Fd fd{socket(action.destination.v6 ? AF_INET6 : AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return refused(what, errno);
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const SocketAddress at(action.destination, action.port);
  if (bind(fd.get(), at.get(), at.size()) != 0) return refused(what, errno);
  if (tcp && listen(fd.get(), 64) != 0) return refused(what, errno);
  const int number = fd.get();
  const bool dns = action.speech == Speech::DnsTcp || action.speech == Speech::DnsUdp;
  sockets_.emplace(number, Socket{std::move(fd), tcp ? Role::Listener : Role::Datagrams, dns, host.name});
  return {};
}

Done Servers::start() {
  epoll_ = Fd{epoll_create1(EPOLL_CLOEXEC)};
  end_ = Fd{eventfd(0, EFD_CLOEXEC)};
  if (!epoll_ || !end_) return refused("preparing to serve", errno);
  epoll_event event{};
  event.events = EPOLLIN;
  for (const auto& [fd, socket] : sockets_) {
    event.data.fd = fd;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return refused("preparing to serve", errno);
  }
  event.data.fd = end_.get();
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, end_.get(), &event) != 0) return refused("preparing to serve", errno);
  thread_ = std::thread([this] {
    // Signals are for the thread that asks whether there was one.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    serve();
  });
  return {};
}

void Servers::serve() {
  std::array<epoll_event, 32> events{};
  for (;;) {
    const int got = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < got; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == end_.get()) return;
      handle(fd);
    }
  }
}

void Servers::handle(int fd) {
  const auto found = sockets_.find(fd);
  if (found == sockets_.end()) return;
  const Socket& socket = found->second;
  std::vector<std::uint8_t> request(1024);
  if (socket.role == Role::Listener) {
    Fd connection{accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!connection) return;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = connection.get();
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.get(), &event) != 0) return;
    const int number = connection.get();
    sockets_.emplace(number, Socket{std::move(connection), Role::Connection, socket.dns, socket.host});
    return;
  }
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const ssize_t got = recvfrom(fd, request.data(), request.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
  request.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  const auto said = got > 0 ? answer(socket, request) : std::vector<std::uint8_t>{};
  if (socket.role == Role::Connection) {
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (!said.empty()) send(fd, said.data(), said.size(), MSG_NOSIGNAL);
    sockets_.erase(found);  // closes it, which takes it out of the epoll set
    return;
  }
  if (!said.empty()) sendto(fd, said.data(), said.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&peer), size);
}

std::vector<std::uint8_t> Servers::answer(const Socket& socket, const std::vector<std::uint8_t>& request) const {
  if (!socket.dns) return {socket.host.begin(), socket.host.end()};
  if (socket.role == Role::Datagrams) return dns_answer(request, names_).value_or(DnsBytes{});
  // Over TCP the length comes first (RFC 1035 4.2.2).
  if (request.size() < 2) return {};
  const auto said = dns_answer({request.begin() + 2, request.end()}, names_);
  if (!said) return {};
  std::vector<std::uint8_t> out{static_cast<std::uint8_t>(said->size() >> 8), static_cast<std::uint8_t>(said->size())};
  out.insert(out.end(), said->begin(), said->end());
  return out;
}

}  // namespace netpolc::loader::connectivity
