// The grammar of endpoint references; one function per form.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

#include "ir/base/near_names.h"
#include "verify/directory.h"
#include "verify/entities.h"
#include "verify/local_redirects.h"
#include "verify/prefix_classes.h"
#include "verify/unresolved.h"

namespace netpolc::verify {
namespace {

tl::unexpected<RefError> refuse(std::string message) { return tl::unexpected(RefError{std::move(message), false}); }

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

bool has_label(const ir::Endpoint& endpoint, std::string_view key, std::string_view value) {
  const auto matches = [&](const ir::Label& label) {
    const bool key_fits = label.key == key || (key.size() == label.source.size() + 1 + label.key.size() &&
                                               key == label.source + ":" + label.key);
    return key_fits && label.value == value;
  };
  return std::any_of(endpoint.labels.begin(), endpoint.labels.end(), matches) ||
         std::any_of(endpoint.filtered_out.begin(), endpoint.filtered_out.end(), matches);
}

End reserved(std::string name, std::vector<std::string> labels) {
  End end{.kind = EndKind::Reserved, .name = std::move(name)};
  for (auto& label : labels) end.labels.push_back({"reserved", std::move(label), ""});
  ir::normalise(end.labels);
  return end;
}

// kubectl's short names of the kinds of workloads.
constexpr std::pair<std::string_view, std::string_view> kShortKinds[] = {{"po", "pod"}, {"deploy", "deployment"}, {"sts", "statefulset"}, {"ds", "daemonset"}, {"rs", "replicaset"}, {"rc", "replicationcontroller"}, {"cj", "cronjob"}};

std::string kind_of(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto& [brief, kind] : kShortKinds)
    if (out == brief) return std::string(kind);
  return !out.empty() && out.back() == 's' ? out.substr(0, out.size() - 1) : out;  // "deployments"
}

// ---- what was perhaps meant -------------------------------------------------------------------------

std::vector<std::string> workload_names(const ir::Cluster& cluster) {
  std::vector<std::string> out;
  for (const ir::Endpoint& endpoint : cluster.endpoints) out.push_back(endpoint.ns + "/" + endpoint.name);
  return out;
}

// "; there is no namespace `shpo`; did you mean `shop`?"; "" where there is one.
std::string unknown_namespace(std::string_view ns, const ir::Cluster& cluster) {
  std::set<std::string> known;
  for (const ir::Namespace& one : cluster.namespaces) known.insert(one.name);
  for (const ir::Endpoint& endpoint : cluster.endpoints) known.insert(endpoint.ns);
  for (const ir::Service& service : cluster.services) known.insert(service.ns);
  if (known.contains(std::string(ns))) return "";
  return "; there is no namespace `" + std::string(ns) + "`" + did_you_mean(ns, {known.begin(), known.end()});
}

// A word alone that is no entity, or what stands before a colon.
std::string near_form(std::string_view reference, const ir::Cluster& cluster) {
  if (const auto colon = reference.find(':'); colon != std::string_view::npos)
    return did_you_mean(reference.substr(0, colon), {"id", "entity", "ip", "cidr", "fqdn", "svc", "world"});
  std::vector<std::string> words(kEntities.begin(), kEntities.end());
  words.emplace_back("any");
  std::string meant = did_you_mean(reference, words);
  return meant.empty() ? did_you_mean(reference, workload_names(cluster)) : meant;
}

using LabelTexts = std::vector<std::pair<std::string_view, std::string_view>>;

// Keys that nobody in the namespace has, then values.
std::string near_labels(std::string_view ns, const LabelTexts& wanted, const ir::Cluster& cluster) {
  if (std::string none = unknown_namespace(ns, cluster); !none.empty()) return none;
  std::string meant;
  for (const auto& one : wanted) {
    const std::string_view key = one.first, value = one.second;
    std::set<std::string> keys, values;
    const auto add = [&](const ir::Label& label) {
      const std::string name = key.find(':') == std::string_view::npos ? label.key : label.source + ":" + label.key;
      keys.insert(name);
      if (name == key) values.insert(label.value);
    };
    for (const ir::Endpoint& endpoint : cluster.endpoints) {
      if (endpoint.ns != ns) continue;
      std::for_each(endpoint.labels.begin(), endpoint.labels.end(), add);
      std::for_each(endpoint.filtered_out.begin(), endpoint.filtered_out.end(), add);
    }
    if (values.empty())
      if (std::string better = did_you_mean(key, {keys.begin(), keys.end()}); !better.empty()) return better;
    if (meant.empty() && !values.contains(std::string(value))) meant = did_you_mean(value, {values.begin(), values.end()});
  }
  return meant;
}

}  // namespace

