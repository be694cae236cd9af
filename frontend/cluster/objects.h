// frontend/cluster/objects.h — cluster objects as they stand in their manifests, before they
// are put together. Each `read_…` reports what is malformed and keeps the rest.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontend/cluster/fields.h"
#include "ir/cluster.h"

namespace netpolc::frontend {

struct Owner {
  std::string kind, name;
};

struct Meta {
  std::string ns;  // "default" if absent; "" for cluster-scoped kinds
  std::string name;
  std::map<std::string, std::string> labels;
  std::optional<Owner> owner;  // the controller
  Span where;                  // of the name
};

struct PodTemplate {
  std::map<std::string, std::string> labels;
  std::string service_account = "default";
  bool host_network = false;
  std::vector<ir::NamedPort> ports;  // sorted, unique
  std::vector<std::uint16_t> probes;  // TCP; sorted, unique
};

struct PodObject {
  Meta meta;
  PodTemplate self;
  std::string node;
  std::vector<IpAddress> addresses;
  bool finished = false;  // Succeeded or Failed: it has no network any more
};

struct Workload {
  std::string kind;
  Meta meta;
  PodTemplate pods;
  bool finished = false;  // a completed Job
};

// The ready addresses behind a Service, by an Endpoints or an EndpointSlice object.
struct Backends {
  std::string ns, service;  // service "": of none
  std::vector<IpAddress> addresses;
};

struct CiliumEndpointObject {
  Meta meta;
  std::optional<std::uint32_t> identity;
  ir::LabelSet labels;
  std::vector<ir::NamedPort> ports;
  std::vector<IpAddress> addresses;
  std::optional<IpAddress> node;
};

bool is_cluster_scoped(const std::string& kind);
// The name's place, else the object's.
Meta read_meta(const Node& object, const std::string& kind, const Fields& fields);

PodTemplate read_template(const Node* metadata, const Node* spec, const Fields& fields);
PodObject read_pod(const Node& object, const Fields& fields);
Workload read_workload(const Node& object, const std::string& kind, const Fields& fields);

ir::Namespace read_namespace(const Node& object, const Fields& fields);
ir::Node read_node(const Node& object, const Fields& fields);
ir::Node read_cilium_node(const Node& object, const Fields& fields);
ir::Service read_service(const Node& object, const Fields& fields);
Backends read_endpoints(const Node& object, const Fields& fields);
Backends read_endpoint_slice(const Node& object, const Fields& fields);

std::optional<ir::KnownIdentity> read_identity(const Node& object, const Fields& fields);
CiliumEndpointObject read_cilium_endpoint(const Node& object, const Fields& fields);
// What of each of its endpoints is read of a CiliumEndpoint, but for labels, which it has not.
std::vector<CiliumEndpointObject> read_cilium_endpoint_slice(const Node& object, const Fields& fields);

}  // namespace netpolc::frontend
