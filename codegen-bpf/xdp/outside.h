// codegen-bpf/xdp/outside.h — what a bundle has for a node's external device: one object, the
// same in all bundles (runtime/np_xdp.bpf.c), and for each program what its policy denies to
// whoever is outside. From that the loader makes what the object is told, for the pods it attaches.
//
// A bundle of which no policy denies anything from outside has neither.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "codegen-bpf/codegen.h"
#include "codegen-bpf/programs.h"
#include "ir/decide/denied_outside.h"

namespace netpolc::codegen_bpf {

inline constexpr const char* kOutsideObject = "programs/np_xdp.o";

struct Outside {
  std::vector<ir::DeniedOutside> by_program;
  // Addresses outside that stand behind services, sorted: their packets may be replies to what was
  // sent to the service's address, which is all that is remembered of it.
  std::vector<IpAddress> behind_services;
  bool services = false;  // are there any?
  bool worth_it() const;
};
Outside denied_from_outside(const ir::Decisions& decisions, const ir::Cluster& cluster, const ir::Identities& identities,
                            const std::vector<Program>& programs);

// `outside` of a program, and `xdp` of the bundle (docs/bundle.md).
nlohmann::ordered_json to_json(const ir::DeniedOutside& denied);
nlohmann::ordered_json xdp_json(const Outside& outside);

std::string_view outside_object();   // ELF with BTF, without DWARF
const RuntimeFile& outside_source();

}  // namespace netpolc::codegen_bpf
