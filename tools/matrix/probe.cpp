// matrix-probe — sends one packet per line of a file and says which were not treated as expected.
//
// usage: matrix-probe FILE     lines of `ID NETNS tcp|udp|icmp SOURCE DESTINATION PORT pass|drop`
//
// NETNS is a path. Nobody need listen: a refused connection, an unreachable port and an echo's reply all
// prove that the packet arrived and that the answer came back. All packets are on their way at once; what
// must pass has kPatience to be answered, what must not is silent kSilence longer than the last answer.
// Exit status: 0 all as expected, 1 not so, 2 the packets could not be sent.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
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
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(15);
constexpr auto kSilence = std::chrono::milliseconds(1500);  // a lost race for a neighbour is asked again after 1 s

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Endpoint endpoint(const std::string& address, std::uint16_t port) {
  Endpoint out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.length = sizeof *v4;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.length = sizeof *v6;
  } else {
    throw std::runtime_error("no address: " + address);
  }
  return out;
}

struct Probe {
  std::string id, netns, protocol, source, destination;
  std::uint16_t port = 0, tag = 0;
  bool must_pass = false;
  int fd = -1;
  bool answered = false;
  std::string problem;

  bool ipv6() const { return destination.find(':') != std::string::npos; }
};

// A socket belongs to the namespace that its maker was in.
int socket_in(const std::string& netns, int family, int type, int protocol) {
  const int there = open(netns.c_str(), O_RDONLY | O_CLOEXEC);
  if (there < 0) fail(netns);
  if (setns(there, CLONE_NEWNET) != 0) fail("setns " + netns);
  close(there);
  const int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) fail("socket in " + netns);
  return fd;
}

int open_socket(const Probe& probe) {
  const int family = probe.ipv6() ? AF_INET6 : AF_INET;
  if (probe.protocol == "tcp") return socket_in(probe.netns, family, SOCK_STREAM, 0);
  if (probe.protocol == "udp") return socket_in(probe.netns, family, SOCK_DGRAM, 0);
  return socket_in(probe.netns, family, SOCK_RAW, probe.ipv6() ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP});
}

std::uint16_t checksum(const std::array<std::uint16_t, 4>& words) {
  std::uint32_t sum = 0;
  for (const std::uint16_t word : words) sum += word;
  return static_cast<std::uint16_t>(~((sum & 0xffffu) + (sum >> 16)));
}

// Type, code, checksum, identifier, sequence; the kernel fills in ICMPv6's checksum.
std::array<std::uint16_t, 4> echo(const Probe& probe) {
  const std::uint8_t type = probe.ipv6() ? std::uint8_t{ICMP6_ECHO_REQUEST} : std::uint8_t{ICMP_ECHO};
  std::array<std::uint16_t, 4> words{htons(static_cast<std::uint16_t>(type << 8)), 0, htons(probe.tag), htons(1)};
  words[1] = checksum(words);
  return words;
}

void start(Probe& probe) {
  const bool icmp = probe.protocol == "icmp";
  probe.fd = open_socket(probe);
  const Endpoint from = endpoint(probe.source, 0), to = endpoint(probe.destination, icmp ? 0 : probe.port);
  if (bind(probe.fd, from.raw(), from.length) != 0) fail(probe.id + ": bind to " + probe.source);
  if (connect(probe.fd, to.raw(), to.length) != 0 && errno != EINPROGRESS) fail(probe.id + ": connect");
  if (probe.protocol == "udp" && send(probe.fd, "?", 1, 0) != 1) fail(probe.id + ": send");
  if (icmp) {
    const auto words = echo(probe);
    if (send(probe.fd, words.data(), sizeof words, 0) != ssize_t{sizeof words}) fail(probe.id + ": send");
  }
}

bool is_reply(const Probe& probe, const std::uint8_t* bytes, std::size_t length) {
  const std::size_t header = probe.ipv6() || length == 0 ? 0 : (bytes[0] & 15u) * 4u;
  if (length < header + 8) return false;
  const std::uint8_t wanted = probe.ipv6() ? std::uint8_t{ICMP6_ECHO_REPLY} : std::uint8_t{ICMP_ECHOREPLY};
  return bytes[header] == wanted && (bytes[header + 4] << 8 | bytes[header + 5]) == probe.tag;
}

void receive(Probe& probe) {
  if (probe.protocol == "icmp") {
    std::array<std::uint8_t, 256> bytes{};
    const ssize_t length = recv(probe.fd, bytes.data(), bytes.size(), 0);
    if (length >= 0) {
      probe.answered = is_reply(probe, bytes.data(), static_cast<std::size_t>(length));
      return;
    }
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(probe.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 || error == ECONNREFUSED)
    probe.answered = true;
  else
    probe.problem = std::strerror(error);
}

bool open_still(const Probe& probe) { return !probe.answered && probe.problem.empty(); }

void wait_for_answers(std::vector<Probe>& probes) {
  const auto begun = Clock::now();
  auto last = begun;
  while (true) {
    bool owed = false;
    std::vector<pollfd> waiting;
    std::vector<Probe*> owners;
    for (Probe& probe : probes) {
      if (!open_still(probe)) continue;
      owed |= probe.must_pass;
      const bool tcp = probe.protocol == "tcp";
      waiting.push_back({probe.fd, static_cast<short>(tcp ? POLLOUT : POLLIN), 0});
      owners.push_back(&probe);
    }
    const auto now = Clock::now();
    if (waiting.empty() || now - begun > kPatience || (!owed && now - last > kSilence)) return;
    if (poll(waiting.data(), waiting.size(), 100) < 0) fail("poll");
    for (std::size_t i = 0; i < waiting.size(); ++i)
      if (waiting[i].revents != 0) {
        receive(*owners[i]);
        last = Clock::now();
      }
  }
}

std::vector<Probe> read(const char* path) {
  std::ifstream file(path);
  std::vector<Probe> probes;
  std::string expected;
  for (Probe it; file >> it.id >> it.netns >> it.protocol >> it.source >> it.destination >> it.port >> expected;) {
    it.must_pass = expected == "pass";
    it.tag = static_cast<std::uint16_t>(1000 + probes.size());
    probes.push_back(it);
  }
  if (!file.eof() || probes.empty()) throw std::runtime_error(std::string("can't read packets from ") + path);
  return probes;
}

int run(const char* path) {
  std::vector<Probe> probes = read(path);
  for (Probe& probe : probes) start(probe);
  wait_for_answers(probes);
  std::size_t wrong = 0;
  for (const Probe& probe : probes) {
    if (probe.problem.empty() && probe.answered == probe.must_pass) continue;
    ++wrong;
    std::printf("%s: %s %s > %s port %u: %s, expected to %s\n", probe.id.c_str(), probe.protocol.c_str(),
                probe.source.c_str(), probe.destination.c_str(), probe.port,
                !probe.problem.empty() ? probe.problem.c_str() : (probe.answered ? "answered" : "no answer"),
                probe.must_pass ? "pass" : "be dropped");
  }
  std::printf("%zu of %zu packets as expected\n", probes.size() - wrong, probes.size());
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 2) return run(argv[1]);
  std::fprintf(stderr, "usage: matrix-probe FILE\n");
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "matrix-probe: %s\n", error.what());
  return 2;
}