bool Directory::depends_on_flow(std::string_view reference) const {
  return reference.starts_with("svc:") || ((reference.starts_with("ip:") || reference.starts_with("world:")) && (!cluster_ips_.empty() || !cluster_.redirects.empty()));
}

Resolved Directory::resolve(std::string_view reference, const std::optional<ir::Flow>& flow) const {
  std::string_view rest = reference;
  if (rest == "any") return everyone();
  if (take(rest, "id:")) return by_identity(rest);
  if (take(rest, "entity:")) return by_entity(rest);
  if (take(rest, "ip:")) return by_address(rest, flow);
  if (take(rest, "cidr:")) return by_prefix(rest);
  if (take(rest, "fqdn:")) return by_fqdn(rest);
  if (take(rest, "svc:")) return by_service(rest, flow);
  if (is_entity(rest)) return by_entity(rest);
  if (take(rest, "world:")) {
    Resolved found = by_address(rest, flow);
    if (found && std::any_of(found->begin(), found->end(), [](const End& end) { return end.kind != EndKind::Address; }))
      return refuse("`" + std::string(reference) + "` is in the cluster: ask about `ip:" + std::string(rest) + "`");
    return found;
  }
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == rest.size())
    return refuse("`" + std::string(reference) +
                  "` is no endpoint reference: expected ns/name, ns/kind/name, ns/[k=v], id:N, entity:NAME, ip:ADDRESS, "
                  "cidr:PREFIX, fqdn:NAME, svc:ns/name[:port] or any" + near_form(reference, cluster_));
  if (rest[slash + 1] == '[' && rest.back() != ']') return refuse("`" + std::string(reference) + "` has no closing `]`");
  if (rest[slash + 1] == '[')
    return by_labels(rest.substr(0, slash), rest.substr(slash + 2, rest.size() - slash - 3));
  return by_name(rest);
}

// "ns/name", or "ns/kind/name". A pod's own name says which replica is meant; a workload's name means all of them, and goes first
// where no kind is said.
Resolved Directory::by_name(std::string_view reference) const {
  const std::size_t first = reference.find('/'), second = reference.find('/', first + 1);
  const std::string kind = second == std::string_view::npos ? "" : kind_of(reference.substr(first + 1, second - first - 1));
  const std::string key = kind.empty() ? std::string(reference) : std::string(reference.substr(0, first)) + std::string(reference.substr(second));
  const auto pod = [&]() -> std::optional<Resolved> {
    const auto found = pods().by_name.find(key);
    return found == pods().by_name.end() ? std::nullopt : std::optional<Resolved>(Ends{endpoint_end(found->second.endpoint, found->second.pod)});
  };
  if (kind == "pod")
    if (auto found = pod()) return *found;
  Ends ends;
  const auto workload = workloads_.find(key);
  if (workload != workloads_.end())
    for (auto endpoint : workload->second) {
      const ir::Endpoint& one = cluster_.endpoints[endpoint];
      if (!kind.empty() && kind_of(one.kind) != kind) continue;
      if (!one.host_network || one.pods.empty())
        ends.push_back(endpoint_end(endpoint, std::nullopt));
      else
        for (std::uint32_t p = 0; p < one.pods.size(); ++p) ends.push_back(endpoint_end(endpoint, p));
    }
  if (!ends.empty()) return ends;
  if (kind.empty())
    if (auto found = pod()) return *found;
  if (workload != workloads_.end()) return refuse("`" + std::string(reference) + "`: what has this name is of another kind");
  return refuse("no " + (kind.empty() ? "pod or workload" : kind) + " `" + key + "`" + near_miss(key));
}

