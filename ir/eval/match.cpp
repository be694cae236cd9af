#include "ir/eval/match.h"

#include <algorithm>

#include "ir/eval/fqdn.h"

namespace netpolc::ir::eval {
namespace {

// Keys of cidr: labels write ':' as '-' (section 2.1).
std::optional<IpPrefix> prefix_of_key(std::string key) {
  std::replace(key.begin(), key.end(), '-', ':');
  return IpPrefix::parse(key);
}

std::string key_of_prefix(const IpPrefix& prefix) {
  std::string text = prefix.to_string();
  if (!prefix.address.v6) return text;
  if (text.starts_with("::")) text.insert(0, "0");
  const auto slash = text.find('/');
  if (slash != std::string::npos && slash > 0 && text[slash - 1] == ':') text.insert(slash, "0");
  std::replace(text.begin(), text.end(), ':', '-');
  return text;
}

// `cidr:` requirements ask for containment, not for equality (section 2.3).
bool same_key(const Requirement& requirement, const Label& label) {
  if (requirement.key == label.key) return true;
  if (requirement.source != "cidr" || label.source != "cidr") return false;
  const auto outer = prefix_of_key(requirement.key), inner = prefix_of_key(label.key);
  return outer && inner && outer->contains(*inner);
}

bool within(const std::vector<IpPrefix>& prefixes, const IpAddress& address) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const IpPrefix& p) { return p.contains(address); });
}

// A prefix of length 0 is the world of its family, not a range of addresses (section 3.4).
bool zero_prefix_matches(const CidrPeer& cidr, const PeerView& peer, const Config& config) {
  const bool same_family = cidr.prefix.address.v6 == peer.facts.address->v6;
  if (peer.external && same_family) return true;
  if (config.version >= 20) return false;
  // QUIRKS before 1.20: where CIDRs match nodes, so does a zero prefix; and in a single-stack
  // cluster the other family's, in a set, is the lone world.
  const bool single_stack = config.ipv4 != config.ipv6;
  return peer.external ? single_stack && cidr.in_set : same_family;
}

// The world as such, without an address: all of its family, so only a zero prefix holds for it.
bool world_matches(const CidrPeer& cidr, const LabelSet& labels, const Config& config) {
  if (cidr.prefix.length != 0) return false;
  if (std::any_of(cidr.except.begin(), cidr.except.end(), [](const IpPrefix& except) { return except.length == 0; })) return false;
  const bool v6 = cidr.prefix.address.v6;
  for (const Label& label : labels) {
    if (label.source != "reserved") continue;
    if (label.key == "world-ipv4" && !v6) return true;
    if (label.key == "world-ipv6" && v6) return true;
    if (label.key == "world") return (v6 ? config.ipv6 : config.ipv4) || (cidr.in_set && config.version < 20);
  }
  return false;
}

bool cidr_matches(const CidrPeer& cidr, const PeerView& peer, const Config& config) {
  if (!peer.facts.address) return world_matches(cidr, peer.labels, config);
  const IpAddress& address = *peer.facts.address;
  const bool inside = cidr.prefix.length == 0 ? zero_prefix_matches(cidr, peer, config) : cidr.prefix.contains(address);
  return inside && !within(cidr.except, address);
}

struct MatcherVisitor {
  const PeerView& peer;
  const Config& config;
  const AddressLabels& address_labels;

  bool operator()(const Everyone&) const { return true; }
  bool operator()(const Selector& selector) const { return matches(selector, peer.labels); }
  bool operator()(const CidrPeer& cidr) const { return cidr_matches(cidr, peer, config); }
  bool operator()(const GroupByName& group) const {
    return peer.facts.address && within(group.prefixes, *peer.facts.address) &&
           !within(group.except, *peer.facts.address);
  }
  // QUIRK (section 3.5): without a positive requirement this selects pods and the host as well.
  bool operator()(const GroupBySelector& group) const {
    if (!peer.facts.address) return matches(group.selector, {});
    return matches(group.selector, address_labels.groups_of(*peer.facts.address)) &&
           !within(group.except, *peer.facts.address);
  }
  bool operator()(const AddressList& list) const {
    return peer.facts.address && std::binary_search(list.addresses.begin(), list.addresses.end(), *peer.facts.address);
  }
};

}  // namespace

bool matches(const Requirement& requirement, const LabelSet& labels) {
  bool exists = false, equal = false;
  for (const Label& label : labels) {
    if (requirement.source != "any" && requirement.source != label.source) continue;
    if (!same_key(requirement, label)) continue;
    exists = true;
    equal |= std::find(requirement.values.begin(), requirement.values.end(), label.value) != requirement.values.end();
  }
  switch (requirement.op) {
    case Operator::In: return equal;
    case Operator::NotIn: return !equal;
    case Operator::Exists: return exists;
    case Operator::DoesNotExist: return !exists;
  }
  return false;
}

