// runtime-loader/node_addresses.h — telling a running installation about addresses: a pod that
// was restarted with a new one, or came up on another node. No program is touched.
#pragma once
#include <optional>
#include <string>

#include "runtime-loader/address.h"
#include "runtime-loader/maps.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

struct Where {
  std::string root, state;
};

struct AddressChange {
  Prefix prefix;
  std::optional<std::uint32_t> former, now;  // identities; nothing: not in the table
};

// `endpoint` "namespace/name" of the loaded bundle, or `identity`.
Result<AddressChange> add_address(const Where& where, const Prefix& prefix, const std::string& endpoint,
                                  std::optional<std::uint32_t> identity);
Result<AddressChange> remove_address(const Where& where, const Prefix& prefix);
Result<AddressIdentities> list_addresses(const Where& where);

}  // namespace netpolc::loader
