#include "runtime-loader/daemon/feed_server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "runtime-loader/daemon/decide.h"

namespace netpolc::loader::daemon {
namespace {

constexpr std::uint64_t kListener = 0;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.empty() || path[0] != '/') return bad_input("`" + path + "`: expected an absolute path of a socket");
  if (path.size() >= sizeof at.sun_path) return bad_input(path + ": longer than a socket's path may be (" + std::to_string(sizeof at.sun_path - 1) + " bytes)");
  std::memcpy(at.sun_path, path.data(), path.size());
  return at;
}

bool somebody_listens(const sockaddr_un& at) {
  const Fd probe{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  return probe && (connect(probe.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 || errno == EAGAIN);
}

// A socket that was left is taken away; anything else that is there stays.
Done make_way(const std::string& path, const sockaddr_un& at) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return bad_input(path + " is there and is no socket");
  if (somebody_listens(at)) return bad_input("somebody listens at " + path + " already");
  if (unlink(path.c_str()) != 0) return refused("removing " + path, errno);
  return {};
}

bool is_trusted(int socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

// Which requests can't be in one step with others of it.
std::optional<Place> place_of_request(const FeedRequest& request) {
  if (request.op == FeedOp::EndpointAdd) return place_of(request.endpoint);
  return std::nullopt;
}

}  // namespace

Result<FeedServer> FeedServer::open(const std::string& path) {
  const auto at = address_of(path);
  if (!at) return tl::make_unexpected(at.error());
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (const Done done = make_way(path, *at); !done) return tl::make_unexpected(done.error());
  FeedServer server;
  server.poll_ = Fd{epoll_create1(EPOLL_CLOEXEC)};
  server.listener_ = Fd{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!server.poll_ || !server.listener_) return refused("making a socket", errno);
  // The mode that the file gets; there is no moment in which it has another.
  if (fchmod(server.listener_.get(), 0600) != 0 || bind(server.listener_.get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) != 0 ||
      chmod(path.c_str(), 0600) != 0 || listen(server.listener_.get(), 128) != 0)
    return refused("listening at " + path, errno);
  server.spare_ = Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  server.path_ = path;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kListener;
  if (epoll_ctl(server.poll_.get(), EPOLL_CTL_ADD, server.listener_.get(), &event) != 0) return refused("watching " + path, errno);
  return server;
}

FeedServer::~FeedServer() {
  if (listener_ && !path_.empty()) unlink(path_.c_str());
}

bool FeedServer::admit(int socket) {
  const std::string no = !is_trusted(socket)                          ? refusal({}, "REFUSED", "only root may speak here")
                         : connections_.size() >= kMostConnections ? refusal({}, "BUSY", "too many connections: " + std::to_string(connections_.size()))
                                                                   : "";
  if (no.empty()) return true;
  (void)send(socket, no.data(), no.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return false;
}

// Without a descriptor left one is freed to turn the newcomer away; else it would wait, and the poll tell of it for ever.
Fd FeedServer::accept_one() {
  const auto once = [&] { return Fd{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)}; };
  Fd socket = once();
  while (!socket && (errno == EINTR || errno == ECONNABORTED)) socket = once();
  if (socket || (errno != EMFILE && errno != ENFILE)) return socket;
  spare_ = Fd();
  if (const Fd away = once()) ++rejected_;
  spare_ = Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  return {};
}

void FeedServer::accept_all() {
  while (true) {
    Fd socket = accept_one();
    if (!socket) return;
    if (!admit(socket.get())) {
      ++rejected_;
      continue;
    }
    ++accepted_;
    const std::uint64_t number = ++number_;
    Connection& connection = connections_[number];
    connection.socket = std::move(socket);
    watch(number, connection);
  }
}

// Looks for input only from those who may say more, and for room only where something waits.
void FeedServer::watch(std::uint64_t number, Connection& connection) {
  const bool may_speak = !connection.ended && connection.out.size() < kMostUnanswered;
  const std::uint32_t interest = (may_speak ? EPOLLIN : 0u) | (connection.out.empty() ? 0u : EPOLLOUT);
  if (connection.watched && interest == connection.interest) return;
  epoll_event event{};
  event.events = interest;
  event.data.u64 = number;
  if (epoll_ctl(poll_.get(), connection.watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, connection.socket.get(), &event) != 0) connection.broken = true;
  connection.watched = true;
  connection.interest = interest;
}

void FeedServer::receive(Connection& connection) {
  connection.in.erase(0, std::exchange(connection.taken, 0));
  while (!connection.ended && connection.in.size() <= kLineLimit) {
    std::array<char, 1 << 14> buffer;
    const ssize_t got = recv(connection.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      connection.ended = true;  // what came before it counts, also where nobody waits for the answer
      return;
    }
    connection.in.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void FeedServer::turn() {
  std::array<epoll_event, 64> events{};
  const int ready = epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const std::uint64_t number = event.data.u64;  // the kernel's structure is packed: no reference into it
    if (number == kListener) {
      accept_all();
      continue;
    }
    const auto found = connections_.find(number);
    if (found == connections_.end()) continue;
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && (found->second.interest & EPOLLIN) != 0) receive(found->second);
    if ((event.events & (EPOLLHUP | EPOLLERR)) != 0 && (found->second.interest & EPOLLIN) == 0) found->second.broken = true;
  }
  flush();
}

// The next line; nothing: there is no whole one.
std::optional<FeedRequest> FeedServer::take(Connection& it) {
  static const std::string too_long = "a line is at most " + std::to_string(kLineLimit) + " bytes";
  if (it.held) return std::exchange(it.held, std::nullopt);
  while (true) {
    const std::size_t end = it.in.find('\n', it.taken);
    if (end == std::string::npos) break;
    std::string line = it.in.substr(it.taken, end - it.taken);
    it.taken = end + 1;
    if (std::exchange(it.skipping, false)) continue;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.size() > kLineLimit) return invalid_line(too_long);
    if (!line.empty()) return parse_feed_line(line);
  }
  it.in.erase(0, std::exchange(it.taken, 0));
  if (it.in.size() > kLineLimit) {
    it.in.clear();
    if (!std::exchange(it.skipping, true)) return invalid_line(too_long);
  }
  if (it.ended && !it.in.empty()) {
    it.in.clear();
    if (!it.skipping) return invalid_line("the last line was cut off, and nothing was done about it");
  }
  return std::nullopt;
}

