#include "compiler/explain/ports.h"

#include <algorithm>
#include <map>

#include "compiler/explain/words.h"

namespace netpolc::explain {
namespace {

namespace eval = ir::eval;

constexpr std::size_t kExamples = 4;

class PortsExplainer {
 public:
  PortsExplainer(const ir::Rule& rule, const std::vector<std::uint32_t>& subjects, const Population& population, const Sources& sources)
      : rule_(rule), subjects_(subjects), population_(population), cluster_(sources.world.cluster) {
    const bool needed = std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return !item.ports.empty(); });
    if (needed && rule.direction == ir::Direction::Egress) peers_ = population.endpoints(rule);
  }

  std::vector<PortsView> view() const {
    if (rule_.any_l4) return {{ports_words(rule_), {}, {}}};
    std::vector<PortsView> out;
    for (const ir::PortRule& item : rule_.ports) {
      // Those of a NetworkPolicy are one each, and read better together.
      if (item.l7 == ir::L7{} && !out.empty() && out.back().l7.empty()) out.back().words += ", " + ports_words(item.ports);
      else out.push_back({ports_words(item.ports), l7_words(item.l7), {}});
      for (const ir::PortMatch& match : item.ports) {
        if (!match.name.empty()) named(match, out.back().notes);
        else translated(match, out.back().notes);
      }
    }
    return out;
  }

 private:
  // Ports of the subjects on ingress and, from 1.20 on, of the peers on egress; before, of any pod, if all agree (section 5.9).
  void named(const ir::PortMatch& match, std::vector<std::string>& notes) const {
    if (rule_.direction == ir::Direction::Egress && cluster_.config.version < 20) return agreed(match, notes);
    std::map<std::string, std::vector<std::string>> whose;  // by number; "" for those without
    for (const std::uint32_t e : rule_.direction == ir::Direction::Ingress ? subjects_ : peers_) {
      eval::NamedPorts ports;
      ports.add(cluster_.endpoints[e].named_ports);
      whose[numbers(ports, match)].push_back(population_.name(e));
    }
    if (whose.empty()) notes.push_back("nobody is there to look the name `" + match.name + "` up at");
    for (const auto& [number, names] : whose)
      notes.push_back("`" + match.name + "` is " + (number.empty() ? "no port, so that nothing is " + std::string(rule_.action == ir::Action::Deny ? "denied" : "allowed") + "," : number) + " at " + listed(names, kExamples));
  }

  void agreed(const ir::PortMatch& match, std::vector<std::string>& notes) const {
    eval::NamedPorts all;
    for (const ir::Endpoint& endpoint : cluster_.endpoints)
      if (!endpoint.host_network) all.add(endpoint.named_ports);
    const std::string number = numbers(all, match);
    notes.push_back(number.empty() ? "`" + match.name + "` is no port, or several pods disagree about it: nothing is matched" : "`" + match.name + "` is " + number + " for every peer, as the pods that have the name agree");
  }

  static std::string numbers(const eval::NamedPorts& ports, const ir::PortMatch& match) {
    std::string out;
    for (const ir::Protocol protocol : eval::protocols_of(match.protocol))
      if (const auto number = ports.find(match.name, protocol); number && *number != 0) out += (out.empty() ? "" : ", ") + std::string(ir::to_string(protocol)) + " " + std::to_string(*number);
    return out;
  }

  // Policy sees the port of the pod behind a service (section 9.1).
  void translated(const ir::PortMatch& match, std::vector<std::string>& notes) const {
    if (rule_.direction != ir::Direction::Egress || match.first == 0 || match.first != match.last) return;
    for (const ir::Service& service : cluster_.services) {
      if (service.selector.empty() || !reaches(service)) continue;
      for (const ir::Service::Port& port : service.ports) {
        const bool same_protocol = match.protocol == ir::Protocol::Any || match.protocol == port.protocol;
        const bool by_number = port.target_name.empty() && port.target_port != 0;
        if (!same_protocol || !by_number || port.port != match.first || port.target_port == match.first) continue;
        const std::string target = std::to_string(port.target_port);
        if (std::none_of(service.ports.begin(), service.ports.end(), [&](const auto& other) { return other.target_port == match.first; }))
          notes.push_back(std::to_string(match.first) + " is the port of service " + service.ns + "/" + service.name + ", which goes to " + target + " before policy is asked: it takes " + target + " here");
      }
    }
  }

  bool reaches(const ir::Service& service) const {
    return std::any_of(peers_.begin(), peers_.end(), [&](std::uint32_t e) {
      const ir::Endpoint& endpoint = cluster_.endpoints[e];
      return endpoint.ns == service.ns && std::all_of(service.selector.begin(), service.selector.end(), [&](const auto& wanted) {
               return std::any_of(endpoint.labels.begin(), endpoint.labels.end(), [&](const ir::Label& label) { return label.source == "k8s" && label.key == wanted.first && label.value == wanted.second; });
             });
    });
  }

  const ir::Rule& rule_;
  const std::vector<std::uint32_t>& subjects_;
  const Population& population_;
  const ir::Cluster& cluster_;
  std::vector<std::uint32_t> peers_;
};

}  // namespace

std::vector<PortsView> ports_view(const ir::Rule& rule, const std::vector<std::uint32_t>& subjects, const Population& population, const Sources& sources) {
  return PortsExplainer(rule, subjects, population, sources).view();
}

}  // namespace netpolc::explain
