// netpolc-live-traffic: traffic between network namespaces that notices whatever policy does to it.
//
// usage: netpolc-live-traffic SERVER CLIENT STRANGER ADDRESS[,ADDRESS…] ALLOWED DENIED [STREAMS [ASKERS [INTERVAL_MS]]]
//
// The first three are namespaces' files. All the time, until standard input ends:
//
//   streams   TCP connections from CLIENT to port ALLOWED that stay; each says something once an
//             interval, which must come back
//   asked     numbered datagrams from CLIENT to ALLOWED, a socket each asker; each must be answered
//   fresh     new TCP connections from CLIENT to ALLOWED; each must be answered, and is closed then
//   leaked    what came from CLIENT to port DENIED, or from STRANGER to any port: datagrams that
//             the server got, and TCP connections that came about
//
// "ready" is printed when all streams have been answered once. A line on standard input is answered
// by a line of JSON about all there was so far; at its end the last answers are waited for.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kWords = 64;           // bytes of what a stream says
constexpr auto kTick = milliseconds(5);      // something new is begun
constexpr auto kPatience = milliseconds(10000);  // a fresh connection that isn't answered by then was cut

struct Options {
  const char *server = nullptr, *client = nullptr, *stranger = nullptr;
  std::vector<sockaddr_in6> addresses;  // IPv4 ones as IPv6 sockets write them
  std::uint16_t allowed = 0, denied = 0;
  std::size_t streams = 10, askers = 4;
  milliseconds interval{100};
};

struct Counts {
  std::atomic<std::uint64_t> streams{0}, lost{0}, rounds{0}, longest{0};  // longest: ms that a stream waited for an answer
  std::atomic<std::uint64_t> asked{0}, answered{0};
  std::atomic<std::uint64_t> fresh{0}, fresh_lost{0};
  std::atomic<std::uint64_t> tried{0}, leaked{0};
};
Counts counts;
std::atomic<bool> stop{false};   // begin nothing new
std::atomic<bool> ended{false};  // and wait for nothing any more

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "netpolc-live-traffic: %s: %s\n", what, std::strerror(errno));
  std::_Exit(2);
}

void enter(const char* netns) {
  const int file = open(netns, O_RDONLY | O_CLOEXEC);
  if (file < 0 || setns(file, CLONE_NEWNET) != 0) die(netns);
  close(file);
}

