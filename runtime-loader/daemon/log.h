// runtime-loader/daemon/log.h — what the daemon says on stderr: one line an event, for people or as JSON.
//
//   2026-11-27T05:41:51.123Z info loaded bundle=391ce3ce7fbc generation=3
//   {"time":"2026-11-27T05:41:51.123Z","level":"info","event":"loaded","bundle":"391ce3ce7fbc","generation":"3"}
//
// What says the same again within ten seconds is left out; the next one of its kind says how many were.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace netpolc::loader::daemon {

using LogFields = std::vector<std::pair<std::string, std::string>>;

class Log {
 public:
  enum class Level : std::uint8_t { Info, Warning, Error };
  // `clock`: Unix time in ms. `write`: a line with its end.
  Log(bool json, std::function<std::int64_t()> clock, std::function<void(const std::string&)> write)
      : json_(json), clock_(std::move(clock)), write_(std::move(write)) {}

  void info(const std::string& event, const LogFields& fields) { say(Level::Info, event, fields); }
  void warning(const std::string& event, const LogFields& fields) { say(Level::Warning, event, fields); }
  void error(const std::string& event, const LogFields& fields) { say(Level::Error, event, fields); }

 private:
  struct Said {
    std::int64_t at = 0;
    std::uint64_t left_out = 0;
  };
  void say(Level level, const std::string& event, LogFields fields);
  void forget_old(std::int64_t now);

  bool json_;
  std::function<std::int64_t()> clock_;
  std::function<void(const std::string&)> write_;
  std::map<std::string, Said> said_;  // by event and fields
};

// "2026-11-27T05:41:51.123Z"
std::string utc(std::int64_t unix_ms);

}  // namespace netpolc::loader::daemon
