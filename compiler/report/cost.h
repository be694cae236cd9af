// compiler/report/cost.h — what policies of endpoints cost: in netpolc's programs and maps, by what `compile` goes by, and in Cilium's
// policy maps, by what `lint` goes by (NP090).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/session.h"

namespace netpolc::compiler {

// The kernel's verifier gives up on a program after so many instructions that it has walked (Linux 5.2 and later, of a privileged
// loader). How many it walks is known to a kernel alone: each path through a program counts, and a loop as often as it is run.
inline constexpr std::uint64_t kVerifierLimit = 1000000;

struct ReportCost {
  struct Side {
    std::size_t rules = 0;    // distinct in meaning
    std::size_t lines = 0;    // of the decision table: pairs of L4 class and peer that decide something
    std::size_t peers = 0;    // identities that a peers map has bits of
    std::uint64_t turns = 0;  // of loops over tables: see codegen_bpf::Room
  };
  // Endpoints with one policy: one program, where programs were compiled, and else one decision table.
  struct Policy {
    std::vector<std::string> endpoints;  // sorted: "shop/cart"; of a node its name
    bool node = false;
    Side ingress, egress;
    std::optional<std::size_t> policy_map;     // entries of Cilium's policy map, of the endpoint that needs most; none of nodes
    std::optional<std::uint32_t> instructions;  // of the object: both programs, and subprograms that they share
    std::string note;                           // why there is no program, or what it leaves out
  };
  std::vector<Policy> policies;  // by the first endpoint
  std::size_t policy_map_max = 0;
  std::size_t not_compiled = 0;  // that could have been
};

struct CostOptions {
  enum class Programs { Auto, All, None };
  Programs programs = Programs::Auto;  // whether to compile: Auto, up to `most`
  std::size_t most = 100;
  std::string cache;  // as `compile` has it; empty: none
};
Result<ReportCost> make_cost(const Session& session, const CostOptions& options);

}  // namespace netpolc::compiler
