#include "ir/identity/services.h"

namespace netpolc::ir {
namespace {

// Sources are ignored for services: their labels are plain Kubernetes ones.
bool holds(const Requirement& requirement, const std::map<std::string, std::string>& labels) {
  const auto found = labels.find(requirement.key);
  const bool present = found != labels.end();
  const bool listed = present && std::binary_search(requirement.values.begin(), requirement.values.end(), found->second);
  switch (requirement.op) {
    case Operator::In: return listed;
    case Operator::NotIn: return !listed;
    case Operator::Exists: return present;
    case Operator::DoesNotExist: return !present;
  }
  return false;
}

}  // namespace

std::vector<const Service*> selected_services(const ServicePeer& peer, const Cluster& cluster) {
  std::vector<const Service*> out;
  for (const Service& service : cluster.services) {
    if (!peer.ns.empty() && service.ns != peer.ns) continue;
    const bool selected = peer.selector ? std::all_of(peer.selector->requirements.begin(), peer.selector->requirements.end(),
                                                      [&](const Requirement& r) { return holds(r, service.labels); })
                                        : service.name == peer.name;
    if (selected) out.push_back(&service);
  }
  return out;
}

}  // namespace netpolc::ir
