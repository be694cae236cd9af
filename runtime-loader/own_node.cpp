// The own node as policies see it: more than identity 1 is on all nodes.
#include <algorithm>

#include "runtime-loader/identities.h"

namespace netpolc::loader {
namespace {

bool comes_from_address(const ir::Label& label) { return label.source == "cidr" || label.source == "fqdn" || label.source == "cidrgroup"; }

bool has_key(const ir::LabelSet& labels, const ir::Label& like) {
  return std::any_of(labels.begin(), labels.end(), [&](const ir::Label& l) { return l.source == like.source && l.key == like.key; });
}

// As the bundle says, and as the prefixes around it say by now: before 1.20 a group's key has the bundle's value, which is the narrower.
ir::LabelSet labels_of_address(const Bundle& bundle, const Prefix& own, const IdentityNumbers& numbers, const AddressIdentities& addresses) {
  ir::LabelSet out;
  if (const auto known = bundle.addresses.find(own); known != bundle.addresses.end()) out = numbers.labels(known->second);
  std::erase_if(out, [](const ir::Label& label) { return !comes_from_address(label); });
  const ir::LabelSet said = out;
  for (const ir::Label& label : with_address_labels(bundle, {{{"reserved", "remote-node", ""}}, {}}, own, numbers, addresses).labels) {
    const bool collides = bundle.cilium_version < 20 && label.source == "cidrgroup" && has_key(said, label);
    if (comes_from_address(label) && !collides) out.push_back(label);
  }
  return out;
}

}  // namespace

Result<std::optional<IdentityKey>> own_node(const Bundle& bundle, const std::string& name, const LearnedIdentities& learned, const AddressIdentities& addresses) {
  const auto node = std::find_if(bundle.nodes.begin(), bundle.nodes.end(), [&](const BundleNode& one) { return one.name == name; });
  const bool of_its_own = node != bundle.nodes.end() && node->host;
  if (!bundle.cidr_matches_nodes && !of_its_own) return std::nullopt;
  auto key = key_of(bundle, {}, kHostIdentity);
  if (!key) return bad_input("the bundle does not say what identity 1 is, the own node; compile it with this release, and load it");
  if (of_its_own) key->labels = parsed(*node->host);
  if (!bundle.cidr_matches_nodes) return std::optional(std::move(*key));
  const IdentityNumbers numbers(bundle, learned);
  for (const auto& [prefix, identity] : addresses) {
    if (identity != kHostIdentity || !prefix.is_single()) continue;
    const ir::LabelSet own = labels_of_address(bundle, prefix, numbers, addresses);
    key->labels.insert(key->labels.end(), own.begin(), own.end());
  }
  ir::normalise(key->labels);
  return std::optional(std::move(*key));
}

}  // namespace netpolc::loader
