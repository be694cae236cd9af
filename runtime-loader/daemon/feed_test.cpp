#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <deque>

#include "runtime-loader/daemon/feed_protocol.h"
#include "runtime-loader/daemon/feed_server.h"
#include "runtime-loader/daemon/feed_store.h"
#include "runtime-loader/files.h"
#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;
using namespace netpolc::loader::daemon;

namespace {

struct Client {
  Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  explicit Client(const std::string& path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, path.data(), path.size());
    REQUIRE(connect(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  }
  void say(const std::string& text) { REQUIRE(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())); }
  std::string hear() {
    std::string out;
    char buffer[4096];
    for (ssize_t got; (got = recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0;) out.append(buffer, static_cast<std::size_t>(got));
    return out;
  }
};

// Answers everything with its name; how many steps that took.
int serve(FeedServer& server) {
  int steps = 0;
  for (int quiet = 0; quiet < 3;) {
    server.turn();
    const auto asked = server.next();
    quiet = asked.empty() ? quiet + 1 : 0;
    steps += !asked.empty();
    for (const auto& it : asked) server.answer(it.connection, it.request.op == FeedOp::Invalid ? refusal(it.request, "INVALID", it.request.error) : answer(it.request, {{"did", it.request.name}}));
    server.flush();
  }
  return steps;
}

std::size_t lines(const std::string& text) { return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')); }

}  // namespace

TEST_CASE("requests are understood, or said to be none") {
  const auto add = parse_feed_line(R"({"op":"endpoint-add","id":"x1","endpoint":"a/web","ifname":"lxc1","ipv4":"10.0.0.1","labels":["k8s:app=web"],"audit":true})");
  CHECK(add.op == FeedOp::EndpointAdd);
  CHECK(add.endpoint.origin == "feed");
  CHECK(add.endpoint.audit);
  CHECK(add.endpoint.labels.size() == 1);
  CHECK(answer(add, {{"state", "enforced"}}) == "{\"id\":\"x1\",\"ok\":true,\"state\":\"enforced\"}\n");
  CHECK(parse_feed_line(R"({"op":"endpoint-remove","endpoint":"a/web"})").key.endpoint == "a/web");
  CHECK(parse_feed_line(R"({"op":"address-add","address":"10.0.0.9","endpoint":"a/web"})").address.size() == 1);
  CHECK(parse_feed_line(R"({"op":"address-remove","address":"10.0.0.9"})").address.at(0).add == std::nullopt);
  CHECK(parse_feed_line(R"({"op":"ping","id":7})").op == FeedOp::Ping);
  const std::map<std::string, std::string> wrong = {
      {"", "expected a JSON object a line"},
      {"[1]", "expected a JSON object a line"},
      {std::string(30000, '['), "expected a JSON object a line"},
      {"{\"op\":\"ping\",\"id\":\"\xff\"}", "expected a JSON object a line"},
      {"{\"op\":\"ping\",\"id\":{}}", "`id`: expected a string or a number"},
      {"{\"op\":\"fly\"}", "`op`: expected endpoint-add, endpoint-remove, endpoint-check, address-add, address-remove, status or ping"},
      {"{\"op\":\"ping\",\"x\":1}", "unknown field `x`"},
      {"{\"op\":\"endpoint-remove\"}", "which one? give `endpoint`, `ifname` or both"},
      {"{\"op\":\"endpoint-check\",\"ifname\":1}", "`ifname`: expected a string"},
      {"{\"op\":\"endpoint-add\",\"endpoint\":\"web\",\"ifname\":\"lxc1\"}", "endpoint `web`: expected `namespace/name`"},
      {"{\"op\":\"address-add\",\"address\":\"10.0.0.300\",\"endpoint\":\"a/b\"}", "`10.0.0.300` is no address or prefix"}};
  for (const auto& [line, error] : wrong) {
    CAPTURE(line.substr(0, 80));
    const auto read = parse_feed_line(line);
    CHECK(read.op == FeedOp::Invalid);
    CHECK(read.error == error);
  }
}

TEST_CASE("many lines of many are answered in order, those of one kind in one step") {
  const TestDirectory dir;
  const std::string path = dir.path() + "/sub/feed.sock";
  auto server = FeedServer::open(path);
  REQUIRE_MESSAGE(server, server.error().message);
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK_FALSE(FeedServer::open(path));
  std::deque<Client> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back(path);
    for (int n = 0; n < 20; ++n) clients.back().say("{\"op\":\"endpoint-add\",\"id\":" + std::to_string(n) + ",\"endpoint\":\"a/b\",\"ifname\":\"l" + std::to_string(n) + "\"}\n");
    clients.back().say("{\"op\":\"ping\",\"id\":20}\n{\"op\":\"endpoint-add\",\"id\":21,\"endpoint\":\"a/b\",\"ifname\":\"l1\"}\n");
  }
  CHECK(serve(*server) < 20);
  for (Client& client : clients) {
    const std::string heard = client.hear();
    REQUIRE(lines(heard) == 22);
    std::size_t at = 0;
    for (int n = 0; n < 22; ++n) {
      const std::size_t found = heard.find("{\"id\":" + std::to_string(n) + ",", at);
      REQUIRE(found != std::string::npos);
      at = found;
    }
  }
  CHECK(server->connections() == 100);
  clients.clear();
  serve(*server);
  CHECK(server->connections() == 0);
  CHECK(server->accepted() == 101);  // the second server asked whether somebody listens
}

TEST_CASE("garbage harms nobody else, and nobody's half line is obeyed") {
  const TestDirectory dir;
  const std::string path = dir.path() + "/feed.sock";
  auto server = FeedServer::open(path);
  REQUIRE(server);
  Client good(path), bad(path), half(path);
  for (int i = 0; i < 40; ++i) {  // a line that never ends, in pieces
    bad.say(std::string(10'000, 'x'));
    serve(*server);
  }
  bad.say("\n\n\r\n{\"op\":\"ping\",\"id\":\"after\"}\nnonsense\n");
  half.say("{\"op\":\"ping\",\"id\":1}\n{\"op\":\"ping\",\"id\":2}");
  shutdown(half.socket.get(), SHUT_WR);
  good.say("{\"op\":\"ping\",\"id\":\"g\"}\n");
  serve(*server);
  const std::string said = bad.hear();
  CHECK(lines(said) == 3);
  CHECK(said.find("a line is at most 65536 bytes") != std::string::npos);
  CHECK(said.find("\"after\",\"ok\":true") != std::string::npos);
  CHECK(good.hear() == "{\"id\":\"g\",\"ok\":true,\"did\":\"ping\"}\n");
  const std::string rest = half.hear();
  CHECK(rest.starts_with("{\"id\":1,\"ok\":true"));
  CHECK(rest.find("was cut off") != std::string::npos);
  CHECK(server->connections() == 2);
  // one of exactly the limit, and one byte more
  const std::string ping = "{\"op\":\"ping\"}";
  good.say(ping + std::string(kLineLimit - ping.size(), ' ') + "\n");
  serve(*server);
  CHECK(good.hear() == "{\"ok\":true,\"did\":\"ping\"}\n");
  good.say(ping + std::string(kLineLimit + 1 - ping.size(), ' ') + "\n" + ping + "\n");
  serve(*server);
  CHECK(lines(good.hear()) == 2);
}

TEST_CASE("who does not listen is not spoken to without end, and there are only so many") {
  const TestDirectory dir;
  const std::string path = dir.path() + "/feed.sock";
  auto server = FeedServer::open(path);
  REQUIRE(server);
  Client deaf(path);
  std::string many;
  for (int i = 0; i < 4000; ++i) many += "{\"op\":\"ping\"}\n";
  std::size_t taken = 0;
  for (int i = 0; i < 2000; ++i) {
    const ssize_t sent = send(deaf.socket.get(), many.data(), many.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) taken += static_cast<std::size_t>(sent);
    if (sent <= 0 && i > 100) break;
    serve(*server);
  }
  CHECK(taken < (8u << 20));
  std::deque<Client> clients;
  for (std::size_t i = 1; i < FeedServer::kMostConnections + 3; ++i) {
    clients.emplace_back(path);
    server->turn();
  }
  CHECK(server->connections() == FeedServer::kMostConnections);
  CHECK(server->rejected() == 3);
  CHECK(clients.back().hear().find("BUSY") != std::string::npos);
}

TEST_CASE("the socket takes the place of one that was left, and of nothing else") {
  const TestDirectory dir;
  const std::string path = dir.path() + "/feed.sock";
  {
    const Fd left{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, path.data(), path.size());
    REQUIRE(bind(left.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  }
  CHECK(FeedServer::open(path));
  CHECK(access(path.c_str(), F_OK) != 0);  // and goes with its server
  dir.write("file", "precious");
  CHECK(FeedServer::open(dir.path() + "/file").error().message == dir.path() + "/file is there and is no socket");
  CHECK_FALSE(FeedServer::open("relative"));
  CHECK_FALSE(FeedServer::open("/" + std::string(200, 'x')));
}

TEST_CASE("the feed's endpoints are read as they were written, in the same boot") {
  const TestDirectory dir;
  const std::string path = feed_path(dir.path());
  CHECK(read_feed(path, "b1")->endpoints.empty());
  FeedEndpoints endpoints;
  endpoints[{"node", "lxc1"}] = {{"a/web", "lxc1", "node", {*Address::parse("10.0.0.1"), *Address::parse("fd00::1")}, true, {"k8s:app=web"}, "feed"}, {7, 4026531840}};
  endpoints[{"", "lxc2"}] = {{"a/db", "lxc2", "", {}, false, {}, "feed"}, {8, 1}};
  REQUIRE(write_feed(path, endpoints, "b1"));
  const auto read = read_feed(path, "b1");
  REQUIRE_MESSAGE(read, read.error().message);
  REQUIRE(read->endpoints.size() == 2);
  CHECK(read->bad.empty());
  CHECK(read->endpoints.at({"node", "lxc1"}).request == endpoints.at({"node", "lxc1"}).request);
  CHECK(read->endpoints.at({"node", "lxc1"}).link == LinkId{7, 4026531840});
  CHECK(read_feed(path, "b2")->endpoints.empty());
  const auto text = read_file(path, 4096);
  REQUIRE(text);
  dir.write("feed.jsonl", "{\"boot\":\"b1\"}\n" + *text);
  const auto damaged = read_feed(path, "b1");
  REQUIRE(damaged);
  CHECK(damaged->endpoints.size() == 2);  // one line costs nobody else
  REQUIRE(damaged->bad.size() == 1);
  CHECK(damaged->bad[0].find("feed.jsonl:1: lacks `ifindex`") != std::string::npos);
}
