// runtime-loader/node_addresses.h — telling a running installation about addresses: pods and nodes
// that come and go, prefixes outside the cluster, names that were resolved. By map updates alone: no
// program is touched, whatever labels the newcomers have.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime-loader/running.h"

namespace netpolc::loader {

// One thing that is said of one address or prefix.
struct AddressWord {
  Prefix prefix;
  // `address add`: of what is outside, names and groups add to what was said before; all else
  // replaces it. Nothing: `address remove`.
  std::optional<AddressOverride> add;
  std::set<std::string> names;  // remove: these alone; none: all that was said
};

struct AddressChange {
  Prefix prefix;
  std::optional<std::uint32_t> former, now;  // identities; nothing: not in the table
};
struct AddressReport {
  std::vector<AddressChange> changes;  // one a prefix that was spoken of, in order of prefixes
  std::vector<std::string> notes;      // what was said without effect, for people
};

// All of it or nothing.
Result<AddressReport> change_addresses(const Where& where, const std::vector<AddressWord>& words);

// Lies beside the state while tables are written. Found there by somebody else, whoever wrote was
// killed: then the kernel alone knows what is in the tables.
std::string address_mark(const Installation& site);

struct KnownIdentity {
  std::vector<std::string> labels;
  bool learned = false;        // at run time
  std::size_t addresses = 0;   // that have it
};
struct KnownPeers {
  AddressIdentities addresses;  // the table that the programs use
  std::map<std::uint32_t, KnownIdentity> identities;
};
Result<KnownPeers> known_peers(const Where& where);

}  // namespace netpolc::loader
