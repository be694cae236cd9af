// runtime-loader/health.h — an installation in one word a component, and why: what the first screen
// of `status`, the readiness probe and the alarms look at.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime-loader/status.h"

namespace netpolc::loader {

enum class Health : std::uint8_t {
  Ok,
  Off,   // not there, and nobody said that it should be
  Warn,  // nothing is open that policy closes, but somebody should look
  Fail,  // what is wanted is not in force, or soon can't be
};
const char* to_string(Health health);  // "ok", "off", "warn", "fail"

struct Component {
  std::string name;  // "netpolc", "daemon", "endpoints", "maps", "programs", "flows", "drops", "last change"
  Health health = Health::Ok;
  std::string summary;
  std::vector<std::string> reasons;  // why it is Warn or Fail
};

// Always the same ones, in this order. Of what isn't loaded all but `netpolc` and `daemon` are Off.
std::vector<Component> components(const Status& status);

// Nothing fails, and something is loaded: exit 0, and what /readyz says.
bool is_healthy(const std::vector<Component>& all);
// Nor is there a warning: what `status --wait` waits for.
bool is_all_well(const std::vector<Component>& all);

// A map is said to be nearly full from here on, in percent.
inline constexpr std::uint32_t kNearlyFull = 80;
// Drops that say of the node and not of policy that something is wrong are looked at for so long, in seconds.
inline constexpr std::uint64_t kRecently = 300;
// Is a packet dropped for this reason for want of something, whatever policy says?
bool is_trouble(std::uint32_t reason);

}  // namespace netpolc::loader
