#include "frontend/cluster/objects.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace netpolc::frontend {
namespace {

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

void add_address(std::vector<IpAddress>& to, const std::optional<IpAddress>& address) {
  if (address && std::find(to.begin(), to.end(), *address) == to.end()) to.push_back(*address);
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::optional<ir::NamedPort> read_named_port(const Node* object, std::string_view port_key, const Fields& fields) {
  const std::string name = lower_case(fields.text(object, "name"));
  const auto port = fields.port(object, port_key);
  const auto protocol = fields.protocol(object, "protocol");
  if (name.empty() || !port || !protocol) return std::nullopt;
  return ir::NamedPort{name, *port, *protocol};
}

std::optional<Owner> read_owner(const Node* metadata, const Fields& fields) {
  std::optional<Owner> owner;
  for (const Node* reference : fields.objects(metadata, "ownerReferences")) {
    const bool controls = fields.boolean(reference, "controller").value_or(false);
    if (owner && !controls) continue;
    owner = Owner{fields.text(reference, "kind"), fields.text(reference, "name")};
    if (controls) break;
  }
  return owner;
}

// "source:key=value" as Cilium writes it.
ir::Label parse_label(const std::string& text) {
  ir::Label label;
  const std::size_t equals = text.find('=');
  const std::string head = text.substr(0, equals);
  if (equals != std::string::npos) label.value = text.substr(equals + 1);
  const std::size_t colon = head.find(':');
  label.source = colon == std::string::npos ? "unspec" : head.substr(0, colon);
  label.key = colon == std::string::npos ? head : head.substr(colon + 1);
  return label;
}

}  // namespace

bool is_cluster_scoped(const std::string& kind) {
  return kind == "Namespace" || kind == "Node" || kind == "CiliumNode" || kind == "CiliumIdentity" ||
         kind == "CiliumEndpointSlice" || kind == "CiliumCIDRGroup" || kind == "CiliumClusterwideNetworkPolicy" || kind == "ClusterNetworkPolicy";
}

Meta read_meta(const Node& object, const std::string& kind, const Fields& fields) {
  Meta meta;
  const Node* metadata = fields.mapping(&object, "metadata");
  meta.name = fields.text(metadata, "name");
  const Node* name = metadata == nullptr ? nullptr : metadata->find("name");
  meta.where = name != nullptr && !meta.name.empty() ? name->span : object.span;
  if (meta.name.empty()) {
    meta.name = fields.text(metadata, "generateName");
    if (meta.name.empty()) {
      fields.sink().error({.kind = DiagKind::NoName,
                           .where = metadata != nullptr ? metadata->span : object.span,
                           .message = "this " + kind + " has no name",
                           .label = "expected `metadata.name`"});
    }
  }
  meta.labels = fields.strings(metadata, "labels");
  meta.owner = read_owner(metadata, fields);
  if (!is_cluster_scoped(kind)) {
    meta.ns = fields.text(metadata, "namespace");
    if (meta.ns.empty()) meta.ns = "default";
  }
  return meta;
}

namespace {

// A number, or the name of one of the container's ports. What is malformed is the API server's to refuse.
std::optional<std::uint16_t> probed_port(const Node* action, const std::vector<ir::NamedPort>& named) {
  const Node* port = action == nullptr || !action->is_mapping() ? nullptr : action->find("port");
  if (port == nullptr || !port->is_scalar()) return std::nullopt;
  if (port->is_integer()) {
    const auto number = port->integer_value();
    return number && *number >= 1 && *number <= 65535 ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
  }
  for (const ir::NamedPort& one : named)
    if (one.name == lower_case(port->text) && one.protocol == ir::Protocol::Tcp) return one.port;
  return std::nullopt;
}

// Of HTTP, TCP and gRPC; the kubelet asks these over the network, and others inside of the container.
void add_probes(const Node& container, const std::vector<ir::NamedPort>& named, std::vector<std::uint16_t>& out) {
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    const Node* found = container.find(probe);
    if (found == nullptr || !found->is_mapping()) continue;
    for (const char* action : {"httpGet", "tcpSocket", "grpc"})
      if (const auto port = probed_port(found->find(action), named)) out.push_back(*port);
  }
}

}  // namespace

PodTemplate read_template(const Node* metadata, const Node* spec, const Fields& fields) {
  PodTemplate pod;
  pod.labels = fields.strings(metadata, "labels");
  for (const char* key : {"serviceAccountName", "serviceAccount"}) {  // the latter is the old name
    const std::string account = fields.text(spec, key);
    if (account.empty()) continue;
    pod.service_account = account;
    break;
  }
  pod.host_network = fields.boolean(spec, "hostNetwork").value_or(false);
  for (const Node* container : fields.objects(spec, "containers")) {
    std::vector<ir::NamedPort> own;
    for (const Node* port : fields.objects(container, "ports")) {
      if (auto named = read_named_port(port, "containerPort", fields)) own.push_back(std::move(*named));
    }
    add_probes(*container, own, pod.probes);
    pod.ports.insert(pod.ports.end(), own.begin(), own.end());
  }
  sort_unique(pod.ports);
  sort_unique(pod.probes);
  return pod;
}

