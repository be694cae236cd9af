// tools/bench/forwarding/path.h — one way from clients through a node to a server, in namespaces that
// are there already, and packets on it.
#pragma once
#include <bpf/libbpf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/forwarding/frame.h"

namespace netpolc::forwarding_bench {

// Namespaces by their names under /run/netns. Clients are at the devices c0, c1, … of `clients`, the
// server at `s` of `server`; their other ends are lc0, lc1, … and ls of `node`.
struct Plan {
  std::string name, node, clients, server;
  std::uint32_t first = 0, count = 1;  // which clients send, in turn
  std::uint32_t flows = 1;             // of all of them together
  std::uint32_t empty = 0;             // so many clients' devices get the program that does nothing,
  bool empty_server = false;           // and the server's
};

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd& operator=(Fd&&) = delete;
  ~Fd();
  int get() const { return fd_; }

 private:
  int fd_;
};

// Throws std::runtime_error that says what could not be done. What it attaches goes with it.
class Path {
 public:
  explicit Path(const Plan& plan);
  const std::string& name() const { return plan_.name; }
  // Opens the flows; throws unless every packet of it arrives where it should.
  void establish();
  // Sends packets of established flows in turn, from the processor that this runs on, which also
  // forwards them: nanoseconds a packet. Throws if one doesn't arrive.
  double run(std::uint32_t packets);

 private:
  void attach(const char* program, const std::string& device, bool arrives);
  int client(const Flow& flow) const { return sockets_[flow.client - plan_.first].get(); }
  std::uint64_t arrived() const;
  void expect(std::uint64_t packets, const char* what);

  Plan plan_;
  std::unique_ptr<bpf_object, decltype(&bpf_object__close)> object_{nullptr, bpf_object__close};
  std::vector<Fd> attached_;
  std::vector<Fd> sockets_;  // by client, then the server's
  std::vector<Flow> flows_;
  std::vector<Frame> frames_;  // by flow
  std::size_t next_ = 0;
  std::uint64_t seen_ = 0;
};

}  // namespace netpolc::forwarding_bench
