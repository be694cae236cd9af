// runtime-loader/connectivity/servers.h — who answers in the namespaces of a test: sockets of all of them,
// and one thread. An answer is the name of the host it came from, so that a client knows whom it reached.
#pragma once
#include <sys/socket.h>

#include <map>
#include <set>
#include <thread>
#include <tuple>

#include "runtime-loader/connectivity/scene.h"

namespace netpolc::loader::connectivity {

class Servers {
 public:
  explicit Servers(DnsTable names) : names_(std::move(names)) {}
  Servers(const Servers&) = delete;
  Servers& operator=(const Servers&) = delete;
  ~Servers();

  // A server for what the action speaks; nothing to do where there is one, or the kernel answers.
  Done add(const Host& host, const Action& action);
  Done start();

 private:
  enum class Role : std::uint8_t { Listener, Datagrams, Connection };
  struct Socket {
    Fd fd;
    Role role = Role::Datagrams;
    bool dns = false;
    std::string host;
  };
  void serve();
  void handle(int fd);
  std::vector<std::uint8_t> answer(const Socket& socket, const std::vector<std::uint8_t>& request) const;

  DnsTable names_;
  std::map<int, Socket> sockets_;  // by descriptor
  std::set<std::tuple<Address, std::uint16_t, bool>> there_;
  Fd epoll_, end_;
  std::thread thread_;
};

// An address and port as sockets want them.
struct SocketAddress {
  SocketAddress(const Address& address, std::uint16_t port);
  const sockaddr* get() const;
  unsigned size() const;
  static std::uint16_t port_of(int fd);  // that the socket is bound to; 0: none

 private:
  alignas(8) std::uint8_t bytes_[28] = {};
  bool v6_;
};

}  // namespace netpolc::loader::connectivity
