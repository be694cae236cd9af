#include "tools/judges/world.h"

#include <algorithm>
#include <stdexcept>

namespace netpolc::judges {
namespace {

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

}  // namespace

World::World(Scenario scenario, const Change& change) : scenario_(with_second_family(std::move(scenario))) {
  std::vector<FileId> files{sources_.add("cluster.json", manifests(scenario_))};
  for (std::size_t n = 0; n < scenario_.policies.size(); ++n)
    files.push_back(sources_.add("policy-" + std::to_string(n) + ".yaml", scenario_.policies[n]));
  loaded_ = frontend::load(files, {.lax = true, .keep_going = true, .cilium_version = scenario_.cilium_version}, sources_, sink_);
  if (!loaded_.usable) throw std::runtime_error("the frontend can't read the scenario: " + render(sink_.all().front(), sources_));
  resolve_names();
  if (change) change(loaded_.policies, loaded_.cluster, resolutions_);
  numbered_ = std::make_unique<kernel_judge::Numbered>(loaded_.policies, loaded_.cluster, resolutions_, lock_);
  interpreter_ = std::make_unique<verify::Judge>(ir::eval::World{loaded_.policies, loaded_.cluster, resolutions_}, lock_);
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
  for (const ir::Node& node : loaded_.cluster.nodes)
    if (node.name == kNode) numbered_->run_on(as_it_is_met(node));
  for (const Cell& cell : cells(scenario_))
    for (const std::string* name : {&cell.source, &cell.destination})
      if (!parties_.contains(*name)) parties_.emplace(*name, party_of(*name));
}

// To the interpreter the node has labels of its addresses where it is met by one (docs/semantics.md).
ir::Node World::as_it_is_met(ir::Node node) const {
  if (!config().cidr_matches_nodes) return node;
  std::vector<IpAddress> met;
  for (const Cell& cell : cells(scenario_))
    for (const std::string* name : {&cell.source, &cell.destination})
      for (const IpAddress& address : node.addresses)
        if (reference(scenario_, *name) == "ip:" + address.to_string()) met.push_back(address);
  node.addresses = std::move(met);
  return node;
}

Party World::party_of(const std::string& name) {
  const std::string text = reference(scenario_, name);
  const auto ends = interpreter_->directory().resolve(text, std::nullopt);
  if (!ends) throw std::runtime_error("`" + text + "` means nobody: " + ends.error().message);
  if (ends->size() != 1) throw std::runtime_error("`" + text + "` means several parties");
  const auto& nodes = loaded_.cluster.nodes;
  const auto own = std::find_if(nodes.begin(), nodes.end(), [](const ir::Node& node) { return node.name == kNode; });
  return numbered_->party(ends->front(), own == nodes.end() ? std::nullopt : std::optional(static_cast<std::uint32_t>(own - nodes.begin())));
}

}  // namespace netpolc::judges
