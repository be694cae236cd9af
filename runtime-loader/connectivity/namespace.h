// runtime-loader/connectivity/namespace.h — a network namespace without a name: it lives as long as this
// value, or the process, and whatever is in it goes with it. So nothing is left of a test that is killed.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "runtime-loader/address.h"
#include "runtime-loader/fd.h"
#include "runtime-loader/result.h"

namespace netpolc::loader::connectivity {

// Interfaces, addresses and routes of the namespace in which it was opened, by rtnetlink.
class Netlink {
 public:
  static Result<Netlink> open();
  // One end here, the other in the namespace `other`.
  Done add_veth(const std::string& name, int other, const std::string& other_name);
  Done set_up(int ifindex);
  Done add_address(int ifindex, const Prefix& prefix);
  // `from`: the source of what is sent there, where nobody said another.
  Done add_route(const Prefix& to, int ifindex, const std::optional<Address>& gateway, const std::optional<Address>& from);

 private:
  struct Message;
  explicit Netlink(Fd socket) : socket_(std::move(socket)) {}
  Done send(Message& message, const std::string& what);

  Fd socket_;
};

class Namespace {
 public:
  // With loopback up, forwarding on, and no duplicate address detection.
  static Result<Namespace> create();
  int fd() const { return fd_.get(); }
  // Leads there while this process lives.
  std::string path() const;
  Netlink& netlink() { return *netlink_; }

 private:
  Fd fd_;
  std::optional<Netlink> netlink_;
};

// The calling thread is in the namespace while this lives. A thread that can't come back would do to
// the machine what was meant for a namespace of ours: then the process ends.
class Inside {
 public:
  static Result<Inside> enter(const Namespace& where);
  Inside(Inside&&) noexcept = default;
  ~Inside();

 private:
  explicit Inside(Fd home) : home_(std::move(home)) {}
  Fd home_;
};

}  // namespace netpolc::loader::connectivity
