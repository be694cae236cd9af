#include "runtime-loader/cni/feed_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

namespace netpolc::cni {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongestLine = 65536;
constexpr int kAgainMs = 20;  // where too many wait to connect

class Exchange {
 public:
  Exchange(const std::string& path, int timeout_ms) : path_(path), end_(Clock::now() + std::chrono::milliseconds(timeout_ms)) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    if (fd_ >= 0) close(fd_);
  }

  bool connect() {
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return failed("cannot make a socket");
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), std::min(path_.size(), sizeof address.sun_path - 1));
    while (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      if (errno != EAGAIN && errno != EINTR) return failed("cannot connect");
      if (left() == 0) return late("nobody took the connection");
      poll(nullptr, 0, std::min(left(), kAgainMs));
    }
    return true;
  }

  bool write(const std::string& line) {
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t sent = send(fd_, line.data() + done, line.size() - done, MSG_NOSIGNAL);
      if (sent > 0) done += static_cast<std::size_t>(sent);
      else if (errno != EAGAIN && errno != EINTR) return failed("cannot write");
      else if (!ready(POLLOUT)) return late("nobody read the request");
    }
    return true;
  }

  bool read(std::string& line) {
    char some[4096];
    for (;;) {
      const ssize_t got = recv(fd_, some, sizeof some, 0);
      if (got == 0) return late("the connection was closed without an answer");
      if (got < 0 && errno != EAGAIN && errno != EINTR) return failed("cannot read");
      if (got < 0) {
        if (!ready(POLLIN)) return late("there was no answer in time");
        continue;
      }
      line.append(some, static_cast<std::size_t>(got));
      if (const std::size_t end = line.find('\n'); end != std::string::npos) {
        line.resize(end);
        return true;
      }
      if (line.size() > kLongestLine) return late("the answer is longer than a line may be");
    }
  }

  std::string why() const { return why_; }

 private:
  int left() const { return static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now()).count())); }
  bool ready(short events) {
    pollfd one{fd_, events, 0};
    const int wait = left();
    if (wait == 0) return false;
    const int got = poll(&one, 1, wait);
    return got > 0 || (got < 0 && errno == EINTR);
  }
  bool failed(const char* what) {
    why_ = what + (" at " + path_ + ": ") + std::generic_category().message(errno);
    return false;
  }
  bool late(const char* what) {
    why_ = what + (" at " + path_);
    return false;
  }

  std::string path_;
  Clock::time_point end_;
  int fd_ = -1;
  std::string why_;
};

}  // namespace

tl::expected<Json, NoAnswer> ask_daemon(const std::string& socket, const Json& request, int timeout_ms) {
  Exchange exchange(socket, timeout_ms);
  std::string line;
  if (!exchange.connect() || !exchange.write(request.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n") || !exchange.read(line))
    return tl::make_unexpected(NoAnswer{exchange.why()});
  Json answer = Json::parse(line, nullptr, false);
  const auto ok = answer.is_object() ? answer.find("ok") : answer.end();
  if (!answer.is_object() || ok == answer.end() || !ok->is_boolean()) return tl::make_unexpected(NoAnswer{"what answers at " + socket + " is no netpol-loader"});
  return answer;
}

}  // namespace netpolc::cni
