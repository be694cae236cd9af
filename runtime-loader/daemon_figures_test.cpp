#include "runtime-loader/daemon_figures.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;

TEST_CASE("the daemon's figures are read as they were written") {
  DaemonFigures figures;
  figures.pid = 7;
  figures.started = 1'700'000'000'123;
  figures.ready = true;
  figures.load_failures = {{"bundle", 2}, {"machine", 1}};
  figures.waiting = {{"a/web", "lxc1", "", "list", "no such interface"}};
  figures.blocked = {{"a/db", "lxc2", "node", "feed", "unknown to the bundle"}};
  figures.feed_requests = {{"ping", 3}};
  figures.last_error = "bytes \xff that are no text";
  figures.latency.add(0.01);
  figures.latency.add(99);
  const auto read = parse_daemon_figures(to_json(figures), "daemon.json");
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(to_json(*read) == to_json(figures));
  CHECK(read->latency.total() == 2);
  CHECK(read->latency.counts[1] == 1);
  CHECK(read->latency.counts.back() == 1);
}

TEST_CASE("what is no file of the daemon's is refused by name") {
  for (const char* text : {"", "{}", "[]", "null", "{\"pid\":\"x\"}"}) {
    CAPTURE(text);
    const auto read = parse_daemon_figures(text, "daemon.json");
    REQUIRE_FALSE(read);
    CHECK(read.error().message.starts_with("daemon.json: "));
  }
}
