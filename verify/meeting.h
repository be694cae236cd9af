// verify/meeting.h — two ends as policy sees them: who is judged, and as what each side sees
// the other. Label sets and subjects are interned, so that verdicts can be kept by number.
#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "verify/directory.h"

namespace netpolc::verify {

using SubjectId = std::uint32_t;
using FactsId = std::uint32_t;

// One case of an encounter. Several where the placement of pods matters: a node is `host` to
// the pods that run on it and a remote node to all others (section 3.1).
struct Meeting {
  std::optional<SubjectId> source, destination;  // none: no managed endpoint
  FactsId source_seen = 0, destination_seen = 0;  // what the other side sees
  auto operator<=>(const Meeting&) const = default;
};

class Encounters {
 public:
  Encounters(const ir::PolicySet& policies, const Directory& directory);
  std::vector<Meeting> meet(const End& from, const End& to);

  // One end alone. `subject`: none where it is no managed endpoint.
  struct Face {
    std::optional<SubjectId> subject;
    FactsId seen = 0;
  };
  // As a pod meets it that could run on any node.
  std::vector<Face> faces(const End& end);

  const ir::Subject& subject(SubjectId id) const { return subjects_[id]; }
  const ir::PeerFacts& facts(FactsId id) const { return facts_[id]; }
  // A pod and a node: what the pod sends to the overlay's port there is dropped (section 8.5).
  bool may_not_encapsulate(SubjectId source, FactsId destination, ir::Flow flow) const;
  // Whether the host of a node is a managed endpoint here.
  bool hosts_are_managed() const { return hosts_managed_; }
  // The host endpoint of a node, where hosts are managed.
  std::optional<SubjectId> host_subject(std::uint32_t node);
  std::optional<SubjectId> endpoint_subject(std::uint32_t endpoint);

 private:
  Face face(const End& end);
  std::vector<Face> host_faces(const End& other);
  std::vector<Face> node_faces(const End& end, const End& other);
  std::vector<Face> faces(const End& end, const End& other);
  std::vector<std::uint32_t> nodes_of(const End& end, bool& anywhere) const;

  ir::PeerFacts local_node(std::uint32_t node, const std::optional<IpAddress>& address) const;
  ir::PeerFacts remote_node(std::uint32_t node, const std::optional<IpAddress>& address) const;
  ir::PeerFacts external(const IpAddress& address) const;
  bool serves_api(std::uint32_t node) const;

  FactsId intern(ir::PeerFacts facts);
  SubjectId intern(ir::Subject subject);

  const Directory& directory_;
  bool hosts_managed_ = false;
  std::vector<std::uint32_t> nodes_with_pods_;
  std::vector<std::optional<Face>> endpoint_faces_;
  std::vector<ir::PeerFacts> facts_;
  std::vector<ir::Subject> subjects_;
  std::unordered_map<std::string, FactsId> facts_ids_;
  std::unordered_map<std::string, SubjectId> subject_ids_;
};

}  // namespace netpolc::verify
