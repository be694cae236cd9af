// runtime-loader/address_lines.h — what people and JSON lines say of addresses, as AddressWords.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/node_addresses.h"

namespace netpolc::loader {

// As options of a command line are.
struct AddressText {
  std::string endpoint;
  std::vector<std::string> labels, ports, names, groups;
  bool external = false;
  std::optional<std::uint32_t> identity;
  bool empty() const { return endpoint.empty() && labels.empty() && ports.empty() && names.empty() && groups.empty() && !external && !identity; }
};

// Fails as input where it says nothing, or things that exclude each other.
Result<AddressWord> address_word(const std::string& address, const AddressText& said, bool add);

// JSON lines {"address": …} with "endpoint", "labels" (and "namedPorts"), "fqdn", "cidrGroups",
// "external" or "identity"; labels, names and groups are lists or one text. "remove": true takes the
// address (or the names) out, as every line does with `add` false. `name`: for messages.
Result<std::vector<AddressWord>> parse_address_lines(const std::string& text, const std::string& name, bool add);

}  // namespace netpolc::loader
