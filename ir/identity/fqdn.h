// ir/identity/fqdn.h — which names a toFQDNs selector means (semantics reference, section 7.3).
#pragma once
#include <string_view>

#include "ir/cluster.h"
#include "ir/policy.h"

namespace netpolc::ir {

// `name` in any case, with or without final dot.
bool fqdn_selects(const FqdnPeer& selector, std::string_view name, CiliumVersion version);
Label fqdn_label(const FqdnPeer& selector);

}  // namespace netpolc::ir