PodObject read_pod(const Node& object, const Fields& fields) {
  PodObject pod;
  pod.meta = read_meta(object, "Pod", fields);
  const Node* spec = fields.mapping(&object, "spec");
  pod.self = read_template(nullptr, spec, fields);
  pod.self.labels = pod.meta.labels;
  pod.node = fields.text(spec, "nodeName");
  const Node* status = fields.mapping(&object, "status");
  const std::string phase = fields.text(status, "phase");
  pod.finished = phase == "Succeeded" || phase == "Failed";
  add_address(pod.addresses, fields.address(status, "podIP"));
  for (const Node* entry : fields.objects(status, "podIPs")) add_address(pod.addresses, fields.address(entry, "ip"));
  return pod;
}

Workload read_workload(const Node& object, const std::string& kind, const Fields& fields) {
  Workload workload;
  workload.kind = kind;
  workload.meta = read_meta(object, kind, fields);
  const Node* spec = fields.mapping(&object, "spec");
  if (kind == "CronJob") spec = fields.mapping(fields.mapping(spec, "jobTemplate"), "spec");
  const Node* pods = fields.mapping(spec, "template");
  workload.pods = read_template(fields.mapping(pods, "metadata"), fields.mapping(pods, "spec"), fields);
  if (kind == "Job") {
    // The API server puts these on the template of every Job (unless `manualSelector`).
    if (!fields.boolean(spec, "manualSelector").value_or(false)) {
      workload.pods.labels.emplace("job-name", workload.meta.name);
      workload.pods.labels.emplace("batch.kubernetes.io/job-name", workload.meta.name);
    }
    workload.finished = !fields.text(fields.mapping(&object, "status"), "completionTime").empty();
  }
  return workload;
}

ir::Namespace read_namespace(const Node& object, const Fields& fields) {
  Meta meta = read_meta(object, "Namespace", fields);
  return {meta.name, std::move(meta.labels), meta.where};
}

ir::Node read_node(const Node& object, const Fields& fields) {
  Meta meta = read_meta(object, "Node", fields);
  ir::Node node;
  node.name = meta.name;
  node.labels = std::move(meta.labels);
  node.where = meta.where;
  for (const Node* entry : fields.objects(fields.mapping(&object, "status"), "addresses")) {
    const std::string type = fields.text(entry, "type");
    if (type != "InternalIP" && type != "ExternalIP") continue;  // host and DNS names
    add_address(node.addresses, fields.address(entry, "address", Severity::Warning));
  }
  return node;
}

ir::Node read_cilium_node(const Node& object, const Fields& fields) {
  Meta meta = read_meta(object, "CiliumNode", fields);
  ir::Node node;
  node.name = meta.name;
  node.labels = std::move(meta.labels);
  node.where = meta.where;
  for (const Node* entry : fields.objects(fields.mapping(&object, "spec"), "addresses")) {
    add_address(node.addresses, fields.address(entry, "ip", Severity::Warning));
  }
  return node;
}

ir::Service read_service(const Node& object, const Fields& fields) {
  Meta meta = read_meta(object, "Service", fields);
  ir::Service service;
  service.ns = meta.ns;
  service.name = meta.name;
  service.labels = std::move(meta.labels);
  service.where = meta.where;
  const Node* spec = fields.mapping(&object, "spec");
  service.selector = fields.strings(spec, "selector");
  if (fields.text(spec, "clusterIP") != "None") add_address(service.cluster_ips, fields.address(spec, "clusterIP"));
  for (const Node& entry : fields.list(spec, "clusterIPs")) {
    if (!entry.is_scalar() || (entry.text != "None" && !entry.text.empty())) {
      add_address(service.cluster_ips, fields.address(entry));
    }
  }
  for (const Node* entry : fields.objects(spec, "ports")) {
    ir::Service::Port port;
    port.name = fields.text(entry, "name");
    const auto protocol = fields.protocol(entry, "protocol");
    const auto number = fields.port(entry, "port");
    if (!protocol || !number) continue;
    port.protocol = *protocol;
    port.port = port.target_port = *number;
    const Node* target = entry->find("targetPort");
    if (target != nullptr && target->is_string()) {
      port.target_port = 0;
      port.target_name = lower_case(target->text);
    } else if (target != nullptr && !target->is_null() && target->integer_value() != 0) {
      port.target_port = fields.port(entry, "targetPort").value_or(*number);
    }
    service.ports.push_back(std::move(port));
  }
  return service;
}

