// ir/eval/fqdn.h — which addresses a toFQDNs selector means, given what names resolve to
// (semantics reference 7.3). Matching is written out instead of translated to a regular
// expression: literals, runs of `*` that stop at a dot, and from 1.20 on a leading `**.`.
#pragma once
#include <string_view>
#include <vector>

#include "ir/cluster.h"

namespace netpolc::ir::eval {

// A pattern of nothing but stars, with or without a final dot.
bool is_every_name(std::string_view pattern);
// `name` may lack its final dot and have capitals.
bool name_matches(const FqdnPeer& peer, std::string_view name, CiliumVersion version);
std::vector<IpAddress> resolve(const FqdnPeer& peer, const Resolutions& resolutions, CiliumVersion version);  // sorted, unique

}  // namespace netpolc::ir::eval
