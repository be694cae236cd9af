#include "runtime-loader/daemon/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace netpolc::loader::daemon {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::uint64_t number(const std::string& text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() ? out : 0;
}

}  // namespace

Notifier::Notifier(const std::string& socket, std::uint64_t watchdog_us) : watchdog_us_(watchdog_us) {
  if (socket.empty() || (socket[0] != '/' && socket[0] != '@') || socket.size() >= sizeof(sockaddr_un{}.sun_path)) return;
  address_ = socket;
  if (address_[0] == '@') address_[0] = '\0';
  socket_ = Fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

Notifier Notifier::from_environment() {
  const std::string pid = variable("WATCHDOG_PID");
  const bool ours = pid.empty() || number(pid) == static_cast<std::uint64_t>(getpid());
  return Notifier(variable("NOTIFY_SOCKET"), ours ? number(variable("WATCHDOG_USEC")) : 0);
}

void Notifier::send(const std::string& lines) const {
  if (!socket_) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  // A name that is a path ends with its zero byte; one that isn't has exactly its own bytes.
  const std::size_t length = offsetof(sockaddr_un, sun_path) + address_.size() + (address_[0] == '\0' ? 0 : 1);
  (void)sendto(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), static_cast<socklen_t>(length));
}

}  // namespace netpolc::loader::daemon