Backends read_endpoints(const Node& object, const Fields& fields) {
  const Meta meta = read_meta(object, "Endpoints", fields);
  Backends backends{meta.ns, meta.name, {}};
  for (const Node* subset : fields.objects(&object, "subsets")) {
    for (const Node* entry : fields.objects(subset, "addresses")) {
      if (const auto ip = fields.address(entry, "ip")) backends.addresses.push_back(*ip);
    }
  }
  return backends;
}

Backends read_endpoint_slice(const Node& object, const Fields& fields) {
  const Meta meta = read_meta(object, "EndpointSlice", fields);
  Backends backends{meta.ns, {}, {}};
  if (const auto owner = meta.labels.find("kubernetes.io/service-name"); owner != meta.labels.end()) {
    backends.service = owner->second;
  }
  if (fields.text(&object, "addressType") == "FQDN") return backends;
  for (const Node* entry : fields.objects(&object, "endpoints")) {
    const Node* conditions = fields.mapping(entry, "conditions");
    const bool ready = fields.boolean(conditions, "ready").value_or(true);
    const bool draining = fields.boolean(conditions, "serving").value_or(false) &&
                          fields.boolean(conditions, "terminating").value_or(false);
    if (!ready && !draining) continue;
    for (const Node& address : fields.list(entry, "addresses")) {
      if (const auto ip = fields.address(address)) backends.addresses.push_back(*ip);
    }
  }
  return backends;
}

std::optional<ir::KnownIdentity> read_identity(const Node& object, const Fields& fields) {
  const Meta meta = read_meta(object, "CiliumIdentity", fields);
  ir::KnownIdentity identity;
  const char* end = meta.name.data() + meta.name.size();
  const auto [stop, error] = std::from_chars(meta.name.data(), end, identity.id);
  for (const auto& [key, value] : fields.strings(&object, "security-labels")) {
    ir::Label label = parse_label(key);
    label.value = value;
    identity.labels.push_back(std::move(label));
  }
  ir::normalise(identity.labels);
  if (error == std::errc{} && stop == end && !meta.name.empty()) return identity;
  if (!meta.name.empty()) {
    fields.sink().error({.kind = DiagKind::IdentityNumber,
                         .where = meta.where,
                         .message = "`" + meta.name + "` is not the number of an identity",
                         .label = "expected a number below 4294967296"});
  }
  return std::nullopt;
}

namespace {

void read_live_network(const Node* holder, const Fields& fields, CiliumEndpointObject& endpoint) {
  for (const Node* port : fields.objects(holder, "named-ports")) {
    if (auto named = read_named_port(port, "port", fields)) endpoint.ports.push_back(std::move(*named));
  }
  sort_unique(endpoint.ports);
  const Node* networking = fields.mapping(holder, "networking");
  for (const Node* pair : fields.objects(networking, "addressing")) {
    add_address(endpoint.addresses, fields.address(pair, "ipv4"));
    add_address(endpoint.addresses, fields.address(pair, "ipv6"));
  }
  endpoint.node = fields.address(networking, "node", Severity::Warning);
}

std::optional<std::uint32_t> read_identity_number(const Node* holder, const Fields& fields) {
  const auto id = fields.integer(holder, "id");
  return id && *id >= 0 && *id <= UINT32_MAX ? std::optional(static_cast<std::uint32_t>(*id)) : std::nullopt;
}

}  // namespace

CiliumEndpointObject read_cilium_endpoint(const Node& object, const Fields& fields) {
  CiliumEndpointObject endpoint;
  endpoint.meta = read_meta(object, "CiliumEndpoint", fields);
  const Node* status = fields.mapping(&object, "status");
  const Node* identity = fields.mapping(status, "identity");
  endpoint.identity = read_identity_number(identity, fields);
  for (const Node& label : fields.list(identity, "labels")) {
    if (label.is_scalar()) endpoint.labels.push_back(parse_label(label.text));
  }
  ir::normalise(endpoint.labels);
  read_live_network(status, fields, endpoint);
  return endpoint;
}

std::vector<CiliumEndpointObject> read_cilium_endpoint_slice(const Node& object, const Fields& fields) {
  read_meta(object, "CiliumEndpointSlice", fields);
  const std::string ns = fields.text(&object, "namespace");
  std::vector<CiliumEndpointObject> out;
  for (const Node* entry : fields.objects(&object, "endpoints")) {
    CiliumEndpointObject endpoint;
    endpoint.meta.ns = ns.empty() ? "default" : ns;
    endpoint.meta.name = fields.text(entry, "name");
    if (endpoint.meta.name.empty()) {
      fields.sink().error({.kind = DiagKind::NoName, .where = entry->span, .message = "an endpoint of this CiliumEndpointSlice has no name", .label = "expected `name`"});
      continue;
    }
    endpoint.meta.where = entry->find("name")->span;
    endpoint.identity = read_identity_number(entry, fields);
    if (endpoint.identity == 0u) endpoint.identity.reset();  // left out where it is written by a program
    read_live_network(entry, fields, endpoint);
    out.push_back(std::move(endpoint));
  }
  return out;
}

}  // namespace netpolc::frontend