std::string Directory::near_miss(std::string_view name) const {
  std::string meant = name.find(':') == std::string_view::npos ? "" : near_form(name, cluster_);  // no name has a colon
  if (meant.empty()) meant = did_you_mean(name, workload_names(cluster_));
  return meant.empty() ? unknown_namespace(name.substr(0, name.find('/')), cluster_) : meant;
}

Resolved Directory::by_labels(std::string_view ns, std::string_view selector) const {
  LabelTexts wanted;
  for (std::string_view rest = selector; !rest.empty();) {
    const auto comma = rest.find(',');
    const auto part = rest.substr(0, comma);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return refuse("`" + std::string(part) + "` is no label: expected key=value");
    wanted.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  Ends ends;
  for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e) {
    const auto& endpoint = cluster_.endpoints[e];
    if (endpoint.ns != ns) continue;
    if (std::all_of(wanted.begin(), wanted.end(), [&](const auto& w) { return has_label(endpoint, w.first, w.second); }))
      ends.push_back(endpoint_end(e, std::nullopt));
  }
  if (ends.empty()) return refuse("no endpoint in namespace `" + std::string(ns) + "` has the labels [" + std::string(selector) + "]" + near_labels(ns, wanted, cluster_));
  return ends;
}

Resolved Directory::by_identity(std::string_view text) const {
  const auto id = number<std::uint32_t>(text);
  if (!id) return refuse("`" + std::string(text) + "` is no identity number");
  const std::string name = "id:" + std::string(text);
  if (*id == 1) return Ends{{.kind = EndKind::Host, .name = name}};
  Ends ends;
  for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e)
    if (!cluster_.endpoints[e].host_network && identities().of_endpoint(e) == *id) ends.push_back(endpoint_end(e, std::nullopt));
  if (!ends.empty()) return ends;
  for (const auto& entry : identities().addresses())
    if (entry.identity == *id) ends.push_back(address_end(entry.prefix.address));
  if (!ends.empty()) return ends;
  if (const auto* known = identities().find(*id)) return Ends{{.kind = EndKind::Reserved, .name = name, .labels = known->labels}};
  return refuse("no identity " + std::string(text));
}

Ends Directory::world() const {
  // Dual stack has two world identities, single stack one (section 3.3).
  const auto& config = cluster_.config;
  if (!config.ipv4 || !config.ipv6) return {reserved("entity:world", {"world"})};
  return {reserved("entity:world", {"world-ipv4"}), reserved("entity:world", {"world-ipv6"})};
}

Resolved Directory::by_entity(std::string_view name) const {
  const std::string shown = "entity:" + std::string(name);
  if (name == "host") return Ends{{.kind = EndKind::Host, .name = shown}};
  if (name == "world") return world();
  if (name == "kube-apiserver") return Ends{reserved(shown, {"kube-apiserver", "remote-node"})};
  if (is_entity(name)) return Ends{reserved(shown, {std::string(name)})};
  return refuse("unknown entity `" + std::string(name) +
                "`: expected host, remote-node, world, kube-apiserver, health, ingress, init or unmanaged" + did_you_mean(name, {kEntities.begin(), kEntities.end()}));
}

Resolved Directory::by_address(std::string_view text, const std::optional<ir::Flow>& flow) const {
  const auto address = IpAddress::parse(text);
  if (!address) return refuse("`" + std::string(text) + "` is no IP address");
  // A service's address never is a peer: it is translated before policy (section 8).
  // What no port of it serves is not, and is then outside like any unknown address.
  if (const auto undecided = redirected(cluster_.redirects, *address, flow)) return tl::unexpected(*undecided);
  End end = address_end(*address);
  if (auto found = cluster_ips_.find(*address); found != cluster_ips_.end()) {
    const auto& service = cluster_.services[found->second];
    auto ends = translated(service, "", flow);
    if (ends || ends.error().undecided) return ends;
    end.via = "service " + service.ns + "/" + service.name + " has no such port: not translated, an address outside";
  }
  return Ends{std::move(end)};
}

