#include "runtime-loader/plan.h"

#include <algorithm>
#include <set>


namespace netpolc::loader {
namespace {

Prefix host_prefix(const Address& address) { return {address, static_cast<std::uint8_t>(address.v6 ? 128 : 32)}; }

// The pod that a request speaks of, if that is certain.
const BundlePod* pod_of(const ResolvedRequest& resolved, const BundleEndpoint& endpoint) {
  const std::string name = resolved.request.endpoint.substr(endpoint.ns.size() + 1);
  for (const BundlePod& pod : endpoint.pods)
    if (pod.name == name) return &pod;
  // By the workload's name its only pod is meant; another name is that of a pod that came later.
  return endpoint.pods.size() == 1 && name == endpoint.name ? &endpoint.pods.front() : nullptr;
}

void replace_pod_addresses(const ResolvedRequest& resolved, const BundleEndpoint& endpoint, AddressIdentities& all) {
  const BundlePod* pod = pod_of(resolved, endpoint);
  if (pod == nullptr) return;
  for (const Address& former : pod->addresses) {
    const bool same_family = std::any_of(resolved.request.addresses.begin(), resolved.request.addresses.end(),
                                         [&](const Address& a) { return a.v6 == former.v6; });
    const auto found = all.find(host_prefix(former));
    if (same_family && found != all.end() && found->second == endpoint.identity) all.erase(found);
  }
}

// What was said of addresses in terms that the bundle has.
Done say(const Bundle& bundle, const std::map<Prefix, AddressOverride>& overrides, AddressIdentities& all) {
  for (const auto& [prefix, what] : overrides) {
    if (what.key || what.external) continue;
    if (what.identity) {
      all[prefix] = *what.identity;
    } else if (what.endpoint.empty()) {
      all.erase(prefix);
    } else {
      const auto endpoint = find_endpoint(bundle, what.endpoint);
      if (!endpoint) return tl::make_unexpected(endpoint.error());
      all[prefix] = bundle.endpoints[*endpoint].identity;
    }
  }
  return {};
}

// What was said by labels, names and groups: what is outside first, since nodes may be known by it.
Done say_labels(const Bundle& bundle, const std::map<Prefix, AddressOverride>& overrides, AddressPlan& plan) {
  std::map<Prefix, const ExternalFacts*> outside;
  std::map<Prefix, const IdentityKey*> inside;
  for (const auto& [prefix, what] : overrides) {
    if (what.key) inside.emplace(prefix, &*what.key);
    if (what.external) outside.emplace(prefix, &*what.external);
  }
  if (outside.empty() && inside.empty() && plan.learned.empty()) return {};
  IdentityNumbers numbers(bundle, plan.learned);
  if (const Done done = place_external(bundle, outside, numbers, plan.addresses); !done) return done;
  for (const auto& [prefix, key] : inside) {
    const std::uint32_t id = numbers.number(with_address_labels(bundle, *key, prefix, numbers, plan.addresses));
    if (id == 0) return refused(prefix.to_string() + ": no number is left for another label set; load the bundle again");
    plan.addresses[prefix] = id;
  }
  plan.learned = numbers.learned();
  return {};
}

std::uint32_t families_of(const ResolvedRequest& resolved, const BundleEndpoint& endpoint) {
  std::uint32_t families = 0;
  const auto add = [&](const std::vector<Address>& addresses) {
    for (const Address& address : addresses) families |= address.v6 ? NP_SOURCE_IPV6 : NP_SOURCE_IPV4;
  };
  add(resolved.request.addresses);
  if (const BundlePod* pod = pod_of(resolved, endpoint)) {
    add(pod->addresses);
  } else {
    for (const BundlePod& any : endpoint.pods) add(any.addresses);
  }
  return families;
}

std::string node_names(const Bundle& bundle) {
  std::string names;
  for (const BundleNode& node : bundle.nodes) names += (names.empty() ? "" : ", ") + node.name;
  return names.empty() ? "it has no nodes" : "its nodes are " + names;
}

}  // namespace

std::vector<ResolvedRequest> requests_of(const std::vector<Attachment>& attachments) {
  std::vector<ResolvedRequest> out;
  for (const Attachment& it : attachments) out.push_back({it, it.bundle_endpoint});
  return out;
}

std::set<std::size_t> programs_of(const Bundle& bundle, const std::vector<Attachment>& attachments) {
  std::set<std::size_t> out;
  for (const Attachment& it : attachments) out.insert(bundle.endpoints.at(it.bundle_endpoint).program);
  if (out.empty() && !bundle.programs.empty()) out.insert(0);
  return out;
}

LearnedIdentities AddressPlan::used() const {
  LearnedIdentities out;
  if (learned.empty()) return out;
  std::set<std::uint32_t> present;
  for (const auto& [prefix, identity] : addresses) present.insert(identity);
  for (const auto& [id, key] : learned)
    if (present.contains(id)) out.emplace(id, key);
  return out;
}

LearnedIdentities AddressPlan::peers() const {
  LearnedIdentities out = used();
  if (host) out.emplace(kHostIdentity, *host);
  return out;
}

Result<AddressPlan> addresses(const Bundle& bundle, const ThisNode& node, const std::vector<ResolvedRequest>& requests,
                              const std::map<Prefix, AddressOverride>& overrides, const LearnedIdentities& learned) {
  AddressIdentities all = bundle.addresses;
  for (const BundleNode& each : bundle.nodes)
    for (const Address& address : each.addresses) {
      if (each.name == node.name)
        all[host_prefix(address)] = kHostIdentity;
      else
        all.try_emplace(host_prefix(address), each.identity);
    }
  for (const Address& address : node.addresses) all.try_emplace(host_prefix(address), kHostIdentity);
  // All that goes before anything comes: one pod may have got the former address of another.
  for (const ResolvedRequest& resolved : requests)
    replace_pod_addresses(resolved, bundle.endpoints[resolved.endpoint], all);
  for (const ResolvedRequest& resolved : requests)
    for (const Address& address : resolved.request.addresses)
      all[host_prefix(address)] = bundle.endpoints[resolved.endpoint].identity;
  if (const Done done = say(bundle, overrides, all); !done) return tl::make_unexpected(done.error());
  AddressPlan out{std::move(all), learned};
  if (const Done done = say_labels(bundle, overrides, out); !done) return tl::make_unexpected(done.error());
  auto host = own_node(bundle, node.name, out.learned, out.addresses);
  if (!host) return tl::make_unexpected(host.error());
  out.host = std::move(*host);
  return out;
}

std::map<std::uint32_t, np_interface> interfaces(const Bundle& bundle, const std::vector<ResolvedRequest>& requests,
                                                 const std::vector<Attachment>& attachments) {
  std::map<std::uint32_t, np_interface> out;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const BundleEndpoint& endpoint = bundle.endpoints[requests[i].endpoint];
    if (endpoint.is_node) {
      out[0] = {kHostIdentity, attachments[i].audit ? NP_AUDIT : 0};
      continue;
    }
    const std::uint32_t audit = requests[i].request.audit ? NP_AUDIT : 0;
    const np_interface it{endpoint.identity, families_of(requests[i], endpoint) | audit};
    const auto [other, fresh] = out.emplace(static_cast<std::uint32_t>(attachments[i].ifindex), it);
    if (fresh) continue;
    other->second.flags &= other->second.identity == it.identity ? it.flags : it.flags & NP_AUDIT;
  }
  return out;
}

