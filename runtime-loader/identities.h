// runtime-loader/identities.h — identities that a node learns after the bundle was compiled: label
// sets, and addresses outside the cluster that belong to a group or were resolved from a name.
// Which bits hold for them is worked out from the bundle's selectors, so nothing is compiled.
//
// Numbers: a label set that the bundle has keeps the bundle's number. Others are numbered from the
// end of Cilium's ranges, away from what `netpolc compile` gives: 65535 downwards for pods,
// 0x01ffffff for what is outside, 0x02ffffff for nodes. Once given, a label set keeps its number.
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ir/cluster.h"
#include "ir/labels.h"
#include "runtime-loader/bundle.h"

namespace netpolc::loader {

// What makes an identity: labels, and from Cilium 1.20 on what its ports are called.
struct IdentityKey {
  ir::LabelSet labels;
  std::vector<ir::NamedPort> ports;  // sorted, unique
  auto operator<=>(const IdentityKey&) const = default;
};
using LearnedIdentities = std::map<std::uint32_t, IdentityKey>;

// An address outside the cluster. Nothing set: that it is outside is all that is known.
struct ExternalFacts {
  std::set<std::string> names;  // that resolve to it
  ir::LabelSet groups;          // cidrgroup: labels
  bool outside = false;         // whatever the bundle says of it; else pods and nodes go first
  bool operator==(const ExternalFacts&) const = default;
};

// "k8s:app=web"; fails as input where there is no source or key.
Result<ir::Label> parse_label(const std::string& text);
// Without what is no label; sorted.
ir::LabelSet parsed(const std::vector<std::string>& texts);
// "http=8080/TCP"
Result<ir::NamedPort> parse_named_port(const std::string& text);
// Sorts, and fails as input where it can't be the label set of a pod or node: what all pods of the
// bundle have is missing, or it has labels that only addresses outside the cluster have.
Result<IdentityKey> checked_key(const Bundle& bundle, IdentityKey key);

bool is_external(std::uint32_t identity);
bool is_reserved(std::uint32_t identity);  // its number is the same in all bundles

// What makes this identity; nothing: neither the bundle nor `learned` has it.
std::optional<IdentityKey> key_of(const Bundle& bundle, const LearnedIdentities& learned, std::uint32_t identity);

class IdentityNumbers {
 public:
  // `learned`: the numbers that were given before. Those that the bundle uses otherwise are given anew.
  IdentityNumbers(const Bundle& bundle, const LearnedIdentities& learned);
  // 0: the range is used up.
  std::uint32_t number(const IdentityKey& key);
  const ir::LabelSet& labels(std::uint32_t identity) const;
  const LearnedIdentities& learned() const { return learned_; }

 private:
  struct Known {
    std::uint32_t id = 0;
    const std::vector<ir::NamedPort>* ports = nullptr;
  };
  const Bundle& bundle_;
  std::map<std::uint32_t, ir::LabelSet> labels_;  // of the bundle's
  std::map<ir::LabelSet, Known> of_bundle_;
  LearnedIdentities learned_;
  std::map<IdentityKey, std::uint32_t> numbers_;
  std::map<std::uint32_t, std::uint32_t> free_;  // by first number of a range: where to look on
};

// Gives addresses outside the cluster the identities of what is known about them, their own and what
// they inherit from the prefixes around them (semantics reference, sections 3.4, 3.5, 7.4).
Done place_external(const Bundle& bundle, const std::map<Prefix, const ExternalFacts*>& said, IdentityNumbers& numbers,
                    AddressIdentities& addresses);

// What a node's own address adds to its labels where policies may name nodes by prefix
// (policy-cidr-match-mode: nodes).
IdentityKey with_address_labels(const Bundle& bundle, IdentityKey key, const Prefix& prefix, const IdentityNumbers& numbers,
                                const AddressIdentities& addresses);

// What identity 1 is on the node of this name, which has the addresses that are identity 1 in the table: its labels as the bundle
// has them for that node, reserved:kube-apiserver among them where it serves the API (section 3.6). Where policies may name nodes by
// prefix, also the labels of all its addresses, as Cilium knows its own node as one identity whichever address is meant (section
// 3.4): of each single address its cidr: label and those of the prefixes around it. Nothing: it is what the bundle says of identity
// 1. Fails as input where the bundle does not say that.
Result<std::optional<IdentityKey>> own_node(const Bundle& bundle, const std::string& name, const LearnedIdentities& learned, const AddressIdentities& addresses);

// Adds the identities' bits to the peers of these programs. Fails as input if the bundle lacks selectors.
Done add_peers(Bundle& bundle, const std::set<std::size_t>& programs, const LearnedIdentities& identities);

// Is there a prefix that is not like the world to a program which asks for no prefixes? Then all
// must ask for them (NP_CONFIG_PREFIXES). Peers are complete.
bool prefixes_matter(const Bundle& bundle, const std::set<std::size_t>& programs, const AddressIdentities& addresses);

}  // namespace netpolc::loader
