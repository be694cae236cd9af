#include "runtime-loader/identities.h"

#include <algorithm>
#include <charconv>

namespace netpolc::loader {
namespace {

constexpr std::uint32_t kLastReserved = 10;
constexpr std::uint32_t kLastCluster = 65535, kFirstCluster = 256, kExternal = 0x01000000, kNode = 0x02000000, kScope = 0x00ffffff;
constexpr const char* kNamespace = "io.kubernetes.pod.namespace";

bool has(const ir::LabelSet& labels, const std::string& source, const std::string& key) {
  return std::any_of(labels.begin(), labels.end(), [&](const ir::Label& l) { return l.source == source && l.key == key; });
}

bool is_pod(std::uint32_t identity) { return identity > kLastReserved && identity < kExternal; }

std::string listed(const ir::LabelSet& labels) {
  std::string out;
  for (const ir::Label& label : labels) out += (out.empty() ? "" : ",") + label.to_string();
  return out;
}

// Labels that Cilium adds to each pod, as far as all pods of the bundle have them (its label filter
// may take some away).
std::vector<std::string> common_keys(const Bundle& bundle) {
  std::vector<std::string> keys = {"io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name", "io.cilium.k8s.policy.cluster",
                                   "io.cilium.k8s.policy.serviceaccount", kNamespace};
  for (const auto& [id, texts] : bundle.identities) {
    if (!is_pod(id)) continue;
    const ir::LabelSet labels = parsed(texts);
    std::erase_if(keys, [&](const std::string& key) { return !has(labels, "k8s", key); });
  }
  return keys;
}

Done check_reserved(const Bundle& bundle, const IdentityKey& key) {
  static const std::set<std::string> known = {"host", "unmanaged", "health", "init", "remote-node", "kube-apiserver", "ingress"};
  for (const ir::Label& label : key.labels) {
    if (label.source != "reserved") continue;
    if (label.key.starts_with("world"))
      return bad_input("`" + label.to_string() + "`: addresses outside the cluster are added with --external, --fqdn or --cidr-group");
    if (!known.contains(label.key)) return bad_input("`" + label.to_string() + "` is no reserved label");
    const auto host = bundle.identities.find(1);
    if (label.key == "host" && (host == bundle.identities.end() || parsed(host->second) != key.labels))
      return bad_input("the own node is identity 1: give --identity 1");
  }
  return {};
}

}  // namespace

bool is_external(std::uint32_t identity) { return identity == 2 || identity == 9 || identity == 10 || identity >> 24 == 1; }

bool is_reserved(std::uint32_t identity) { return identity > 0 && identity <= kLastReserved; }

ir::LabelSet parsed(const std::vector<std::string>& texts) {
  ir::LabelSet out;
  for (const std::string& text : texts)
    if (auto label = parse_label(text)) out.push_back(std::move(*label));
  ir::normalise(out);
  return out;
}

std::optional<IdentityKey> key_of(const Bundle& bundle, const LearnedIdentities& learned, std::uint32_t identity) {
  if (const auto found = bundle.identities.find(identity); found != bundle.identities.end()) {
    const auto ports = bundle.named_ports.find(identity);
    return IdentityKey{parsed(found->second), ports == bundle.named_ports.end() ? std::vector<ir::NamedPort>() : ports->second};
  }
  const auto found = learned.find(identity);
  return found == learned.end() ? std::nullopt : std::optional(found->second);
}

Result<ir::Label> parse_label(const std::string& text) {
  const auto colon = text.find(':');
  const auto equals = text.find('=', colon == std::string::npos ? 0 : colon);
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size() || equals == colon + 1)
    return bad_input("`" + text + "` is no label: expected source:key or source:key=value, as in k8s:app=web");
  ir::Label label{text.substr(0, colon), text.substr(colon + 1, equals - colon - 1), ""};
  if (equals != std::string::npos) label.value = text.substr(equals + 1);
  if (label.source == "any") return bad_input("`" + text + "` is no label: `any` is a source of selectors only");
  if (text.find_first_of(" \t\n\"") != std::string::npos) return bad_input("`" + text + "` is no label: it has a space or a quotation mark");
  return label;
}

