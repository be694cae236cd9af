#include "runtime-loader/daemon/notify.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;
using netpolc::loader::daemon::Notifier;

namespace {

Fd listen_at(const std::string& bytes) {
  Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::memcpy(at.sun_path, bytes.data(), bytes.size());
  const std::size_t length = offsetof(sockaddr_un, sun_path) + bytes.size() + (bytes[0] == '\0' ? 0 : 1);
  REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), static_cast<socklen_t>(length)) == 0);
  return socket;
}

std::string received(const Fd& socket) {
  char buffer[256];
  const ssize_t got = recv(socket.get(), buffer, sizeof buffer, 0);
  return got < 0 ? "" : std::string(buffer, static_cast<std::size_t>(got));
}

}  // namespace

TEST_CASE("a service manager is told at a path and at a name that is no file") {
  const TestDirectory directory;
  const std::string path = directory.path() + "/notify";
  const Fd at_path = listen_at(path);
  Notifier(path, 0).send("READY=1");
  CHECK(received(at_path) == "READY=1");
  const std::string name = "netpolc-test" + directory.path();
  const Fd at_name = listen_at(std::string(1, '\0') + name);
  Notifier("@" + name, 0).send("STATUS=all is well\nWATCHDOG=1");
  CHECK(received(at_name) == "STATUS=all is well\nWATCHDOG=1");
}

TEST_CASE("nobody listens, or nowhere that can be: nothing happens") {
  for (const std::string& socket : {std::string(), std::string("relative"), "/" + std::string(200, 'x'), std::string("/no/such/socket")}) Notifier(socket, 0).send("READY=1");
}

TEST_CASE("the watchdog is answered twice as often as it looks") {
  CHECK(Notifier("", 30'000'000).watchdog_interval() == 15'000);
  CHECK(Notifier("", 0).watchdog_interval() == 0);
}
