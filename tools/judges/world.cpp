#include "tools/judges/world.h"

#include <algorithm>
#include <stdexcept>

namespace netpolc::judges {
namespace {

constexpr std::uint32_t kHost = 1, kLastReserved = 10;
constexpr const char* kNode = "node-1";  // where `manifests` puts every pod

IpAddress address_of(const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address) throw std::runtime_error("`" + text + "` is no IP address");
  return *address;
}

// Pods of the vectors have IPv4 addresses only.
Scenario with_second_family(Scenario scenario) {
  std::size_t n = 0;
  for (auto& endpoint : scenario.data.at("endpoints")) {
    ++n;
    if (!endpoint.contains("ipv6")) endpoint["ipv6"] = "fd00:6e70::1:" + std::to_string(n);
  }
  return scenario;
}

std::string folded(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.ends_with('.')) name.pop_back();
  return name;
}

std::uint32_t reserved_number(const ir::LabelSet& labels) {
  for (std::uint32_t id = 1; id <= kLastReserved; ++id)
    if (ir::reserved_labels(id) == labels) return id;
  throw std::runtime_error("a peer has no reserved identity");
}

}  // namespace

World::World(Scenario scenario, const Change& change) : scenario_(with_second_family(std::move(scenario))) {
  std::vector<FileId> files{sources_.add("cluster.json", manifests(scenario_))};
  for (std::size_t n = 0; n < scenario_.policies.size(); ++n)
    files.push_back(sources_.add("policy-" + std::to_string(n) + ".yaml", scenario_.policies[n]));
  loaded_ = frontend::load(files, {.lax = true, .keep_going = true, .cilium_version = scenario_.cilium_version}, sources_, sink_);
  if (!loaded_.usable) throw std::runtime_error("the frontend can't read the scenario: " + render(sink_.all().front(), sources_));
  resolve_names();
  if (change) change(loaded_.policies, loaded_.cluster, resolutions_);
  identities_ = ir::Identities::build(loaded_.policies, loaded_.cluster, resolutions_, lock_);
  decisions_ = ir::decide(loaded_.policies, loaded_.cluster, resolutions_, identities_);
  interpreter_ = std::make_unique<verify::Judge>(ir::eval::World{loaded_.policies, loaded_.cluster, resolutions_}, lock_);
  for (const auto& entry : identities_.addresses()) ipcache_[entry.prefix] = entry.identity;
  meet_everyone();
}

std::string World::complaints() const {
  std::string out;
  for (const auto& diagnostic : sink_.all()) out += render(diagnostic, sources_);
  return out;
}

void World::resolve_names() {
  const auto& given = scenario_.data;
  if (!given.contains("fqdnIPs")) return;
  for (const auto& [name, addresses] : given.at("fqdnIPs").items())
    for (const auto& text : addresses) resolutions_[folded(name)].push_back(address_of(text.get<std::string>()));
  for (auto& [name, addresses] : resolutions_) {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  }
}

void World::meet_everyone() {
  // A node knows itself as identity 1; the bundle has it as others see it.
  for (const ir::Node& node : loaded_.cluster.nodes)
    if (node.name == kNode)
      for (const IpAddress& address : node.addresses) ipcache_[IpPrefix::host(address)] = kHost;
  for (const Cell& cell : cells(scenario_))
    for (const std::string* name : {&cell.source, &cell.destination})
      if (!parties_.contains(*name)) parties_.emplace(*name, party_of(*name));
}

Party World::party_of(const std::string& name) {
  const std::string text = reference(scenario_, name);
  const auto ends = interpreter_->directory().resolve(text, std::nullopt);
  if (!ends) throw std::runtime_error("`" + text + "` means nobody: " + ends.error().message);
  if (ends->size() != 1) throw std::runtime_error("`" + text + "` means several parties");
  Party party{.end = ends->front(), .identity = 0, .v4 = {}, .v6 = {}, .decided = {}};
  const auto& all = decisions_.endpoints;
  const auto own = std::find_if(all.begin(), all.end(), [&](const ir::DecidedEndpoint& d) {
    if (party.end.kind == verify::EndKind::Host) return d.is_host && loaded_.cluster.nodes[d.endpoint].name == kNode;
    return party.end.kind == verify::EndKind::Endpoint && !d.is_host && d.endpoint == party.end.index;
  });
  if (own != all.end()) party.decided = static_cast<std::uint32_t>(own - all.begin());
  switch (party.end.kind) {
    case verify::EndKind::Endpoint: party.identity = identities_.of_endpoint(party.end.index); break;
    case verify::EndKind::Host: party.identity = kHost; break;
    case verify::EndKind::Node:
    case verify::EndKind::Address: party.identity = identities_.of_address(*party.end.address); break;
    case verify::EndKind::Reserved: party.identity = reserved_number(party.end.labels); break;
  }
  give_addresses(party);
  return party;
}

void World::give_addresses(Party& party) {
  const auto add = [&](const IpAddress& address) { (address.v6 ? party.v6 : party.v4) = address; };
  bool either = true;  // the identity doesn't depend on the address
  switch (party.end.kind) {
    case verify::EndKind::Endpoint:
      for (const ir::Pod& pod : loaded_.cluster.endpoints[party.end.index].pods)
        for (const IpAddress& address : pod.addresses) add(address);
      break;
    case verify::EndKind::Host:
    case verify::EndKind::Reserved: break;
    case verify::EndKind::Node:
      add(*party.end.address);
      either = !config().cidr_matches_nodes;
      break;
    case verify::EndKind::Address:
      add(*party.end.address);
      either = false;
      break;
  }
  if (!either) return;
  for (const bool v6 : {false, true})
    if (!(v6 ? party.v6 : party.v4)) add(fresh_address(v6, party.identity));
}

IpAddress World::fresh_address(bool v6, std::uint32_t identity) {
  const std::string n = std::to_string(++next_address_);
  const IpAddress address = address_of(v6 ? "fd00:6e70::2:" + n : "198.19.0." + n);
  if (!ipcache_.emplace(IpPrefix::host(address), identity).second) throw std::runtime_error(address.to_string() + " is taken");
  return address;
}

}  // namespace netpolc::judges