Result<ir::NamedPort> parse_named_port(const std::string& text) {
  const auto equals = text.find('='), slash = text.find('/');
  const auto complaint = [&] { return bad_input("`" + text + "` is no named port: expected NAME=NUMBER/TCP, UDP or SCTP"); };
  if (equals == std::string::npos || equals == 0 || slash == std::string::npos || slash < equals) return complaint();
  ir::NamedPort port{text.substr(0, equals), 0, ir::Protocol::Tcp};
  std::transform(port.name.begin(), port.name.end(), port.name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const char* end = text.data() + slash;
  const auto [stop, error] = std::from_chars(text.data() + equals + 1, end, port.port);
  const std::string protocol = text.substr(slash + 1);
  if (error != std::errc{} || stop != end || port.port == 0) return complaint();
  if (protocol == "UDP") port.protocol = ir::Protocol::Udp;
  else if (protocol == "SCTP") port.protocol = ir::Protocol::Sctp;
  else if (protocol != "TCP") return complaint();
  return port;
}

Result<IdentityKey> checked_key(const Bundle& bundle, IdentityKey key) {
  ir::normalise(key.labels);
  std::sort(key.ports.begin(), key.ports.end());
  key.ports.erase(std::unique(key.ports.begin(), key.ports.end()), key.ports.end());
  if (key.labels.empty()) return bad_input("no labels: give at least k8s:" + std::string(kNamespace) + "=NAMESPACE");
  bool pod = true;
  for (std::size_t i = 0; i < key.labels.size(); ++i) {
    const ir::Label& label = key.labels[i];
    if (label.source == "cidr" || label.source == "fqdn" || label.source == "cidrgroup")
      return bad_input("`" + label.to_string() + "` is a label of addresses outside the cluster: give --fqdn or --cidr-group");
    if (i > 0 && label.source == key.labels[i - 1].source && label.key == key.labels[i - 1].key)
      return bad_input("`" + label.to_string() + "`: the label has two values");
    pod &= label.source != "reserved";
  }
  if (const Done done = check_reserved(bundle, key); !done) return tl::make_unexpected(done.error());
  if (!pod) return key;
  std::string missing;
  for (const std::string& wanted : common_keys(bundle))
    if (!has(key.labels, "k8s", wanted)) missing += (missing.empty() ? "k8s:" : ", k8s:") + wanted;
  if (!missing.empty())
    return bad_input("labels `" + listed(key.labels) + "` lack " + missing + ", which every pod of this cluster has; give them as `netpolc identity list` shows them");
  return key;
}

// ---- numbers ---------------------------------------------------------------------------------------

IdentityNumbers::IdentityNumbers(const Bundle& bundle, const LearnedIdentities& learned) : bundle_(bundle) {
  static const std::vector<ir::NamedPort> none;
  for (const auto& [id, texts] : bundle.identities) {
    const auto ports = bundle.named_ports.find(id);
    const ir::LabelSet& labels = labels_.emplace(id, parsed(texts)).first->second;
    of_bundle_.emplace(labels, Known{id, ports == bundle.named_ports.end() ? &none : &ports->second});
  }
  for (const auto& [id, key] : learned) {
    if (labels_.contains(id)) continue;
    learned_.emplace(id, key);
    numbers_.emplace(key, id);
  }
}

std::uint32_t IdentityNumbers::number(const IdentityKey& key) {
  if (const auto found = of_bundle_.find(key.labels); found != of_bundle_.end()) {
    const auto& ports = *found->second.ports;
    if (std::includes(ports.begin(), ports.end(), key.ports.begin(), key.ports.end())) return found->second.id;
  }
  const auto [known, fresh] = numbers_.try_emplace(key, 0);
  if (!fresh && known->second != 0) return known->second;
  std::uint32_t id = kLastCluster, last = kFirstCluster;
  const bool world = std::any_of(key.labels.begin(), key.labels.end(),
                                 [](const ir::Label& l) { return l.source == "reserved" && l.key.starts_with("world"); });
  if (world || has(key.labels, "reserved", "remote-node")) {
    last = (world ? kExternal : kNode) + 1;
    id = (world ? kExternal : kNode) + kScope;
  }
  std::uint32_t& next = free_.try_emplace(last, id).first->second;
  while (next >= last && (learned_.contains(next) || labels_.contains(next))) --next;
  id = next;
  if (id < last) return 0;
  learned_.emplace(id, key);
  return known->second = id;
}

const ir::LabelSet& IdentityNumbers::labels(std::uint32_t identity) const {
  static const ir::LabelSet none;
  if (const auto found = labels_.find(identity); found != labels_.end()) return found->second;
  const auto found = learned_.find(identity);
  return found == learned_.end() ? none : found->second.labels;
}

// ---- bits ------------------------------------------------------------------------------------------

Done add_peers(Bundle& bundle, const std::set<std::size_t>& programs, const LearnedIdentities& identities) {
  if (identities.empty()) return {};
  for (const std::size_t index : programs)
    for (BundleDirection* direction : {&bundle.programs[index].ingress, &bundle.programs[index].egress}) {
      if (direction->selectors.empty())
        return bad_input("the bundle does not say who its peers are (`selectors`): compile it with this release, and load it");
      for (const auto& [id, key] : identities) {
        auto bits = bits_of(direction->selectors, direction->words, ir::ConditionSubject(key.labels, &key.ports));
        direction->peers.insert_or_assign(id, std::move(bits));
      }
    }
  return {};
}

bool prefixes_matter(const Bundle& bundle, const std::set<std::size_t>& programs, const AddressIdentities& addresses) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;  // who is at a prefix, and the world around it
  for (const auto& [prefix, identity] : addresses)
    if (!prefix.is_single()) pairs.emplace(identity, prefix.address.v6 ? bundle.world6 : bundle.world4);
  for (const std::size_t index : programs)
    for (const BundleDirection* direction : {&bundle.programs[index].ingress, &bundle.programs[index].egress}) {
      const auto asks = [](const ir::ConditionPtr& tree) { return ir::asks_for_addresses(*tree); };
      if (std::any_of(direction->selectors.begin(), direction->selectors.end(), asks)) continue;
      const auto bits = [&](std::uint32_t identity) {
        const auto found = direction->peers.find(identity);
        std::vector<std::uint64_t> out = found == direction->peers.end() ? std::vector<std::uint64_t>(direction->words) : found->second;
        if (!out.empty()) out[0] |= 1;
        return out;
      };
      for (const auto& [identity, world] : pairs)
        if (bits(identity) != bits(world)) return true;
    }
  return false;
}

}  // namespace netpolc::loader
