#include "runtime-loader/daemon/log.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace netpolc::loader::daemon {
namespace {

constexpr std::int64_t kSameAgain = 10'000;  // ms
constexpr std::size_t kRemembered = 512;

const char* name(Log::Level level) {
  switch (level) {
    case Log::Level::Info: return "info";
    case Log::Level::Warning: return "warning";
    case Log::Level::Error: return "error";
  }
  return "";
}

// As it is if it is one word, else in quotes, so that a line can be taken apart again and stays one.
std::string quoted(const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) { return c > ' ' && c < 127 && c != '"' && c != '=' && c != '\\'; });
  return plain ? value : nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_line(const std::string& time, Log::Level level, const std::string& event, const LogFields& fields) {
  std::string line = time + " " + name(level) + " " + event;
  for (const auto& [key, value] : fields) line += " " + key + "=" + quoted(value);
  return line + "\n";
}

std::string json_line(const std::string& time, Log::Level level, const std::string& event, const LogFields& fields) {
  nlohmann::ordered_json json{{"time", time}, {"level", name(level)}, {"event", event}};
  for (const auto& [key, value] : fields) json[key] = value;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string utc(std::int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(unix_ms % 1000));
  return std::string(text, length) + fraction;
}

void Log::forget_old(std::int64_t now) {
  std::erase_if(said_, [&](const auto& it) { return it.second.left_out == 0 && now - it.second.at >= kSameAgain; });
  if (said_.size() >= kRemembered) said_.clear();
}

void Log::say(Level level, const std::string& event, LogFields fields) {
  const std::int64_t now = clock_();
  std::string key = event;
  for (const auto& [field, value] : fields) key += "\n" + field + "=" + value;
  auto found = said_.find(key);
  if (found != said_.end() && now - found->second.at < kSameAgain && now >= found->second.at) {
    ++found->second.left_out;
    return;
  }
  if (found != said_.end() && found->second.left_out != 0) fields.emplace_back("repeated", std::to_string(found->second.left_out));
  if (found == said_.end() && said_.size() >= kRemembered) forget_old(now);
  said_[key] = {now, 0};
  const std::string time = utc(now);
  write_(json_ ? json_line(time, level, event, fields) : text_line(time, level, event, fields));
}

}  // namespace netpolc::loader::daemon
