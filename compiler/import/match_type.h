// compiler/import/match_type.h — by what of a packet Cilium finds the policy map's entry that decides: the policy_match_type of Hubble's
// flows (Cilium's pkg/monitor/api: PolicyMatchType).
#pragma once
#include <cstdint>

#include "ir/verdict.h"

namespace netpolc::compiler::import {

enum class MatchType : std::uint8_t { None = 0, L3Only = 1, L3L4 = 2, L4Only = 3, All = 4, L3Proto = 5, ProtoOnly = 6 };
const char* to_string(MatchType type);  // "none", "L3-Only", "L3-L4", …

// Of several rules that say the same the datapath finds the one with the narrowest ports, and of these one that names peers.
MatchType match_type(const ir::SideVerdict& verdict, const ir::PolicySet& policies, ir::Flow flow);

}  // namespace netpolc::compiler::import
