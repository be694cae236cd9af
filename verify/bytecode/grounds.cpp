#include "verify/bytecode/grounds.h"

#include <z3.h>

namespace netpolc::verify::bytecode {

const Grounds& grounds() {
  static const Grounds all = {
      .assumed = {"the kernel runs the object's instructions as it documents them, after relocation as libbpf does it",
                  "maps do not change while a packet is judged",
                  "rows of np_peers_in and np_peers_out have bit 0 set, are those of the peer's identity, and end with a summary of their own words where they have one",
                  "policy is asked about TCP, UDP, SCTP, and ICMP and ICMPv6 with types to 255",
                  "functions that call each other rely on no more than each is proved to do",
                  "functions that all programs share, where the certificate does not speak of them, are the runtime's, instruction by instruction, and proved by netpolc's tests",
                  "a packet has at most 16 MiB"},
      .trusted = {"Z3",
                  "netpolc's reader of objects, its model of instructions and its folding of terms",
                  "the kernel, from its verifier to its compiler to machine code",
                  "the loader: it fills maps as the layout says, works out rows of later identities from the selectors, and changes no constant"},
      .not_covered = {"orders of memory accesses between processors",
                      "which endpoint gets the program, and whose an address is",
                      "np_xdp, the program for external devices"},
  };
  return all;
}

std::string solver_version() {
  unsigned major = 0, minor = 0, build = 0, revision = 0;
  Z3_get_version(&major, &minor, &build, &revision);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(build) + "." + std::to_string(revision);
}

}  // namespace netpolc::verify::bytecode
