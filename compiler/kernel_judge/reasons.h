// compiler/kernel_judge/reasons.h — what a program must say where the interpreter has judged: the reason of its event, and who decided.
#pragma once
#include <cstdint>
#include <string>

#include "ir/decide/table.h"

namespace netpolc::kernel_judge {

// NP_REASON_*. What is allowed through a proxy, or to who is authenticated, programs drop with reasons of their own.
std::uint8_t reason_of(const ir::SideVerdict& verdict);
// Whether policy allows what has this reason, whatever a proxy or authentication ask for on top.
bool is_allowed(std::uint8_t reason);
// "allowed through a proxy"
const char* to_string(std::uint8_t reason);

// `rule`: what the event names, of `table`, whose rules are the endpoint's `own` under the same numbers. Whether it is one that decided.
bool names_who_decided(const ir::DirectionTable& table, const std::vector<ir::RuleRef>& own, const ir::SideVerdict& verdict, std::uint32_t rule);

}  // namespace netpolc::kernel_judge
