#include "verify/diff/names.h"

#include <algorithm>
#include <set>

namespace netpolc::verify::diffs {
namespace {

// Where nothing is that policies speak of, most probably. The first that none mentions is taken.
constexpr const char* kPlaces4[] = {"203.0.113.0/24", "198.51.100.0/24", "151.101.0.0/16", "52.95.0.0/16", "240.0.0.0/8"};
constexpr const char* kPlaces6[] = {"2001:db8:ffff::/48", "3fff::/20", "2a00:1450::/32"};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// What the pattern means, with `label` for each star.
std::string filled(const std::string& pattern, const std::string& label) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '*') out += pattern[i];
    else if (i == 0 || pattern[i - 1] != '*') out += label;
  }
  return out;
}

struct Mentioned {
  std::set<IpPrefix> prefixes;
  std::set<ir::FqdnPeer> names;

  void add(const std::vector<IpPrefix>& more) { prefixes.insert(more.begin(), more.end()); }
  void add(const ir::Peer& peer) {
    if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer)) {
      prefixes.insert(cidr->prefix);
      add(cidr->except);
    } else if (const auto* group = std::get_if<ir::CidrGroupPeer>(&peer)) {
      add(group->except);
    } else if (const auto* name = std::get_if<ir::FqdnPeer>(&peer)) {
      names.insert(*name);
    }
  }
  void add(const std::vector<IpAddress>& addresses) {
    for (const IpAddress& address : addresses) prefixes.insert(IpPrefix::host(address));
  }
  void add(const DiffWorld& world) {
    for (const auto& policy : world.policies.policies)
      for (const auto& rule : policy.rules)
        for (const auto& peer : rule.peers) add(peer);
    for (const auto& group : world.cluster.cidr_groups) add(group.cidrs);
    for (const auto& [name, addresses] : world.resolutions) add(addresses);
    for (const auto& service : world.cluster.services) add(service.endpoints);
    for (const auto& node : world.cluster.nodes) add(node.addresses);
    for (const auto& endpoint : world.cluster.endpoints)
      for (const auto& pod : endpoint.pods) add(pod.addresses);
    add(world.cluster.kube_apiservers);
  }

  bool spoken_of(const IpPrefix& place) const {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const IpPrefix& one) { return one.length > 0 && (one.contains(place) || place.contains(one)); });
  }
};

// Its addresses, one after the other, but those that somebody has.
class Place {
 public:
  Place(const Mentioned& mentioned, bool v6) : mentioned_(mentioned) {
    const auto choose = [&](const auto& places) {
      for (const char* text : places) {
        place_ = *IpPrefix::parse(text);
        if (!mentioned.spoken_of(place_)) return;
      }
    };
    v6 ? choose(kPlaces6) : choose(kPlaces4);
    next_ = place_.address;
  }
  IpAddress take() {
    do advance();
    while (mentioned_.prefixes.count(IpPrefix::host(next_)) != 0);
    return next_;
  }

 private:
  void advance() {
    for (int i = next_.bits() / 8 - 1; i >= 0; --i)
      if (++next_.bytes[static_cast<std::size_t>(i)] != 0) return;
  }
  const Mentioned& mentioned_;
  IpPrefix place_;
  IpAddress next_;
};

}  // namespace

StandIns stand_ins(const DiffWorld& before, const DiffWorld& after) {
  Mentioned mentioned;
  mentioned.add(before);
  mentioned.add(after);
  StandIns out;
  if (mentioned.names.empty()) return out;
  Place place(mentioned, !before.cluster.config.ipv4 || !after.cluster.config.ipv4);
  const auto add = [&](const std::string& name, const std::string& shown) {
    if (before.resolutions.count(name) != 0 || after.resolutions.count(name) != 0 || out.resolutions.count(name) != 0) return;
    const IpAddress address = place.take();
    out.resolutions[name] = {address};
    out.shown.emplace(address, "fqdn:" + shown);
  };
  for (const ir::FqdnPeer& peer : mentioned.names)
    if (!peer.match_name.empty()) add(lower(peer.match_name), lower(peer.match_name));
  for (const ir::FqdnPeer& peer : mentioned.names) {
    if (!peer.match_name.empty()) continue;
    const std::string pattern = lower(peer.match_pattern);
    add(filled(pattern, "any"), pattern);
    if (pattern.starts_with("**.")) add("any." + filled(pattern, "any"), pattern);
  }
  return out;
}

}  // namespace netpolc::verify::diffs
