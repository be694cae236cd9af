#include "runtime-loader/metrics_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>

#include "runtime-loader/address.h"

namespace netpolc::loader {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kRequestLimit = 8192;

struct Answer {
  int status = 200;
  std::string type, body;
};

const char* phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
  }
  return "Internal Server Error";
}

std::string lines(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& it : all) out += it + "\n";
  return out;
}

constexpr const char* kPlain = "text/plain; charset=utf-8";

Answer probe(const std::function<std::vector<std::string>()>& problems) {
  const std::vector<std::string> found = problems();
  return found.empty() ? Answer{200, kPlain, "ok\n"} : Answer{503, kPlain, lines(found)};
}

Answer answer(const MetricsSources& sources, std::string_view path) {
  try {
    if (path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", sources.metrics()};
    if (path == "/status") return {200, "application/json", sources.status()};
    if (path == "/healthz") return probe(sources.unhealthy);
    if (path == "/readyz") return probe(sources.unready);
  } catch (const std::exception& error) {
    return {500, kPlain, std::string(error.what()) + "\n"};
  }
  if (path == "/") return {200, kPlain, "/metrics\n/status\n/healthz\n/readyz\n"};
  return {404, kPlain, "there are /metrics, /status, /healthz and /readyz\n"};
}

std::string message(const Answer& it, bool with_body) {
  return "HTTP/1.1 " + std::to_string(it.status) + " " + phrase(it.status) + "\r\nContent-Type: " + it.type + "\r\nContent-Length: " + std::to_string(it.body.size()) +
         (it.status == 405 ? "\r\nAllow: GET, HEAD" : "") + "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n" + (with_body ? it.body : "");
}

// `request`: up to the empty line.
std::string reply(const MetricsSources& sources, std::string_view request) {
  const std::string_view line = request.substr(0, request.find("\r\n"));
  const std::size_t first = line.find(' '), second = first == line.npos ? line.npos : line.find(' ', first + 1);
  if (second == line.npos || !line.substr(second + 1).starts_with("HTTP/1.") || line[first + 1] != '/') return message({400, kPlain, "no HTTP/1 request\n"}, true);
  const std::string_view method = line.substr(0, first), target = line.substr(first + 1, second - first - 1);
  if (method != "GET" && method != "HEAD") return message({405, kPlain, "GET and HEAD alone\n"}, true);
  return message(answer(sources, target.substr(0, target.find('?'))), method == "GET");
}

// Reads a request, writes the answer, waits until the other side closes.
class Connection {
 public:
  explicit Connection(Fd fd) : fd_(std::move(fd)) { restart(); }
  int fd() const { return fd_.get(); }
  short events() const { return out_.empty() ? POLLIN : sent_ < out_.size() ? POLLOUT : POLLIN; }
  Clock::time_point deadline() const { return deadline_; }
  // False: it is over.
  bool go_on(const MetricsSources& sources) { return out_.empty() ? read(sources) : sent_ < out_.size() ? write() : drain(); }

 private:
  void restart() { deadline_ = Clock::now() + std::chrono::seconds(MetricsServer::kSeconds); }
  bool read(const MetricsSources& sources) {
    char bytes[2048];
    const ssize_t count = recv(fd_.get(), bytes, sizeof bytes, 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    in_.append(bytes, static_cast<std::size_t>(count));
    const std::size_t end = in_.find("\r\n\r\n");
    if (end == in_.npos && in_.size() <= kRequestLimit) return true;
    out_ = end == in_.npos ? message({431, kPlain, "too long\n"}, true) : reply(sources, std::string_view(in_).substr(0, end + 2));
    restart();
    return write();
  }
  bool write() {
    const ssize_t count = send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<std::size_t>(count);
    if (sent_ == out_.size()) shutdown(fd_.get(), SHUT_WR);
    return true;
  }
  bool drain() {
    char bytes[2048];
    const ssize_t count = recv(fd_.get(), bytes, sizeof bytes, 0);
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
  }

  Fd fd_;
  std::string in_, out_;
  std::size_t sent_ = 0;
  Clock::time_point deadline_;
};

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
};

Result<Endpoint> parse(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string host = colon == text.npos ? "127.0.0.1" : text.substr(0, colon);
  const std::string port = colon == text.npos ? text : text.substr(colon + 1);
  if (host == "localhost") host = "127.0.0.1";
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = Address::parse(host);
  Endpoint out;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (!address || address->v6 != bracketed || port.empty() || error != std::errc{} || end != port.data() + port.size())
    return bad_input("`" + text + "` is no address to listen on: expected PORT, 127.0.0.1:PORT or [::1]:PORT");
  out.address = *address;
  return out;
}

bool is_loopback(const Address& it) {
  if (!it.v6) return it.bytes[0] == 127;
  return it == *Address::parse("::1");
}

Result<Fd> listening(const Endpoint& at, const std::string& text) {
  Fd fd{socket(at.address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const int on = 1;
  if (!fd) return refused("listening on " + text, errno);
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage address{};
  socklen_t length = 0;
  if (at.address.v6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    auto& six = reinterpret_cast<sockaddr_in6&>(address);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(at.port);
    std::memcpy(&six.sin6_addr, at.address.bytes.data(), 16);
    length = sizeof six;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(address);
    four.sin_family = AF_INET;
    four.sin_port = htons(at.port);
    std::memcpy(&four.sin_addr, at.address.bytes.data(), 4);
    length = sizeof four;
  }
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 || listen(fd.get(), MetricsServer::kConnections) != 0)
    return refused("listening on " + text, errno);
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& address, bool anywhere, MetricsSources sources) {
  const auto at = parse(address);
  if (!at) return tl::make_unexpected(at.error());
  if (!anywhere && !is_loopback(at->address))
    return bad_input("`" + address + "` is not loopback's: whoever reaches it would see who is on this node and what they may do");
  auto listener = listening(*at, address);
  if (!listener) return tl::make_unexpected(listener.error());
  Fd stop{eventfd(0, EFD_CLOEXEC)};
  if (!stop) return refused("making an eventfd", errno);
  const std::uint16_t port = port_of(listener->get());
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(*listener), std::move(stop), port, std::move(sources)));
}