bool matches(const Selector& selector, const LabelSet& labels) {
  return std::all_of(selector.requirements.begin(), selector.requirements.end(),
                     [&](const Requirement& r) { return matches(r, labels); });
}

bool has_label(const LabelSet& labels, std::string_view source, std::string_view key) {
  return std::any_of(labels.begin(), labels.end(), [&](const Label& l) { return l.source == source && l.key == key; });
}

bool has_key(const LabelSet& labels, std::string_view key) {
  return std::any_of(labels.begin(), labels.end(), [&](const Label& l) { return l.key == key; });
}

bool is_external(const PeerFacts& peer) {
  return has_label(peer.labels, "reserved", "world") || has_label(peer.labels, "reserved", "world-ipv4") ||
         has_label(peer.labels, "reserved", "world-ipv6");
}

bool matches(const Matcher& matcher, const PeerView& peer, const Config& config, const AddressLabels& address_labels) {
  if (peer.facts.unknown) return std::holds_alternative<Everyone>(matcher);
  return std::visit(MatcherVisitor{peer, config, address_labels}, matcher);
}

// ---- labels of addresses ---------------------------------------------------------------------
namespace {
void add_known_prefixes(const Peer& peer, std::vector<IpPrefix>& out) {
  if (const auto* cidr = std::get_if<CidrPeer>(&peer)) {
    out.push_back(cidr->prefix);
    out.insert(out.end(), cidr->except.begin(), cidr->except.end());
  } else if (const auto* group = std::get_if<CidrGroupPeer>(&peer)) {
    out.insert(out.end(), group->except.begin(), group->except.end());
  }
}
}  // namespace

AddressLabels::AddressLabels(const World& world, bool all_kinds) : world_(world) {
  if (!all_kinds) return;
  for (const Policy& policy : world.policies.policies) {
    for (const Rule& rule : policy.rules) {
      for (const Peer& peer : rule.peers) {
        add_known_prefixes(peer, known_);
        if (const auto* fqdn = std::get_if<FqdnPeer>(&peer)) {
          names_.emplace_back(fqdn->match_name.empty() ? fqdn->match_pattern : fqdn->match_name,
                              resolve(*fqdn, world.resolutions, world.cluster.config.version));
        }
      }
    }
  }
  for (const CidrGroup& group : world.cluster.cidr_groups) known_.insert(known_.end(), group.cidrs.begin(), group.cidrs.end());
}

// Longer prefixes inherit the labels of shorter ones. Before 1.20 a key has one value: that
// of the longest prefix, then of the group that sorts last (section 3.5).
LabelSet AddressLabels::groups_of(const IpAddress& address) const {
  std::vector<std::pair<int, const CidrGroup*>> found;
  for (const CidrGroup& group : world_.cluster.cidr_groups) {
    int longest = -1;
    for (const IpPrefix& prefix : group.cidrs) {
      if (prefix.contains(address)) longest = std::max(longest, int{prefix.length});
    }
    if (longest >= 0) found.emplace_back(longest, &group);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second->name > b.second->name;
  });
  const bool one_value = world_.cluster.config.version < 20;
  LabelSet out;
  for (const auto& [length, group] : found) {
    out.push_back({"cidrgroup", "io.cilium.policy.cidrgroupname/" + group->name, ""});
    for (const auto& [key, value] : group->labels) {
      if (!one_value || !has_key(out, key)) out.push_back({"cidrgroup", key, value});
    }
  }
  normalise(out);
  return out;
}

void AddressLabels::add_cidr_and_names(const PeerFacts& peer, LabelSet& out) const {
  const IpAddress& address = *peer.address;
  std::optional<IpPrefix> longest;
  if (!is_external(peer)) longest = IpPrefix::host(address);  // nodes carry their own address
  for (const IpPrefix& prefix : known_) {
    if (prefix.length == 0 || !prefix.contains(address)) continue;
    if (!longest || prefix.length > longest->length) longest = prefix;
  }
  if (longest) out.push_back({"cidr", key_of_prefix(*longest), ""});
  for (const auto& [name, addresses] : names_) {
    if (std::binary_search(addresses.begin(), addresses.end(), address)) out.push_back({"fqdn", name, ""});
  }
}

LabelSet AddressLabels::of(const PeerFacts& peer) const {
  LabelSet out = peer.labels;
  if (peer.address) {
    const LabelSet groups = groups_of(*peer.address);
    out.insert(out.end(), groups.begin(), groups.end());
    add_cidr_and_names(peer, out);
  }
  normalise(out);
  return out;
}

}  // namespace netpolc::ir::eval
