#include "runtime-loader/daemon/log.h"

#include <doctest/doctest.h>

using netpolc::loader::daemon::Log;

namespace {

struct Written {
  std::int64_t now = 1'700'000'000'123;
  std::string text;
  Log log;
  explicit Written(bool json) : log(json, [this] { return now; }, [this](const std::string& line) { text += line; }) {}
};

}  // namespace

TEST_CASE("a line an event, whatever is in its fields") {
  Written plain(false), json(true);
  plain.log.info("loaded", {{"bundle", "abc"}, {"reason", "a \"b\"\nc"}, {"none", ""}});
  CHECK(plain.text == "2023-11-14T22:13:20.123Z info loaded bundle=abc reason=\"a \\\"b\\\"\\nc\" none=\"\"\n");
  json.log.error("load-failed", {{"error", "line\nbreak \xff"}});
  CHECK(json.text == "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"error\",\"event\":\"load-failed\",\"error\":\"line\\nbreak \xEF\xBF\xBD\"}\n");
}

TEST_CASE("what says the same again is counted, not said") {
  Written w(false);
  for (int i = 0; i < 1000; ++i) w.log.warning("again", {{"why", "x"}});
  w.log.warning("again", {{"why", "y"}});
  CHECK(std::count(w.text.begin(), w.text.end(), '\n') == 2);
  w.now += 10'000;
  w.log.warning("again", {{"why", "x"}});
  CHECK(w.text.find("why=x repeated=999\n") != std::string::npos);
  w.text.clear();
  for (int i = 0; i < 5000; ++i) w.log.warning("other", {{"n", std::to_string(i)}});
  CHECK(std::count(w.text.begin(), w.text.end(), '\n') == 5000);
}
