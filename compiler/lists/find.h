// compiler/lists/find.h — what `identity get` and `endpoint get` are asked for: an endpoint reference, as everywhere, and of identities
// also a number alone, or a selector of their labels.
#pragma once
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "verify/directory.h"

namespace netpolc::compiler::lists {

using Found = tl::expected<std::vector<std::uint32_t>, std::string>;  // sorted, unique, never empty; or an error in words

// Numbers of identities: "257", "id:257", "k8s:app=cart", "shop/cart", "shop/[app=cart]", "world", "ip:192.0.2.10", …
Found find_identities(const std::string& asked, const ir::Identities& identities, const verify::Directory& directory);
// Whether it is a number, which no namespace belongs to, or a selector of labels: neither is an endpoint reference.
bool is_number(const std::string& asked);
bool is_selector(const std::string& asked);

// Endpoints of this cluster with policy of their own, as numbers in Cluster::endpoints: "shop/cart", "shop/[app=cart]", "id:257",
// "ip:10.0.1.7", "svc:shop/cart", …
Found find_endpoints(const std::string& asked, const verify::Directory& directory);

}  // namespace netpolc::compiler::lists
