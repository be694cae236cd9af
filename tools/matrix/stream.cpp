// matrix-stream — two TCP streams against each other through policy, compared byte by byte.
//
// usage: matrix-stream FILE     lines of `CLIENT_NETNS ADDRESS SERVER_NETNS ADDRESS PORT BYTES pass|closed`
//
// Somebody listens at each port. Where it must pass, both ends send BYTES at the same time, close, and must get
// what the other sent, whole and unchanged; and of all connections together some segment must have been sent
// again, and one must have overtaken another, or the path was not as rough as it should have been. Where it is closed, the listener must hear nothing
// for kSilence. Exit status: 0 all as expected, 1 not so, 2 it could not be tried.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(90);  // for a connection's bytes; the guest is emulated
constexpr auto kConnect = std::chrono::seconds(16);   // four SYNs may be lost
constexpr auto kSilence = std::chrono::seconds(4);    // SYN is sent again after 1 s and 3 s

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

struct Line {
  std::string client, source, server, destination;
  std::uint16_t port = 0;
  std::uint64_t bytes = 0;
  bool must_pass = false;
};

sockaddr_in6 endpoint(const std::string& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  const std::string mapped = address.find(':') == std::string::npos ? "::ffff:" + address : address;
  if (inet_pton(AF_INET6, mapped.c_str(), &out.sin6_addr) != 1) throw std::runtime_error("no address: " + address);
  return out;
}
const sockaddr* raw(const sockaddr_in6& address) { return reinterpret_cast<const sockaddr*>(&address); }

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// For both families. It belongs to the namespace that its maker was in.
int socket_in(const std::string& netns, const sockaddr_in6& address) {
  const Socket there(open(netns.c_str(), O_RDONLY | O_CLOEXEC));
  if (there.get() < 0 || setns(there.get(), CLONE_NEWNET) != 0) fail("entering " + netns);
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket in " + netns);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, raw(address), sizeof address) != 0) fail("bind in " + netns);
  return fd;
}

bool ready(int fd, short events, int milliseconds) {
  pollfd waiting{fd, events, 0};
  return poll(&waiting, 1, milliseconds) > 0;
}

// What an end sends: byte `at` of a text that no two ends have in common.
std::uint8_t text(std::uint64_t end, std::uint64_t at) {
  std::uint64_t x = (at / 8 + 1) * 0x9e3779b97f4a7c15ull + end * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 30)) * 0x94d049bb133111ebull;
  return static_cast<std::uint8_t>((x ^ (x >> 31)) >> (at % 8 * 8));
}

struct End {
  int fd;
  std::uint64_t name, bytes;  // `bytes` of the text that is `name`
  std::uint64_t sent = 0, received = 0;
  bool closed = false, at_end = false;

  bool done() const { return closed && at_end; }
  void send_more() {
    std::array<std::uint8_t, 8192> block;
    std::size_t count = 0;
    while (count < block.size() && sent + count < bytes) block[count] = text(name, sent + count), ++count;
    const ssize_t went = count == 0 ? 0 : send(fd, block.data(), count, MSG_NOSIGNAL);
    if (went < 0 && errno != EAGAIN) fail("sending after " + std::to_string(sent) + " bytes");
    if (went > 0) sent += static_cast<std::uint64_t>(went);
    if (sent == bytes) closed = shutdown(fd, SHUT_WR) == 0;
  }
  void receive_more(std::uint64_t from) {
    std::array<std::uint8_t, 16384> block;
    const ssize_t came = recv(fd, block.data(), block.size(), 0);
    if (came < 0 && errno != EAGAIN) fail("receiving after " + std::to_string(received) + " bytes");
    at_end = came == 0;
    for (ssize_t i = 0; i < came; ++i, ++received)
      if (block[static_cast<std::size_t>(i)] != text(from, received)) throw std::runtime_error("byte " + std::to_string(received) + " is another one");
    if (at_end && received != bytes) throw std::runtime_error("ended after " + std::to_string(received) + " bytes");
  }
};

