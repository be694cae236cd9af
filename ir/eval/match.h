// ir/eval/match.h — which labels and peers a selector means, plainly (semantics reference
// 2.3, 3.2 to 3.5). Peers are resolved once per subject and matched per judgement.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "ir/eval/eval.h"

namespace netpolc::ir::eval {

bool matches(const Requirement& requirement, const LabelSet& labels);
bool matches(const Selector& selector, const LabelSet& labels);

bool has_label(const LabelSet& labels, std::string_view source, std::string_view key);
bool has_key(const LabelSet& labels, std::string_view key);  // of any source
bool is_external(const PeerFacts& peer);

// ---- peers after resolution ------------------------------------------------------------------
struct Everyone {};  // also peers without an identity
struct AddressList {  // what toFQDNs resolve to; sorted
  std::vector<IpAddress> addresses;
  FqdnPeer names;
};
struct GroupByName {
  std::vector<IpPrefix> prefixes;
  std::vector<IpPrefix> except;
};
struct GroupBySelector {
  Selector selector;
  std::vector<IpPrefix> except;
};
using Matcher = std::variant<Everyone, Selector, CidrPeer, GroupByName, GroupBySelector, AddressList>;

struct ResolvedPeer {
  Matcher matcher;
  // Equal for peers that share a selector: where rules of one filter are merged (section 5.6).
  std::string key;
  // Of from/toEndpoints (or a service's pods): from/toRequires narrow it (section 2.5).
  bool endpoints = false;
};

// The labels that an address adds to a peer (cidrgroup:, fqdn:, cidr:; sections 2.1, 3.4, 3.5).
class AddressLabels {
 public:
  AddressLabels(const World& world, bool all_kinds);
  LabelSet of(const PeerFacts& peer) const;
  LabelSet groups_of(const IpAddress& address) const;

 private:
  void add_cidr_and_names(const PeerFacts& peer, LabelSet& out) const;
  const World world_;
  std::vector<IpPrefix> known_;  // every prefix that a policy names
  std::vector<std::pair<std::string, std::vector<IpAddress>>> names_;  // fqdn: labels
};

// A peer as selectors see it.
struct PeerView {
  const PeerFacts& facts;
  const LabelSet& labels;  // with the address's labels where a selector could ask for them
  bool external = false;
};

bool matches(const Matcher& matcher, const PeerView& peer, const Config& config, const AddressLabels& address_labels);

}  // namespace netpolc::ir::eval
