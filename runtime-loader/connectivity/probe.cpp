#include "runtime-loader/connectivity/probe.h"

#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "runtime-loader/connectivity/servers.h"
#include "runtime-loader/interrupt.h"

namespace netpolc::loader::connectivity {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kSlice{5};      // how long a look at sockets lasts before one at events
constexpr milliseconds kGrace{30};     // in which an answer to what was dropped would have come
constexpr milliseconds kRepeat{400};   // after which a datagram is sent again

std::vector<std::uint8_t> with_length(const std::vector<std::uint8_t>& message) {
  std::vector<std::uint8_t> out{static_cast<std::uint8_t>(message.size() >> 8), static_cast<std::uint8_t>(message.size())};
  out.insert(out.end(), message.begin(), message.end());
  return out;
}

// One connection as its client sees it.
class Attempt {
 public:
  explicit Attempt(const Action& action) : action_(action) {}

  Done open(const Host& host) {
    auto inside = Inside::enter(host.ns);
    if (!inside) return tl::make_unexpected(inside.error());
    const bool v6 = action_.source.v6;
    const int family = v6 ? AF_INET6 : AF_INET;
    const int protocol = action_.speech == Speech::Echo ? (v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP}) : 0;
    fd_ = Fd{::socket(family, (is_tcp() ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)};
    const SocketAddress from(action_.source, 0);
    if (!fd_ || bind(fd_.get(), from.get(), from.size()) != 0) return refused("opening a socket at " + action_.from, errno);
    const SocketAddress to(action_.service ? action_.service->address : action_.destination, action_.port);
    started_ = Clock::now();
    if (connect(fd_.get(), to.get(), to.size()) != 0 && errno != EINPROGRESS) give_up("connecting", errno);
    number_ = SocketAddress::port_of(fd_.get());
    if (!is_tcp()) transmit();
    return {};
  }

  bool over() const { return over_; }
  int fd() const { return fd_.get(); }
  short wanted() const { return is_tcp() && !sent_ ? POLLOUT : POLLIN; }
  Seen take() { return std::move(seen_); }

  void ready() {
    if (is_tcp() && !sent_) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return give_up("connecting", error);
      transmit();
      return;
    }
    std::vector<std::uint8_t> got(2048);
    const ssize_t size = recv(fd_.get(), got.data(), got.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) return give_up("waiting for the answer", errno);
    if (size == 0) return give_up("the connection was closed without an answer");
    got.resize(static_cast<std::size_t>(size));
    read(got);
  }

  void tick(Clock::time_point now, milliseconds patience) {
    if (over_) return;
    if (dropped_ && now - *dropped_ >= kGrace) over_ = true;
    if (now - started_ >= patience) over_ = true;
    if (!is_tcp() && !over_ && !dropped_ && now - last_ >= kRepeat) transmit();
  }

  void notice(const np_event& event, Clock::time_point now) {
    if (event.family != (action_.source.v6 ? 6 : 4) || event.protocol != ip_protocol(action_.speech, action_.source.v6)) return;
    const auto is_ours = [&](const np_u8* address) { return std::memcmp(address, action_.source.bytes.data(), action_.source.size()) == 0; };
    if (is_ours(event.source) && event.source_port == number_) {
      auto& side = event.direction == NP_EGRESS ? seen_.egress : seen_.ingress;
      if (!side) side = Decision{event.reason == NP_REASON_FORWARDED, event.reason, event.rule};
      if (event.reason != NP_REASON_FORWARDED && !dropped_) dropped_ = now;
    } else if (is_ours(event.destination) && event.destination_port == number_ && event.reason != NP_REASON_FORWARDED && action_.speech != Speech::Echo) {
      seen_.problem = "the answer was dropped, for reason " + std::to_string(event.reason);
    }
  }

 private:
  bool is_tcp() const { return ip_protocol(action_.speech, false) == IPPROTO_TCP; }