Resolved Directory::by_prefix(std::string_view text) const {
  const auto prefix = IpPrefix::parse(text);
  if (!prefix) return refuse("`" + std::string(text) + "` is no prefix: expected ADDRESS/LENGTH");
  Ends ends;
  std::set<std::tuple<EndKind, std::uint32_t, std::uint32_t>> seen;  // pods and nodes with several addresses
  for (const auto& address : representatives(*prefix, interesting_prefixes())) {
    End end = address_end(address);
    if (end.kind != EndKind::Address && !seen.emplace(end.kind, end.index, end.pod.value_or(0)).second) continue;
    if (end.kind == EndKind::Address) end.via = "for all of " + prefix->to_string() + " that policies treat alike";
    ends.push_back(std::move(end));
  }
  return ends;
}

Ends Directory::outside(const std::vector<IpPrefix>& cuts) const {
  std::vector<IpPrefix> all = interesting_prefixes();
  all.insert(all.end(), cuts.begin(), cuts.end());
  Ends ends;
  for (const char* family : {"0.0.0.0/0", "::/0"}) {
    const IpPrefix whole = *IpPrefix::parse(family);
    if (!(whole.address.v6 ? cluster_.config.ipv6 : cluster_.config.ipv4)) continue;
    for (const auto& address : representatives(whole, all))
      if (End end = address_end(address); end.kind == EndKind::Address) ends.push_back(std::move(end));
  }
  return ends;
}

Resolved Directory::by_fqdn(std::string_view text) const {
  const std::string name = dns_key(text);
  if (name.empty()) return refuse("`fqdn:` needs a name, such as fqdn:api.example.com");
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") != std::string::npos)
    return refuse("`fqdn:" + std::string(text) + "` is no name" + (name.find('*') == std::string::npos ? "" : " but a pattern of many") + ": expected one, such as fqdn:api.example.com");
  const auto found = resolutions_.find(name);
  if (found == resolutions_.end() || found->second.empty())
    return tl::unexpected(RefError{"no address is known for `" + name + "`: say what it resolves to with --resolutions", true});
  Ends ends;
  for (const auto& address : found->second) {
    ends.push_back(address_end(address));
    ends.back().via = name + " → " + address.to_string();
    if (ends.back().kind == EndKind::Address) ends.back().name = "fqdn:" + name;
  }
  return ends;
}

Ends Directory::everyone() const {
  Ends ends;
  for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e)
    if (!cluster_.endpoints[e].host_network) ends.push_back(endpoint_end(e, std::nullopt));
  ends.push_back({.kind = EndKind::Host, .name = "entity:host"});
  ends.push_back(reserved("entity:remote-node", {"remote-node"}));
  for (auto& end : world()) ends.push_back(std::move(end));
  return ends;
}

// Every prefix at which an address can change its meaning: prefixes of policies and groups,
// learned names, API servers, pods, nodes.
std::vector<IpPrefix> Directory::interesting_prefixes() const {
  std::vector<IpPrefix> out;
  for (const auto& policy : policies_.policies)
    for (const auto& rule : policy.rules)
      for (const auto& peer : rule.peers) {
        if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer)) {
          out.push_back(cidr->prefix);
          out.insert(out.end(), cidr->except.begin(), cidr->except.end());
        } else if (const auto* group = std::get_if<ir::CidrGroupPeer>(&peer)) {
          out.insert(out.end(), group->except.begin(), group->except.end());
        }
      }
  for (const auto& group : cluster_.cidr_groups) out.insert(out.end(), group.cidrs.begin(), group.cidrs.end());
  const auto add = [&](const std::vector<IpAddress>& addresses) {
    for (const auto& address : addresses) out.push_back(IpPrefix::host(address));
  };
  for (const auto& [name, addresses] : resolutions_) add(addresses);
  for (const auto& service : cluster_.services) add(service.endpoints);
  for (const auto& node : cluster_.nodes) add(node.addresses);
  for (const auto& endpoint : cluster_.endpoints)
    for (const auto& pod : endpoint.pods) add(pod.addresses);
  add(cluster_.kube_apiservers);
  return out;
}

}  // namespace netpolc::verify
