#include "frontend/cluster/exposure.h"

#include "frontend/agent_config.h"
#include "frontend/cluster/fields.h"
#include "frontend/cluster/options.h"

namespace netpolc::frontend {
namespace {

std::uint64_t key_of(Span name) { return (std::uint64_t{name.file.value} << 32U) | name.begin; }

// Reads what is one of two words; anything else is reported.
bool is_second(const Node* parent, const char* key, const char* first, const char* second, const Fields& fields) {
  const std::string text = fields.text(parent, key);
  if (text.empty() || text == first) return false;
  if (text == second) return true;
  fields.sink().error({.kind = DiagKind::ClusterFieldType, .where = parent->find(key)->span, .message = "`" + text + "` is not a value of `" + key + "`", .label = std::string("expected `") + first + "` or `" + second + "`"});
  return false;
}

ir::ServiceType type_of(const Node* spec, const Fields& fields) {
  const std::string text = fields.text(spec, "type");
  if (text.empty() || text == "ClusterIP") return ir::ServiceType::ClusterIp;
  if (text == "NodePort") return ir::ServiceType::NodePort;
  if (text == "LoadBalancer") return ir::ServiceType::LoadBalancer;
  if (text == "ExternalName") return ir::ServiceType::ExternalName;
  fields.sink().error({.kind = DiagKind::ClusterFieldType, .where = spec->find("type")->span, .message = "`" + text + "` is no type of a Service", .label = ""});
  return ir::ServiceType::ClusterIp;
}

void read_ranges(const Node* spec, const Fields& fields, ir::Exposure& out) {
  for (const Node& entry : fields.list(spec, "loadBalancerSourceRanges")) {
    const std::size_t begin = entry.text.find_first_not_of(" \t"), end = entry.text.find_last_not_of(" \t");
    const std::string text = begin == std::string::npos ? "" : entry.text.substr(begin, end - begin + 1);
    if (const auto range = IpPrefix::parse(text))
      out.source_ranges.push_back(*range);
    else
      fields.sink().error({.kind = DiagKind::ClusterFieldType, .where = entry.span, .message = "`" + text + "` is no prefix", .label = ""});
  }
}

void read_balancer(const Node& object, const Fields& fields, ir::Exposure& out) {
  const Node* balancer = fields.mapping(fields.mapping(&object, "status"), "loadBalancer");
  for (const Node* entry : fields.objects(balancer, "ingress")) {
    const auto address = fields.address(entry, "ip");
    if (!address) continue;  // a name, which nodes do not serve
    if (is_second(entry, "ipMode", "VIP", "Proxy", fields)) out.balancer_is_proxy = true;
    else out.balancer_addresses.push_back(*address);
  }
}

void read_ports(const Node* spec, const Fields& fields, ir::Exposure& out) {
  for (const Node* entry : fields.objects(spec, "ports")) {
    const auto protocol = fields.protocol(entry, "protocol");
    const auto port = fields.port(entry, "port");
    const auto given = fields.integer(entry, "nodePort");
    if (!protocol || !port || given.value_or(0) == 0) continue;
    if (const auto node_port = fields.port(entry, "nodePort")) out.node_ports.push_back({*protocol, *port, *node_port});
  }
}

ir::Exposure read_exposure(const Node& object, const Fields& fields) {
  ir::Exposure out;
  const Node* spec = fields.mapping(&object, "spec");
  const auto annotations = fields.strings(fields.mapping(&object, "metadata"), "annotations");
  const auto annotation = [&](const char* key) {
    const auto found = annotations.find(key);
    return found == annotations.end() ? std::string() : found->second;
  };
  out.type = type_of(spec, fields);
  out.headless = fields.text(spec, "clusterIP") == "None";
  out.external_local = is_second(spec, "externalTrafficPolicy", "Cluster", "Local", fields);
  out.internal_local = is_second(spec, "internalTrafficPolicy", "Cluster", "Local", fields);
  out.allocates_node_ports = fields.boolean(spec, "allocateLoadBalancerNodePorts").value_or(true);
  out.source_ranges_deny = annotation("service.cilium.io/src-ranges-policy") == "deny";
  out.forwarding_mode = annotation("service.cilium.io/forwarding-mode");
  read_ports(spec, fields, out);
  read_ranges(spec, fields, out);
  read_balancer(object, fields, out);
  return out;
}

}  // namespace

void Exposures::keep(const Node& object) {
  if (!object.is_mapping()) return;
  if (const Node* items = object.find("items"); items != nullptr && items->is_sequence())
    for (const Node& item : items->items) keep(item);
  const Node* metadata = object.find("metadata");
  const Node* name = metadata == nullptr || !metadata->is_mapping() ? nullptr : metadata->find("name");
  if (name != nullptr) objects_.emplace(key_of(name->span), &object);
}

const Node* Exposures::object_named_at(Span name) {
  const auto [entry, fresh] = documents_.try_emplace(name.file.value);
  if (fresh) {
    DiagSink said_before;
    entry->second = parse_documents(name.file, sources_, said_before);
    for (const Node& document : entry->second) keep(document);
  }
  const auto found = objects_.find(key_of(name));
  return found == objects_.end() ? nullptr : found->second;
}

tl::expected<ir::Exposure, std::string> Exposures::of(const ir::Service& service) {
  const std::string name = "service `" + service.ns + "/" + service.name + "`";
  const Node* object = object_named_at(service.where);
  if (object == nullptr) return tl::unexpected("the manifest of " + name + " cannot be found again");
  DiagSink sink;
  ir::Exposure out = read_exposure(*object, Fields(sink));
  for (const Diagnostic& one : sink.all()) {
    if (one.severity != Severity::Error) continue;
    const Span where = one.where.value_or(service.where);
    return tl::unexpected(name + ": " + one.message + (one.label.empty() ? "" : ": " + one.label) + " (" + sources_.path(where.file) + ":" + std::to_string(sources_.locate(where.file, where.begin).line) + ")");
  }
  return out;
}

tl::expected<ir::ServiceHandling, std::string> Exposures::handling() {
  ir::ServiceHandling out;
  if (!loaded_.agent_config) return out;
  out.config_given = true;
  const Node* among_input = loaded_.given.files.empty() ? object_named_at(*loaded_.agent_config) : nullptr;
  const Node object = config_map_as_given(among_input != nullptr ? std::optional(*among_input) : std::nullopt, loaded_, sources_);
  const Node* data = object.find("data");
  if (data == nullptr || !data->is_mapping()) return out;
  std::string wrong;
  const auto text = [&](const char* option) -> std::optional<std::string> {
    const Node* found = data->find(option);
    return found != nullptr && found->is_scalar() ? std::optional(found->text) : std::nullopt;
  };
  const auto flag = [&](const char* option) -> std::optional<bool> {
    const auto found = text(option);
    if (!found) return std::nullopt;
    const auto value = parse_flag(*found);
    if (!value) wrong = "`" + *found + "` is not a value of `" + option + "` in cilium-config: expected `true` or `false`";
    return value;
  };
  const auto replacement = text("kube-proxy-replacement");
  if (replacement == "strict" || replacement == "disabled") out.kube_proxy_replacement = replacement == "strict";  // of old
  else out.kube_proxy_replacement = flag("kube-proxy-replacement");
  out.mode = text("bpf-lb-mode");
  if (out.mode && out.mode != "snat" && out.mode != "dsr" && out.mode != "hybrid") wrong = "`" + *out.mode + "` is not a value of `bpf-lb-mode` in cilium-config: expected `snat`, `dsr` or `hybrid`";
  out.mode_by_annotation = flag("bpf-lb-mode-annotation");
  out.socket_lb_hosts_only = flag("bpf-lb-sock-hostns-only");
  out.external_cluster_ip = flag("bpf-lb-external-clusterip");
  out.all_source_ranges = flag("bpf-lb-source-range-all-types");
  out.routing_given = text("routing-mode").has_value();
  if (!wrong.empty()) return tl::unexpected(wrong);
  return out;
}

}  // namespace netpolc::frontend