tcp_info info(int fd) {
  tcp_info out{};
  socklen_t size = sizeof out;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &out, &size) != 0) fail("TCP_INFO");
  return out;
}

struct Roughness {
  std::uint64_t bytes = 0, sent_again = 0, reordered = 0;
};

void exchange(int client, int server, std::uint64_t bytes, Clock::time_point until, Roughness& rough) {
  std::array<End, 2> ends = {End{client, 1, bytes}, End{server, 2, bytes}};
  while (!ends[0].done() || !ends[1].done()) {
    if (Clock::now() > until) throw std::runtime_error("only " + std::to_string(ends[0].received) + " and " + std::to_string(ends[1].received) + " bytes came in time");
    std::array<pollfd, 2> waiting{};
    for (std::size_t i = 0; i < 2; ++i)
      waiting[i] = {ends[i].fd, static_cast<short>((ends[i].closed ? 0 : POLLOUT) | (ends[i].at_end ? 0 : POLLIN)), 0};
    if (poll(waiting.data(), 2, 1000) < 0) fail("poll");
    for (std::size_t i = 0; i < 2; ++i) {
      if (waiting[i].revents & POLLOUT && !ends[i].closed) ends[i].send_more();
      if (waiting[i].revents & (POLLIN | POLLHUP | POLLERR) && !ends[i].at_end) ends[i].receive_more(ends[1 - i].name);
    }
  }
  rough.bytes += 2 * bytes;
  for (const End& end : ends) {
    rough.sent_again += info(end.fd).tcpi_total_retrans;
    rough.reordered += info(end.fd).tcpi_reord_seen;
  }
}

// What is wrong; nothing if all is as expected.
std::string attempt(const Line& line, Roughness& rough) {
  const sockaddr_in6 to = endpoint(line.destination, line.port), from = endpoint(line.source, 0);
  const Socket listener(socket_in(line.server, to)), client(socket_in(line.client, from));
  if (listen(listener.get(), 4) != 0) fail("listen");
  if (connect(client.get(), raw(to), sizeof to) != 0 && errno != EINPROGRESS) fail("connect");
  const auto wait = line.must_pass ? std::chrono::milliseconds(kConnect) : std::chrono::milliseconds(kSilence);
  const bool heard = ready(listener.get(), POLLIN, static_cast<int>(wait.count()));
  if (!line.must_pass) return heard || ready(client.get(), POLLOUT, 0) ? "somebody came through" : "";
  if (!heard) return "nobody came through";
  const Socket server(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (server.get() < 0) fail("accept");
  try {
    exchange(client.get(), server.get(), line.bytes, Clock::now() + kPatience, rough);
  } catch (const std::runtime_error& wrong) {
    return wrong.what();
  }
  return "";
}

int run(const char* path) {
  std::ifstream file(path);
  Roughness rough;
  std::size_t lines = 0, wrong = 0;
  std::string expected;
  for (Line line; file >> line.client >> line.source >> line.server >> line.destination >> line.port >> line.bytes >> expected; ++lines) {
    line.must_pass = expected == "pass";
    const std::string problem = attempt(line, rough);
    if (problem.empty()) continue;
    ++wrong;
    std::printf("%s > %s port %u: %s\n", line.source.c_str(), line.destination.c_str(), line.port, problem.c_str());
  }
  if (!file.eof() || lines == 0) throw std::runtime_error(std::string("can't read streams from ") + path);
  if (rough.sent_again == 0 || rough.reordered == 0) {
    ++wrong;
    std::printf("the path isn't rough\n");
  }
  std::printf("%zu streams, %llu KB, %llu segments sent again, %llu times out of order\n", lines, static_cast<unsigned long long>(rough.bytes / 1000),
              static_cast<unsigned long long>(rough.sent_again), static_cast<unsigned long long>(rough.reordered));
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 2) return run(argv[1]);
  std::fprintf(stderr, "usage: matrix-stream FILE\n");
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "matrix-stream: %s\n", error.what());
  return 2;
}
