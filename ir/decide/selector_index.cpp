#include "ir/decide/selector_index.h"

#include "ir/identity/cidr_label.h"

namespace netpolc::ir {

SelectorIndex::SelectorIndex(const std::vector<Identity>& identities) : identities_(identities), size_(identities.size()) {
  for (std::uint32_t i = 0; i < size_; ++i) {
    const Identity& identity = identities[i];
    for (const Label& label : identity.labels) {
      if (label.source == cidr_source)
        if (const auto prefix = parse_cidr_key(label.key)) cidrs_.push_back({*prefix, i});
      auto& keys = keys_[label.key];
      auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.source == label.source; });
      if (key == keys.end()) key = keys.insert(keys.end(), Key{label.source, {}, {}});
      key->members.push_back(i);
      key->values[label.value].push_back(i);
    }
    ports_.insert(ports_.end(), identity.named_ports.begin(), identity.named_ports.end());
  }
  std::sort(cidrs_.begin(), cidrs_.end());
  std::sort(ports_.begin(), ports_.end());
  ports_.erase(std::unique(ports_.begin(), ports_.end()), ports_.end());
}

Bits SelectorIndex::select(const Selector& selector) const {
  Bits bits(size_, true);
  for (const Requirement& requirement : selector.requirements) bits &= holds(requirement);
  return bits;
}

Bits SelectorIndex::with_label(const std::string& source, const std::string& key) const {
  return holds({source, key, Operator::Exists, {}});
}

Bits SelectorIndex::inside(const IpPrefix& prefix) const {
  // Prefixes inside this one are sorted behind it without a gap, after possible shorter ones
  // that begin at the same address.
  Bits bits(size_);
  auto at = std::lower_bound(cidrs_.begin(), cidrs_.end(), std::pair{prefix, std::uint32_t{0}});
  for (; at != cidrs_.end() && prefix.contains(at->first); ++at) bits.set(at->second);
  return bits;
}

Bits SelectorIndex::with_port(const NamedPort& port) const {
  Bits bits(size_);
  for (std::size_t i = 0; i < size_; ++i) {
    const auto& ports = identities_[i].named_ports;
    // A name with two numbers in one identity is skipped (section 5.9).
    const bool one = std::count_if(ports.begin(), ports.end(), [&](const NamedPort& p) {
                       return p.name == port.name && p.protocol == port.protocol;
                     }) == 1;
    if (one && std::find(ports.begin(), ports.end(), port) != ports.end()) bits.set(i);
  }
  return bits;
}

Bits SelectorIndex::holds(const Requirement& requirement) const {
  if (requirement.source == cidr_source) return cidr_holds(requirement);
  Bits bits(size_);
  const bool by_value = requirement.op == Operator::In || requirement.op == Operator::NotIn;
  if (const auto keys = keys_.find(requirement.key); keys != keys_.end()) {
    for (const Key& key : keys->second) {
      if (requirement.source != "any" && requirement.source != key.source) continue;
      if (!by_value) mark(bits, key.members);
      if (by_value)
        for (const std::string& value : requirement.values)
          if (const auto members = key.values.find(value); members != key.values.end()) mark(bits, members->second);
    }
  }
  if (requirement.op == Operator::NotIn || requirement.op == Operator::DoesNotExist) bits.flip();
  return bits;
}

// cidr: requirements are by containment; their labels have no value.
Bits SelectorIndex::cidr_holds(const Requirement& requirement) const {
  const auto prefix = parse_cidr_key(requirement.key);
  Bits bits = prefix ? inside(*prefix) : Bits(size_);
  const bool by_value = requirement.op == Operator::In || requirement.op == Operator::NotIn;
  const auto& values = requirement.values;
  if (by_value && std::find(values.begin(), values.end(), "") == values.end()) bits = Bits(size_);
  if (requirement.op == Operator::NotIn || requirement.op == Operator::DoesNotExist) bits.flip();
  return bits;
}

}  // namespace netpolc::ir