int made(int kind) {
  const int fd = socket(AF_INET6, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int off = 0, on = 1, room = 1 << 23;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (kind == SOCK_DGRAM) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  if (kind == SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

int towards(int kind, sockaddr_in6 address, std::uint16_t port) {
  const int fd = made(kind);
  address.sin6_port = htons(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) die("connect");
  return fd;
}

// Without the wait of a port that was used: there are many of these.
void reset(int fd) {
  const linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(fd);
}

std::uint64_t ms_since(Clock::time_point then) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(Clock::now() - then).count());
}

// ---- the server -------------------------------------------------------------------------------

class Server {
 public:
  explicit Server(const Options& options) : poll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (const std::uint16_t port : {options.allowed, options.denied})
      for (const int kind : {SOCK_STREAM, SOCK_DGRAM}) listen_at(kind, port, port == options.denied);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    while (!ended) {
      const int n = epoll_wait(poll_, events.data(), events.size(), 100);
      for (int i = 0; i < n; ++i) serve(events[static_cast<std::size_t>(i)].data.u64);
    }
  }

 private:
  enum Role : std::uint64_t { Listener, Datagrams, Connection };

  void listen_at(int kind, std::uint16_t port, bool denied) {
    const int fd = made(kind);
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    if (bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) die("bind");
    if (kind == SOCK_STREAM && listen(fd, 4096) != 0) die("listen");
    watch(fd, kind == SOCK_STREAM ? Listener : Datagrams, denied);
  }

  void watch(int fd, Role role, bool denied) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(fd) << 8 | role << 1 | (denied ? 1 : 0);
    epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
  }

  void serve(std::uint64_t what) {
    const int fd = static_cast<int>(what >> 8);
    const bool denied = what & 1;
    switch (static_cast<Role>(what >> 1 & 0x7f)) {
      case Listener: return take(fd, denied);
      case Datagrams: return answer_datagrams(fd, denied);
      case Connection: return answer(fd);
    }
  }

  void take(int fd, bool denied) {
    const int connection = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return;
    if (denied) ++counts.leaked;
    watch(connection, Connection, denied);
  }

  static void answer_datagrams(int fd, bool denied) {
    std::array<char, 256> text{};
    sockaddr_in6 from{};
    for (;;) {
      socklen_t length = sizeof from;
      const ssize_t n = recvfrom(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (n < 0) return;
      if (denied || (n > 0 && text[0] == 'S')) ++counts.leaked;
      else sendto(fd, text.data(), static_cast<std::size_t>(n), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  static void answer(int fd) {
    std::array<char, 4096> text{};
    const ssize_t n = recv(fd, text.data(), text.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0 || send(fd, text.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) close(fd);
  }

  int poll_;
};

// ---- a connection of the client's -------------------------------------------------------------

class Stream {
 public:
  Stream(const Options& options, std::size_t number) : fd_(towards(SOCK_STREAM, options.addresses[number % options.addresses.size()], options.allowed)) {}

  bool waits() const { return come_ < kWords || round_ == 0; }
  bool alive() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  std::uint64_t waited() const { return ms_since(since_); }
  std::uint64_t rounds() const { return round_; }

  // What is said now, which wasn't said before; as go_on.
  bool speak() {
    ++round_;
    for (std::size_t i = 0; i < kWords; ++i) said_[i] = static_cast<char>(round_ * 31 + i * 7);
    come_ = sent_ = 0;
    since_ = Clock::now();
    return go_on();
  }

  // False: it was cut, or what came back is not what was said.
  bool go_on() {
    while (sent_ < kWords) {
      const ssize_t n = send(fd_, said_.data() + sent_, kWords - sent_, MSG_NOSIGNAL);
      if (n < 0) {
        if (errno == EAGAIN || errno == ENOTCONN) break;
        return false;
      }
      sent_ += static_cast<std::size_t>(n);
    }
    std::array<char, kWords> heard{};
    for (;;) {
      const ssize_t n = recv(fd_, heard.data(), heard.size(), 0);
      if (n < 0) return errno == EAGAIN || errno == ENOTCONN;
      if (n == 0 || static_cast<std::size_t>(n) > sent_ - come_) return false;
      if (std::memcmp(heard.data(), said_.data() + come_, static_cast<std::size_t>(n)) != 0) return false;
      come_ += static_cast<std::size_t>(n);
    }
  }

  void end() {
    if (fd_ >= 0) reset(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  std::uint64_t round_ = 0;
  std::size_t sent_ = kWords, come_ = kWords;
  std::array<char, kWords> said_{};
  Clock::time_point since_ = Clock::now();
};

// ---- the client -------------------------------------------------------------------------------

class Client {
 public:
  explicit Client(const Options& options) : options_(options), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (std::size_t i = 0; i < options.streams; ++i) add(streams_.emplace_back(options, i), i);
    for (std::size_t i = 0; i < options.askers; ++i)
      askers_.push_back(towards(SOCK_DGRAM, options.addresses[i % options.addresses.size()], options.allowed));
    next_ = Clock::now();
  }

  void run() {
    std::array<epoll_event, 256> events{};
    while (!ended) {
      const int n = epoll_wait(poll_, events.data(), events.size(), 2);
      for (int i = 0; i < n; ++i) moved(events[static_cast<std::size_t>(i)].data.u64);
      hear();
      if (Clock::now() >= next_) tick();
    }
  }

 private:
  void add(const Stream& stream, std::size_t number) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = number;
    epoll_ctl(poll_, EPOLL_CTL_ADD, stream.fd(), &event);
  }

  void moved(std::size_t number) {
    Stream& stream = streams_[number];
    if (!stream.alive()) return;
    const bool waited = stream.waits();
    went_on(stream, stream.go_on(), waited);
  }

  static void went_on(Stream& stream, bool good, bool waited) {
    if (!good) {
      ++counts.lost;
      stream.end();
    } else if (waited && !stream.waits()) {
      heard(stream);
    }
  }

  static void heard(const Stream& stream) {
    ++counts.rounds;
    if (stream.rounds() == 1) ++counts.streams;
    counts.longest = std::max<std::uint64_t>(counts.longest, stream.waited());
  }

  void tick() {
    const auto ticks = static_cast<std::size_t>(std::max<long>(1, options_.interval / kTick));
    next_ = std::max(next_ + kTick, Clock::now() - kTick * 4);
    if (!stop) {
      for (std::size_t i = turn_ % ticks; i < streams_.size(); i += ticks) say(streams_[i]);
      ask();
      if (turn_ % 4 == 0) fresh_.emplace_back(Stream(options_, turn_ / 4)).speak();
      if (turn_ % 4 == 2) try_denied();
    }
    for (const Stream& stream : streams_)
      if (stream.alive() && stream.waits()) counts.longest = std::max<std::uint64_t>(counts.longest, stream.rounds() == 0 ? 0 : stream.waited());
    look_at_fresh();
    ++turn_;
  }

  static void say(Stream& stream) {
    if (stream.alive() && (!stream.waits() || stream.rounds() == 0)) went_on(stream, stream.speak(), true);
  }

  void ask() {
    for (const int asker : askers_) {
      std::array<char, 24> text{};
      const int n = std::snprintf(text.data(), text.size(), "C%llu", static_cast<unsigned long long>(counts.asked));
      if (send(asker, text.data(), static_cast<std::size_t>(n), 0) == n) ++counts.asked;
    }
  }

  void hear() {
    std::array<char, 24> text{};
    for (const int asker : askers_)
      while (recv(asker, text.data(), text.size(), 0) > 0) ++counts.answered;
  }

  void look_at_fresh() {
    for (auto it = fresh_.begin(); it != fresh_.end();) {
      const bool good = it->go_on();
      const bool answered = good && !it->waits();
      if (good && !answered && it->waited() < static_cast<std::uint64_t>(kPatience.count())) {
        ++it;
        continue;
      }
      ++(answered ? counts.fresh : counts.fresh_lost);
      it->end();
      it = fresh_.erase(it);
    }
  }

  void try_denied();

  const Options& options_;
  int poll_;
  std::vector<Stream> streams_;
  std::vector<int> askers_;
  std::deque<Stream> fresh_;
  Clock::time_point next_;
  std::size_t turn_ = 0;
};

// ---- what may not get through -----------------------------------------------------------------

// Tries to open connections, and forgets the oldest.
class Intruder {
 public:
  void try_at(sockaddr_in6 address, std::uint16_t port, const char* datagram) {
    ++counts.tried;
    address.sin6_port = htons(port);
    if (datagrams_ < 0) datagrams_ = made(SOCK_DGRAM);
    sendto(datagrams_, datagram, std::strlen(datagram), 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
    pending_.push_back(towards(SOCK_STREAM, address, port));
    if (pending_.size() <= 32) return;
    pollfd oldest{pending_.front(), POLLOUT, 0};
    if (poll(&oldest, 1, 0) > 0 && (oldest.revents & POLLOUT) && !(oldest.revents & (POLLERR | POLLHUP))) ++counts.leaked;
    reset(pending_.front());
    pending_.pop_front();
  }

 private:
  int datagrams_ = -1;
  std::deque<int> pending_;
};

void Client::try_denied() {
  static thread_local Intruder intruder;
  intruder.try_at(options_.addresses[turn_ / 4 % options_.addresses.size()], options_.denied, "C");
}

void strangers_part(const Options& options) {
  enter(options.stranger);
  Intruder intruder;
  for (std::size_t turn = 0; !stop; ++turn) {
    intruder.try_at(options.addresses[turn / 2 % options.addresses.size()], turn % 2 == 0 ? options.allowed : options.denied, "S");
    std::this_thread::sleep_for(milliseconds(10));
  }
}

// ---- the whole --------------------------------------------------------------------------------

void report() {
  std::printf("{\"streams\": %llu, \"lost\": %llu, \"rounds\": %llu, \"longest\": %llu, \"asked\": %llu, \"answered\": %llu, "
              "\"fresh\": %llu, \"freshLost\": %llu, \"tried\": %llu, \"leaked\": %llu}\n",
              static_cast<unsigned long long>(counts.streams), static_cast<unsigned long long>(counts.lost),
              static_cast<unsigned long long>(counts.rounds), static_cast<unsigned long long>(counts.longest),
              static_cast<unsigned long long>(counts.asked), static_cast<unsigned long long>(counts.answered),
              static_cast<unsigned long long>(counts.fresh), static_cast<unsigned long long>(counts.fresh_lost),
              static_cast<unsigned long long>(counts.tried), static_cast<unsigned long long>(counts.leaked));
  std::fflush(stdout);
}

bool read(int count, char** words, Options& options) {
  if (count < 7 || count > 10) return false;
  options.server = words[1], options.client = words[2], options.stranger = words[3];
  std::string list = words[4];
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    std::string one = list.substr(begin, end - begin);
    if (one.find(':') == std::string::npos) one = "::ffff:" + one;
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, one.c_str(), &address.sin6_addr) != 1) return false;
    options.addresses.push_back(address);
    begin = end + 1;
  }
  const auto number = [&](int at, auto otherwise) { return at < count ? std::strtoul(words[at], nullptr, 10) : static_cast<unsigned long>(otherwise); };
  options.allowed = static_cast<std::uint16_t>(number(5, 0)), options.denied = static_cast<std::uint16_t>(number(6, 0));
  options.streams = number(7, 10), options.askers = number(8, 4), options.interval = milliseconds(number(9, 100));
  return options.allowed && options.denied;
}

void wait_for_answers() {
  stop = true;
  const auto begun = Clock::now();
  while (ms_since(begun) < 1500 && counts.answered < counts.asked) std::this_thread::sleep_for(milliseconds(20));
  std::this_thread::sleep_for(milliseconds(200));
}

}  // namespace

int main(int count, char** words) {
  Options options;
  if (!read(count, words, options)) {
    std::fputs("usage: netpolc-live-traffic SERVER CLIENT STRANGER ADDRESS[,ADDRESS...] ALLOWED DENIED [STREAMS [ASKERS [INTERVAL_MS]]]\n", stderr);
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  std::atomic<bool> listening{false};
  std::thread server([&] { enter(options.server); Server it(options); listening = true; it.run(); });
  while (!listening) std::this_thread::sleep_for(milliseconds(1));
  std::thread client([&] { enter(options.client); Client(options).run(); });
  std::thread stranger([&] { strangers_part(options); });
  const auto begun = Clock::now();
  while (counts.streams < options.streams && counts.lost == 0 && ms_since(begun) < 30000) std::this_thread::sleep_for(milliseconds(5));
  std::puts("ready");
  std::fflush(stdout);
  for (int c = std::getchar(); c != EOF; c = std::getchar())
    if (c == '\n') report();
  wait_for_answers();
  ended = true;
  for (std::thread* it : {&server, &client, &stranger}) it->join();
  report();
  return 0;
}
