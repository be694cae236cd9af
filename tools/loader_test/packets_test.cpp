// What the compiled program does to packets, one at a time: run in the kernel by
// BPF_PROG_TEST_RUN, without any interface.
#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>

#include "tools/loader_test/bench.h"

using namespace netpolc::loader;
using namespace netpolc::loader_test;

namespace {

// False, having said why, where the kernel can't be used; in CI that is a failure.
bool kernel_is_here() {
  static const std::string why = why_no_kernel();
  if (why.empty()) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL_CHECK("kernel tests can't run in CI: " << why);
  MESSAGE("skipped: " << why);
  return false;
}

Address at(const char* text) { return *Address::parse(text); }

PacketSpec packet(const char* source, const char* destination, std::uint8_t protocol, std::uint16_t port = 0) {
  PacketSpec spec;
  spec.source = at(source);
  spec.destination = at(destination);
  spec.protocol = protocol;
  spec.destination_port = port;
  spec.icmp_type = protocol == kProtocolIcmp ? 8 : 128;
  return spec;
}

constexpr auto Pass = TcVerdict::Pass;
constexpr auto Drop = TcVerdict::Drop;

}  // namespace

TEST_CASE("rules decide, and are counted by their numbers") {
  if (!kernel_is_here()) return;
  Bench bench;
  CHECK(bench.to_pod(build_packet(packet("10.0.0.3", "10.0.0.1", kProtocolTcp, 8080))) == Pass);
  REQUIRE(bench.event());
  CHECK(bench.event()->reason == NP_REASON_FORWARDED);
  CHECK(bench.event()->rule == 0);
  CHECK(bench.counted(0) == 1);
}
