// ir/decide/selector_index.h — which identities a selector selects, answered from an inverted
// index: the cost follows the identities that have the labels asked for, not all of them.
// Semantics reference, section 2.3.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/base/ip.h"
#include "ir/decide/bits.h"
#include "ir/identity/identities.h"

namespace netpolc::ir {

class SelectorIndex {
 public:
  // `identities` must outlive the index.
  explicit SelectorIndex(const std::vector<Identity>& identities);
  std::size_t size() const { return size_; }
  Bits select(const Selector& selector) const;
  Bits with_label(const std::string& source, const std::string& key) const;
  // Identities with a cidr: label inside `prefix`.
  Bits inside(const IpPrefix& prefix) const;
  // Identities of endpoints that give the port this name (Cilium 1.20).
  Bits with_port(const NamedPort& port) const;
  // Every number that endpoints give the name, by identity (Cilium 1.20).
  const std::vector<NamedPort>& identity_ports() const { return ports_; }

 private:
  using Members = std::vector<std::uint32_t>;
  struct Key {
    std::string source;
    Members members;
    std::unordered_map<std::string, Members> values;
  };
  Bits holds(const Requirement& requirement) const;
  Bits cidr_holds(const Requirement& requirement) const;
  void mark(Bits& bits, const Members& members) const {
    for (std::uint32_t member : members) bits.set(member);
  }

  const std::vector<Identity>& identities_;
  std::size_t size_;
  std::unordered_map<std::string, std::vector<Key>> keys_;  // by key, one entry for each source
  std::vector<std::pair<IpPrefix, std::uint32_t>> cidrs_;   // sorted
  std::vector<NamedPort> ports_;                            // sorted, unique
};

}  // namespace netpolc::ir
