#include "runtime-loader/metrics_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <stdexcept>

using namespace netpolc::loader;

namespace {

Fd connected(std::uint16_t port) {
  Fd fd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  return fd;
}

void say(const Fd& fd, const std::string& text) { CHECK(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())); }

// All that comes until the other side closes.
std::string heard(const Fd& fd) {
  std::string out;
  char bytes[4096];
  for (ssize_t count = 0; (count = recv(fd.get(), bytes, sizeof bytes, 0)) > 0;) out.append(bytes, static_cast<std::size_t>(count));
  return out;
}

std::string asked(std::uint16_t port, const std::string& request) {
  const Fd fd = connected(port);
  say(fd, request);
  return heard(fd);
}

std::string get(std::uint16_t port, const std::string& path) { return asked(port, "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"); }

struct Served {
  std::vector<std::string> ill, unready;
  std::unique_ptr<MetricsServer> server;
  Served() {
    auto made = MetricsServer::start("127.0.0.1:0", false,
                                     {[] { return std::string(1 << 20, 'm'); }, []() -> std::string { throw std::runtime_error("no state"); }, [this] { return ill; }, [this] { return unready; }});
    REQUIRE_MESSAGE(made, made.error().message);
    server = std::move(*made);
  }
};

}  // namespace

TEST_CASE("the server answers what it has, and nothing else") {
  Served it;
  const std::uint16_t port = it.server->port();
  const std::string metrics = get(port, "/metrics?x=1");
  CHECK(metrics.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
  CHECK(metrics.find("Content-Length: 1048576\r\n") != std::string::npos);
  CHECK(metrics.ends_with("\r\n\r\n" + std::string(1 << 20, 'm')));
  CHECK(get(port, "/status").find(" 500 ") != std::string::npos);
  CHECK(get(port, "/healthz").ends_with("\r\n\r\nok\n"));
  it.ill = {"the loop stands still"};
  CHECK(get(port, "/healthz").starts_with("HTTP/1.1 503 "));
  CHECK(get(port, "/readyz").starts_with("HTTP/1.1 200 "));
  it.unready = {"endpoints: a is gone", "maps: full"};
  CHECK(get(port, "/readyz").ends_with("\r\n\r\nendpoints: a is gone\nmaps: full\n"));
  CHECK(get(port, "/../etc/passwd").starts_with("HTTP/1.1 404 "));
  CHECK(asked(port, "HEAD /healthz HTTP/1.0\r\n\r\n").ends_with("\r\n\r\n"));
  CHECK(asked(port, "POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\n").starts_with("HTTP/1.1 405 "));
  for (const char* nonsense : {"\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET x HTTP/1.1\r\n\r\n", "GET /metrics HTTP/2\r\n\r\n"})
    CHECK(asked(port, nonsense).starts_with("HTTP/1.1 400 "));
  CHECK(asked(port, "GET /" + std::string(9000, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_CASE("who says nothing keeps nobody else waiting, nor the end") {
  const auto begin = std::chrono::steady_clock::now();
  {
    Served it;
    std::vector<Fd> silent;
    for (std::size_t i = 0; i + 1 < MetricsServer::kConnections; ++i) silent.push_back(connected(it.server->port()));
    CHECK(get(it.server->port(), "/healthz").ends_with("ok\n"));
    const Fd slow = connected(it.server->port());
    say(slow, "GET /healthz HT");
    say(slow, "TP/1.1\r\n\r\n");
    CHECK(heard(slow).ends_with("ok\n"));
    // One more than it takes waits until one of the silent is cut off; nothing breaks when all go.
    silent.push_back(connected(it.server->port()));
    silent.push_back(connected(it.server->port()));
    silent.erase(silent.begin());
    CHECK(get(it.server->port(), "/healthz").ends_with("ok\n"));
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(MetricsServer::kSeconds + 3));
}

TEST_CASE("it listens on loopback unless it is told otherwise") {
  const MetricsSources none{[] { return ""; }, [] { return ""; }, [] { return std::vector<std::string>{}; }, [] { return std::vector<std::string>{}; }};
  for (const char* bad : {"", "x", "127.0.0.1:", "127.0.0.1:99999", "::1:80", "[127.0.0.1]:80", "127.0.0.1:80x", "0.0.0.0:0", "[::]:0", "192.0.2.1:9"}) {
    CAPTURE(bad);
    const auto made = MetricsServer::start(bad, false, none);
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == FailureKind::Input);
  }
  const auto open = MetricsServer::start("0.0.0.0:0", true, none);
  REQUIRE(open);
  const auto taken = MetricsServer::start("127.0.0.1:" + std::to_string((*open)->port()), false, none);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().kind == FailureKind::Kernel);
  CHECK(MetricsServer::start("0", false, none));
}