  void give_up(const std::string& what, int error = 0) {
    seen_.problem = what + (error == 0 ? "" : ": " + std::generic_category().message(error));
    over_ = true;
  }

  std::vector<std::uint8_t> message() {
    switch (action_.speech) {
      case Speech::Tcp:
      case Speech::Udp: return {'?'};
      case Speech::Echo: return {static_cast<std::uint8_t>(action_.source.v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO), 0, 0, 0, 0, 0, 0, 1, '?'};
      case Speech::DnsUdp: return query();
      case Speech::DnsTcp: return with_length(query());
    }
    return {};
  }
  DnsBytes query() const { return dns_query(number_, action_.name, action_.source.v6); }

  void transmit() {
    const auto bytes = message();
    last_ = Clock::now();
    sent_ = true;
    if (send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 && errno != EAGAIN && errno != EINTR) give_up("sending", errno);
  }

  void read(const std::vector<std::uint8_t>& got) {
    seen_.answered = over_ = true;
    switch (action_.speech) {
      case Speech::Tcp:
      case Speech::Udp: seen_.by.assign(got.begin(), got.end()); return;
      case Speech::Echo:
        if (got[0] != (action_.source.v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY)) seen_.answered = over_ = false;
        return;
      case Speech::DnsUdp: return read_names(got);
      case Speech::DnsTcp: return read_names(got.size() < 2 ? got : DnsBytes(got.begin() + 2, got.end()));
    }
  }
  void read_names(const DnsBytes& got) {
    const auto addresses = dns_addresses(got, query());
    if (!addresses || addresses->empty()) return give_up("the name server answered without an address of " + action_.name);
    seen_.addresses = *addresses;
  }

  const Action& action_;
  Fd fd_;
  std::uint16_t number_ = 0;  // source port, or identifier
  bool sent_ = false, over_ = false;
  Clock::time_point started_, last_;
  std::optional<Clock::time_point> dropped_;
  Seen seen_;
};

Done read_events(World& world, std::vector<Attempt>& attempts) {
  const auto now = Clock::now();
  for (NodeSite& node : world.nodes())
    for (EventReader& reader : node.events)
      if (Done done = reader.read([&](const np_event& event) {
            for (Attempt& attempt : attempts) attempt.notice(event, now);
          });
          !done)
        return done;
  return {};
}

}  // namespace

Result<std::vector<Seen>> probe(World& world, const std::vector<Action>& actions, milliseconds patience) {
  std::vector<Attempt> attempts;
  attempts.reserve(actions.size());
  for (const Action& action : actions) {
    const Host* host = world.find(action.from);
    if (host == nullptr) return bad_input("nobody is called " + action.from);
    attempts.emplace_back(action);
    if (const Done done = attempts.back().open(*host); !done) return tl::make_unexpected(done.error());
  }
  const auto open = [&] { return std::any_of(attempts.begin(), attempts.end(), [](const Attempt& it) { return !it.over(); }); };
  while (open() && !interrupted()) {
    std::vector<pollfd> polled;
    std::vector<Attempt*> whose;
    for (Attempt& attempt : attempts) {
      if (attempt.over()) continue;
      polled.push_back({attempt.fd(), attempt.wanted(), 0});
      whose.push_back(&attempt);
    }
    if (poll(polled.data(), polled.size(), static_cast<int>(kSlice.count())) < 0 && errno != EINTR) return refused("waiting for answers", errno);
    for (std::size_t i = 0; i < polled.size(); ++i)
      if (polled[i].revents != 0) whose[i]->ready();
    if (const Done done = read_events(world, attempts); !done) return tl::make_unexpected(done.error());
    for (Attempt& attempt : attempts) attempt.tick(Clock::now(), patience);
  }
  if (const Done done = read_events(world, attempts); !done) return tl::make_unexpected(done.error());
  std::vector<Seen> out;
  for (Attempt& attempt : attempts) out.push_back(attempt.take());
  return out;
}

}  // namespace netpolc::loader::connectivity
