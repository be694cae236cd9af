#include "verify/bytecode/grounds.h"

#include <z3.h>

namespace netpolc::verify::bytecode {
namespace {

constexpr const char* kInstructions = "the kernel runs the object's instructions as it documents them, after relocation as libbpf does it";
constexpr const char* kOneSnapshot = "maps do not change while a packet is judged";
constexpr const char* kRuntime = "functions that all programs share, where the certificate does not speak of them, are the runtime's, instruction by instruction, and proved by netpolc's tests";
constexpr const char* kPacket = "a packet has at most 16 MiB";
constexpr const char* kTools = "netpolc's reader of objects, its model of instructions and its folding of terms";
constexpr const char* kKernel = "the kernel, from its verifier to its compiler to machine code";
constexpr const char* kOrders = "orders of memory accesses between processors";

}  // namespace

const Grounds& grounds() {
  static const Grounds all = {
      .assumed = {kInstructions,
                  kOneSnapshot,
                  "rows of np_peers_in and np_peers_out have bit 0 set, are those of the peer's identity, and end with a summary of their own words where they have one",
                  "policy is asked about TCP, UDP, SCTP, and ICMP and ICMPv6 with types to 255",
                  "functions that call each other rely on no more than each is proved to do",
                  kRuntime,
                  kPacket},
      .trusted = {"Z3",
                  kTools,
                  kKernel,
                  "the loader: it fills maps as the layout says, works out rows of later identities from the selectors, and changes no constant"},
      .not_covered = {kOrders,
                      "which endpoint gets the program, and whose an address is"},
  };
  return all;
}

const Grounds& outside_grounds() {
  static const Grounds all = {
      .assumed = {kInstructions,
                  kOneSnapshot,
                  "np_denied and np_classes say no more than what all programs of the pods in np_local4 and np_local6 deny, and np_outside no more than that and where there are services",
                  "nothing_sent is said only where policies deny all that pods could send, and no live flow is to there",
                  kRuntime,
                  kPacket},
      .trusted = {"Z3",
                  kTools,
                  kKernel,
                  "the loader: it works out the tables of np_xdp from what the bundle says of each program, and lets everything pass there while it changes what programs do"},
      .not_covered = {kOrders,
                      "which pods are behind the device, and whose an address is"},
  };
  return all;
}

std::string solver_version() {
  unsigned major = 0, minor = 0, build = 0, revision = 0;
  Z3_get_version(&major, &minor, &build, &revision);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(build) + "." + std::to_string(revision);
}

}  // namespace netpolc::verify::bytecode
