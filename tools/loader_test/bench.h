// tools/loader_test/bench.h — one small policy in the kernel, for packets to be judged by.
//
// The pod is 10.0.0.1 / fd00::1. Its ingress policy (default deny, its node may come in):
//   rule 0: identity 300 may reach TCP 8080, UDP 53, SCTP 9000 and ICMP(v6) echo
//   rule 1: identity 400 is denied, whatever the port
//   rule 2: identity 500 may reach TCP 80 subject to HTTP rules
// Its egress policy: rule 0, everyone may be reached at TCP 443, UDP 53 and by ICMP(v6) echo.
#pragma once
#include <optional>
#include <string>

#include "codegen-bpf/codegen.h"
#include "runtime-loader/test_run.h"

namespace netpolc::loader_test {

inline constexpr std::uint32_t kFriend = 300, kFoe = 400, kHttpClient = 500;

// Empty: kernel tests can run here. Otherwise why not.
std::string why_no_kernel();

ir::DecisionTable table();
loader::PeerBits peers_in();

class Bench {
 public:
  Bench();  // throws with what the kernel said
  loader::TcVerdict to_pod(const loader::Bytes& frame) { return run(loader::Side::ToPod, frame); }
  loader::TcVerdict from_pod(const loader::Bytes& frame) { return run(loader::Side::FromPod, frame); }
  loader::TcVerdict from_node(const loader::Bytes& frame) { return run(loader::Side::ToPod, frame, true); }
  // What the last packet's event said: the reason of its drop, 0 for a new allowed connection,
  // nothing where there was none (known connections, what is none of policy's business).
  std::optional<np_event> event() const { return event_; }
  std::uint64_t dropped(std::uint8_t reason) const;
  std::uint64_t counted(std::uint32_t slot) const;
  void forget();
  void set_ready(bool ready, bool ipv6 = true);
  const loader::Object& object() const { return *object_; }
  loader::TestMaps& maps() { return maps_; }

 private:
  loader::TcVerdict run(loader::Side side, const loader::Bytes& frame, bool from_node = false);
  loader::TestMaps maps_;
  std::optional<loader::Object> object_;
  std::optional<np_event> event_;
};

}  // namespace netpolc::loader_test
