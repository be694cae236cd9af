// runtime-loader/daemon/notify.h — what a service manager is told (sd_notify's protocol, which is
// documented: datagrams of NAME=VALUE lines to the socket in $NOTIFY_SOCKET).
#pragma once
#include <cstdint>
#include <string>

#include "runtime-loader/fd.h"

namespace netpolc::loader::daemon {

class Notifier {
 public:
  // `socket`: a path, or with @ in front a name that is no file; "": nobody listens. `watchdog_us`: as in
  // $WATCHDOG_USEC, 0 for none.
  Notifier(const std::string& socket, std::uint64_t watchdog_us);
  // As the environment says, where it speaks of this process.
  static Notifier from_environment();

  // Never waits, and nothing depends on its arriving.
  void send(const std::string& lines) const;
  // Milliseconds from one WATCHDOG=1 to the next; 0: none are asked for.
  std::int64_t watchdog_interval() const { return static_cast<std::int64_t>(watchdog_us_ / 2000); }

 private:
  std::string address_;  // as bytes of sun_path
  std::uint64_t watchdog_us_ = 0;
  Fd socket_;
};

}  // namespace netpolc::loader::daemon