std::vector<FeedRequest> FeedServer::take_run(Connection& connection) {
  constexpr std::size_t kMostAtOnce = 256;
  std::vector<FeedRequest> out;
  std::set<Place> places;
  while (out.size() < kMostAtOnce && connection.out.size() < kMostUnanswered) {
    auto request = take(connection);
    if (!request) break;
    const auto place = place_of_request(*request);
    const bool fits = out.empty() || (out.front().op == request->op && (!place || !places.contains(*place)));
    if (!fits) {
      connection.held = std::move(request);
      break;
    }
    if (place) places.insert(*place);
    out.push_back(std::move(*request));
  }
  return out;
}

std::vector<FeedServer::Asked> FeedServer::next() {
  std::vector<Asked> out;
  for (auto& [number, connection] : connections_)
    for (FeedRequest& request : take_run(connection)) out.push_back({number, std::move(request)});
  return out;
}

void FeedServer::answer(std::uint64_t connection, const std::string& line) {
  if (const auto found = connections_.find(connection); found != connections_.end()) found->second.out += line;
}

void FeedServer::flush() {
  for (auto it = connections_.begin(); it != connections_.end();) {
    Connection& connection = it->second;
    while (!connection.out.empty() && !connection.broken) {
      const ssize_t sent = send(connection.socket.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) break;
      if (sent < 0) {
        connection.broken = true;
        break;
      }
      connection.out.erase(0, static_cast<std::size_t>(sent));
    }
    const bool done = connection.ended && connection.taken == connection.in.size() && !connection.held && connection.out.empty();
    if (connection.broken || done) {
      it = connections_.erase(it);
      continue;
    }
    watch(it->first, connection);
    ++it;
  }
}

}  // namespace netpolc::loader::daemon
