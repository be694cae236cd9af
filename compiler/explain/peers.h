// compiler/explain/peers.h — who a rule's peers are at present, by name.
#pragma once
#include "compiler/explain/policy.h"

namespace netpolc::explain {

class Population {
 public:
  explicit Population(const Sources& sources);
  // `requirements`: of from/toRequires, as far as they are known.
  PeerView view(const ir::Peer& peer, const ir::Rule& rule, const std::vector<ir::Requirement>& requirements) const;
  // Endpoints (indices into Cluster::endpoints) that the rule means.
  std::vector<std::uint32_t> endpoints(const ir::Rule& rule) const;
  std::string name(std::uint32_t endpoint) const;

 private:
  struct Candidate {
    std::string name;
    ir::PeerFacts facts;
    std::optional<std::uint32_t> endpoint = std::nullopt;
  };
  bool means(const std::vector<ir::eval::ResolvedPeer>& peers, const Candidate& candidate) const;
  std::vector<ir::eval::ResolvedPeer> resolved(const ir::Rule& rule, const std::vector<ir::Requirement>& requirements) const;
  void note_addresses(const IpPrefix& prefix, PeerView& out) const;
  void add_addresses(const ir::Peer& peer, PeerView& out) const;

  const Sources& sources_;
  const ir::Cluster& cluster_;
  const ir::eval::AddressLabels address_labels_;
  std::vector<Candidate> candidates_;
};

}  // namespace netpolc::explain