std::map<Prefix, AddressOverride> surviving(const std::map<Prefix, AddressOverride>& overrides, const Bundle& bundle,
                                            const std::string& former_digest) {
  if (bundle.digest == former_digest) return overrides;
  std::map<Prefix, AddressOverride> out;
  for (const auto& [prefix, what] : overrides) {
    const bool named = bundle.addresses.contains(prefix);
    if (what.external && (!named || !what.external->names.empty() || !what.external->groups.empty())) {
      out.emplace(prefix, what).first->second.external->outside &= !named;
      continue;
    }
    if (named) continue;
    if (!what.endpoint.empty() && !find_endpoint(bundle, what.endpoint)) continue;
    out.emplace(prefix, what);
  }
  return out;
}

std::map<Prefix, AddressOverride> in_words(std::map<Prefix, AddressOverride> overrides, const Bundle& former, const LearnedIdentities& learned) {
  for (auto it = overrides.begin(); it != overrides.end();) {
    AddressOverride& what = it->second;
    if (!what.identity || is_reserved(*what.identity)) {
      ++it;
      continue;
    }
    auto key = key_of(former, learned, *what.identity);
    if (!key) {
      it = overrides.erase(it);
      continue;
    }
    what = {};
    what.key = std::move(*key);
    ++it;
  }
  return overrides;
}

Result<std::string> choose_node(const Bundle& bundle, const std::string& asked, const std::string& host_name) {
  const auto known = [&](const std::string& name) {
    return std::any_of(bundle.nodes.begin(), bundle.nodes.end(),
                       [&](const BundleNode& node) { return node.name == name; });
  };
  if (!asked.empty() && !known(asked))
    return bad_input("node `" + asked + "` is not in the bundle: " + node_names(bundle));
  if (!asked.empty()) return asked;
  return known(host_name) ? host_name : std::string();
}

}  // namespace netpolc::loader
