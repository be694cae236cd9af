// compiler/replay/recording.h — what flows say, gathered while they are read: who talked to whom about what, how often, and what was
// decided. Memory is bounded by the number of different connections, not of flows; what is beyond the limit is counted.
//
// An end is what policy saw: the flow's identity, never its address alone (semantics reference, section 3). A pod that a manifest has
// is its workload; another is an endpoint with the labels that the flow says it has.
#pragma once
#include <array>
#include <cstdint>
#include <istream>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/replay/flow.h"
#include "compiler/replay/known.h"

namespace netpolc::compiler::replay {

struct RecordedEnd {
  enum class Kind : std::uint8_t {
    Pod,
    Host,     // of the node that the flow was seen on
    Entity,   // another reserved identity
    Outside,  // addresses of the world that policies treat alike
  };
  Kind kind = Kind::Pod;
  std::string ns = {}, name = {};  // Pod: "shop", and the workload's name, or "[app=web]" where there is none
  bool in_manifests = false;
  bool other_cluster = false;       // Pod: of a mesh
  ir::LabelSet labels = {};              // as recorded first: of a Pod its identity, of an Entity reserved: and node: labels
  std::string node = {};                 // Host: "" if not known
  bool api_server = false;          // Outside and Host: called so by the recording
  std::optional<IpPrefix> prefix = {};   // Outside: the narrowest that is mentioned
  std::vector<std::string> names = {};   // Outside, a destination: sorted
  std::set<IpAddress> addresses = {};    // Outside: the first few; Host and Entity: where it counts
  bool more_addresses = false;      // than these
};
using EndId = std::uint32_t;
std::string to_string(const RecordedEnd& end);  // "shop/web", "host", "fqdn:api.example.com", "ip:192.0.2.1", "cidr:10.0.0.0/8"

struct Counts {
  std::uint64_t forwarded = 0, dropped = 0;
  std::uint64_t audited = 0;  // of those forwarded
  std::uint64_t all() const { return forwarded + dropped; }
};

struct Connection {
  EndId from = 0, to = 0;
  ir::Flow flow;
  std::optional<ir::Request> request = {};  // of a proxy's record
  Counts egress = {}, ingress = {};         // by the side that decided
  std::uint64_t flows() const { return egress.all() + ingress.all(); }
};

struct Limits {
  std::size_t connections = std::size_t{1} << 20;  // different ones, and as many ends
  std::size_t addresses = 16;                      // of one end
  std::size_t line = std::size_t{4} << 20;         // bytes
};

struct ReadError {
  std::string message;  // "flows.json:3:17: no JSON: …"
};

class Recording {
 public:
  // `known` outlives it.
  explicit Recording(const Known& known, const Limits& limits = {}) : known_(known), limits_(limits) {}

  // Reads to the end. A line that is no flow is an error, with its place; the first few are all named. `name`: of the file.
  std::vector<ReadError> read(std::istream& in, const std::string& name);
  void add(Flow flow);

  const std::vector<RecordedEnd>& ends() const { return ends_; }
  // In order of arrival.
  const std::vector<Connection>& connections() const { return connections_; }
  std::uint64_t flows() const { return flows_; }  // that say what policy decided
  std::uint64_t lines() const { return lines_; }  // without empty ones
  std::uint64_t bad() const { return bad_; }
  std::uint64_t skipped(Skip skip) const { return skipped_[static_cast<std::size_t>(skip)]; }
  std::uint64_t lost() const { return lost_; }
  // Counts flows that were taken, and turn out to say nothing.
  void skip(Skip why, std::uint64_t flows);

 private:
  using Found = tl::expected<RecordedEnd, Skip>;
  Found pod(const FlowEnd& end, const std::string& local_cluster) const;
  Found end(const Flow& flow, const FlowEnd& end, const std::string& local_cluster) const;
  Found outside(const Flow& flow, const FlowEnd& end, bool api_server) const;
  std::optional<EndId> intern(RecordedEnd end);
  Connection* connection(EndId from, EndId to, const Flow& flow);
  void simplify(Flow& flow) const;

  const Known& known_;
  Limits limits_;
  std::vector<RecordedEnd> ends_;
  std::unordered_map<std::string, EndId> end_ids_;
  std::vector<Connection> connections_;
  std::unordered_map<std::string, std::uint32_t> connection_ids_;
  std::array<std::uint64_t, kSkips> skipped_{};
  std::uint64_t flows_ = 0, lines_ = 0, lost_ = 0, bad_ = 0;
};

}  // namespace netpolc::compiler::replay