MetricsServer::MetricsServer(Fd listener, Fd stop, std::uint16_t port, MetricsSources sources)
    : listener_(std::move(listener)), stop_(std::move(stop)), port_(port), sources_(std::move(sources)) {
  // Signals are for the threads of whoever started this.
  sigset_t all, former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);
  thread_ = std::thread([this] { serve(); });
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
}

MetricsServer::~MetricsServer() {
  const std::uint64_t one = 1;
  (void)!write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void MetricsServer::serve() {
  std::vector<Connection> connections;
  for (;;) {
    std::vector<pollfd> waiting{{stop_.get(), POLLIN, 0}, {connections.size() < kConnections ? listener_.get() : -1, POLLIN, 0}};
    auto first = Clock::time_point::max();
    for (const Connection& it : connections) {
      waiting.push_back({it.fd(), it.events(), 0});
      first = std::min(first, it.deadline());
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(first - Clock::now()).count();
    const int timeout = connections.empty() ? -1 : static_cast<int>(std::clamp<std::int64_t>(left, 0, kSeconds * 1000));
    if (poll(waiting.data(), waiting.size(), timeout) < 0) {
      if (errno != EINTR) std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    if (waiting[0].revents != 0) return;
    std::vector<Connection> kept;
    for (std::size_t i = 0; i < connections.size(); ++i) {
      const bool goes_on = waiting[i + 2].revents == 0 || connections[i].go_on(sources_);
      if (goes_on && connections[i].deadline() > Clock::now()) kept.push_back(std::move(connections[i]));
    }
    connections = std::move(kept);
    if (waiting[1].revents == 0) continue;
    if (Fd fd{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)}; fd) connections.emplace_back(std::move(fd));
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace netpolc::loader
