#include "runtime-loader/confirmation.h"

#include <ctime>

#include "runtime-loader/files.h"

namespace netpolc::loader {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

Result<std::string> boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 128);
  if (text)
    while (text->ends_with('\n')) text->pop_back();
  return text;
}

std::uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

Result<Confirmation> confirmation_in(std::uint32_t seconds) {
  auto boot = boot_id();
  if (!boot) return tl::make_unexpected(boot.error());
  return Confirmation{std::move(*boot), now() + seconds * kSecond};
}

std::uint64_t nanoseconds_left(const Confirmation& confirmation) {
  const auto boot = boot_id();
  const std::uint64_t time = now();
  // A boot that can't be asked for is this one: a state counts in the boot in which it was written.
  if (boot && *boot != confirmation.boot) return 0;
  return confirmation.deadline > time ? confirmation.deadline - time : 0;
}

bool is_overdue(const Confirmation& confirmation) { return nanoseconds_left(confirmation) == 0; }

}  // namespace netpolc::loader
