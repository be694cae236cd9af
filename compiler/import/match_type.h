// compiler/import/match_type.h — by what of a packet Cilium finds the policy map's entry that decides: the policy_match_type of Hubble's
// flows (Cilium's pkg/monitor/api: PolicyMatchType).
#pragma once
#include "ir/hubble.h"
#include "ir/verdict.h"

namespace netpolc::compiler::import {

using ir::hubble::MatchType;

// Of several rules that say the same the datapath finds the one with the narrowest ports, and of these one that names peers.
MatchType match_type(const ir::SideVerdict& verdict, const ir::PolicySet& policies, ir::Flow flow);

}  // namespace netpolc::compiler::import
