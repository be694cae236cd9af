#include "frontend/helm_values.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "frontend/cluster/options.h"

namespace netpolc::frontend {
namespace {

enum class Type { Text, LowerText, Flag, Number, Words };

const char* name_of(Type type) {
  switch (type) {
    case Type::Text:
    case Type::LowerText: return "a text";
    case Type::Flag: return "true or false";
    case Type::Number: return "a number";
    case Type::Words: return "a list of texts";
  }
  return "";
}

struct Value {
  const char* path;    // in the values, keys separated by dots
  const char* option;  // of the agent
  Type type;
};
constexpr Value kValues[] = {
    {"policyEnforcementMode", "enable-policy", Type::LowerText},
    {"policyCIDRMatchMode", "policy-cidr-match-mode", Type::Words},
    {"labels", "labels", Type::Text},
    {"ipv4.enabled", "enable-ipv4", Type::Flag},
    {"ipv6.enabled", "enable-ipv6", Type::Flag},
    {"cluster.name", "cluster-name", Type::Text},
    {"cluster.id", "cluster-id", Type::Number},
    {"clustermesh.policyDefaultLocalCluster", "policy-default-local-cluster", Type::Flag},
    {"nodeSelectorLabels", "enable-node-selector-labels", Type::Flag},
    {"hostFirewall.enabled", "enable-host-firewall", Type::Flag},
    {"l7Proxy", "enable-l7-proxy", Type::Flag},
    {"enableNonDefaultDenyPolicies", "enable-non-default-deny-policies", Type::Flag},
    {"k8sClusterNetworkPolicy.enabled", "enable-k8s-cluster-network-policy", Type::Flag},
    {"sctp.enabled", "enable-sctp", Type::Flag},
    {"k8sNetworkPolicy.enabled", "enable-k8s-networkpolicy", Type::Flag},
    {"bpf.policyMapMax", "bpf-policy-map-max", Type::Number},
    {"kubeProxyReplacement", "kube-proxy-replacement", Type::Flag},
    {"loadBalancer.mode", "bpf-lb-mode", Type::Text},
    {"bpf.lbModeAnnotation", "bpf-lb-mode-annotation", Type::Flag},
    {"bpf.lbExternalClusterIP", "bpf-lb-external-clusterip", Type::Flag},
    {"bpf.lbSourceRangeAllTypes", "bpf-lb-source-range-all-types", Type::Flag},
    {"socketLB.hostNamespaceOnly", "bpf-lb-sock-hostns-only", Type::Flag},
    {"endpointRoutes.enabled", "enable-endpoint-routes", Type::Flag},
    {"localRedirectPolicies.enabled", "enable-local-redirect-policy", Type::Flag},
};

// More of the chart's own keys, by which it is told from other charts.
constexpr const char* kKeysOfChart[] = {
    "routingMode", "tunnelProtocol", "tunnelPort", "extraConfig", "hubble", "operator", "ipam", "k8sServiceHost", "k8sServicePort", "clustermesh", "cni",
    "encryption", "envoy", "ingressController", "gatewayAPI", "bpf", "eni", "gke", "aksbyocni", "azure", "loadBalancer", "nodePort", "socketLB", "egressGateway",
    "bgpControlPlane", "l2announcements", "bandwidthManager", "autoDirectNodeRoutes", "ipv4NativeRoutingCIDR", "ipv6NativeRoutingCIDR", "enableIPv4Masquerade",
    "upgradeCompatibility", "rollOutCiliumPods", "dnsProxy", "authentication", "ciliumEndpointSlice", "identityAllocationMode", "cluster", "ipv4", "ipv6", "localRedirectPolicy",
};

std::vector<std::string> keys_of(const std::string& path) {
  std::vector<std::string> out(1);
  for (const char c : path) {
    if (c == '.') out.emplace_back();
    else out.back() += c;
  }
  return out;
}

bool has_key_of_chart(const Node& mapping) {
  const auto has = [&](const std::string& key) { return mapping.find(key) != nullptr; };
  return std::any_of(std::begin(kKeysOfChart), std::end(kKeysOfChart), has) || std::any_of(std::begin(kValues), std::end(kValues), [&](const Value& one) { return has(keys_of(one.path).front()); });
}

// Values of a chart that has Cilium's as a part.
const Node& values_in(const Node& document) {
  const Node* part = document.is_mapping() ? document.find("cilium") : nullptr;
  return part != nullptr && part->is_mapping() && !has_key_of_chart(document) ? *part : document;
}

Node text_node(std::string text, Span where) {
  Node out;
  out.kind = NodeKind::Scalar;
  out.span = where;
  out.text = std::move(text);
  return out;
}

Node mapping_node(std::vector<std::pair<Node, Node>> entries, Span where) {
  Node out;
  out.kind = NodeKind::Mapping;
  out.span = where;
  out.entries = std::move(entries);
  return out;
}

// As the chart's templates print it.
std::string printed(const Node& scalar) {
  if (scalar.is_bool()) return scalar.bool_value() ? "true" : "false";
  if (scalar.is_integer())
    if (const auto number = scalar.integer_value()) return std::to_string(*number);
  return scalar.text;
}

bool is_flag(const std::string& text) { return text == "true" || text == "false"; }
bool is_number(const std::string& text) { return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }); }

std::optional<std::string> text_of(const Node& value, Type type) {
  if (value.is_sequence()) {
    std::string out;
    for (const Node& item : value.items) {
      if (type != Type::Words || !item.is_scalar()) return std::nullopt;
      out += (out.empty() ? "" : " ") + printed(item);
    }
    return type == Type::Words ? std::optional(out) : std::nullopt;
  }
  if (!value.is_scalar()) return std::nullopt;
  std::string text = printed(value);
  if (type == Type::Flag && !is_flag(text)) return std::nullopt;
  if (type == Type::Number && !is_number(text)) return std::nullopt;
  if (type == Type::LowerText) std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class Chart {
 public:
  Chart(const Node& values, DiagSink& sink) : values_(values), sink_(sink) {}

  Node config_map() {
    // The agent's own default is dual stack.
    if (!is_said("ipv6.enabled")) set("enable-ipv6", "false", start());
    for (const Value& one : kValues) copy(one);
    local_redirects();
    routing();
    extra();
    std::vector<std::pair<Node, Node>> data;
    for (auto& [option, setting] : options_) data.emplace_back(text_node(option, setting.span), std::move(setting));
    return object(std::move(data));
  }

 private:
  Span start() const { return {values_.span.file, values_.span.begin, values_.span.begin}; }

  Node object(std::vector<std::pair<Node, Node>> data) const {
    const Span at = start();
    const auto entry = [&](const char* key, Node value) { return std::pair(text_node(key, at), std::move(value)); };
    std::vector<std::pair<Node, Node>> metadata;
    metadata.push_back(entry("name", text_node("cilium-config", at)));
    metadata.push_back(entry("namespace", text_node("kube-system", at)));
    std::vector<std::pair<Node, Node>> out;
    out.push_back(entry("apiVersion", text_node("v1", at)));
    out.push_back(entry("kind", text_node("ConfigMap", at)));
    out.push_back(entry("metadata", mapping_node(std::move(metadata), at)));
    out.push_back(entry("data", mapping_node(std::move(data), at)));
    return mapping_node(std::move(out), at);
  }

  void set(const std::string& option, std::string text, Span where) { options_[option] = text_node(std::move(text), where); }

  void wrong(const Node& value, const std::string& path, const std::string& expected) {
    if (!reported_.insert(&value).second) return;
    sink_.error({.kind = DiagKind::ConfigValue, .where = value.span, .message = "`" + path + "` is not " + expected, .label = "expected " + expected});
  }

  // None if it is not said, or null, which takes the chart's default away.
  const Node* at(const std::string& path) {
    const Node* found = &values_;
    std::string so_far;
    for (const std::string& key : keys_of(path)) {
      if (!found->is_mapping()) {
        wrong(*found, so_far, "a mapping");
        return nullptr;
      }
      found = found->find(key);
      if (found == nullptr || found->is_null()) return nullptr;
      so_far += (so_far.empty() ? "" : ".") + key;
    }
    return found;
  }

  bool is_said(const std::string& path) const {
    const Node* found = &values_;
    for (const std::string& key : keys_of(path)) {
      found = found->is_mapping() ? found->find(key) : nullptr;
      if (found == nullptr) return false;
    }
    return true;
  }

  std::optional<std::string> text_at(const std::string& path, Type type) {
    const Node* value = at(path);
    if (value == nullptr) return std::nullopt;
    auto text = text_of(*value, type);
    if (!text) wrong(*value, path, name_of(type));
    return text;
  }

  void copy(const Value& one) {
    if (auto text = text_at(one.path, one.type)) set(one.option, std::move(*text), at(one.path)->span);
  }

  // The older value switches it on as well. `helm get values -a` prints both, of which one is off by itself.
  void local_redirects() {
    const auto on = text_at("localRedirectPolicies.enabled", Type::Flag), older = text_at("localRedirectPolicy", Type::Flag);
    if (older && on != "true") set("enable-local-redirect-policy", *older, at("localRedirectPolicy")->span);
  }

  // Empty texts and port 0 are the chart's way to say nothing.
  void routing() {
    const auto mode = text_at("routingMode", Type::Text), protocol = text_at("tunnelProtocol", Type::Text), port = text_at("tunnelPort", Type::Number);
    if (mode && !mode->empty()) set("routing-mode", *mode, at("routingMode")->span);
    else
      for (const char* cloud : {"eni.enabled", "gke.enabled"})
        if (text_at(cloud, Type::Flag) == "true") set("routing-mode", "native", at(cloud)->span);
    if (protocol && !protocol->empty()) set("tunnel-protocol", *protocol, at("tunnelProtocol")->span);
    if (port && *port != "0") set("tunnel-port", *port, at("tunnelPort")->span);
  }

  // Options as they are, which come last in the ConfigMap and so count.
  void extra() {
    const Node* options = at("extraConfig");
    if (options == nullptr) return;
    if (!options->is_mapping()) return wrong(*options, "extraConfig", "a mapping");
    for (const auto& [option, value] : options->entries) {
      if (value.is_null() || !is_known(option.text)) continue;
      if (value.is_string()) set(option.text, value.text, value.span);
      else wrong(value, "extraConfig." + option.text, name_of(Type::Text));
    }
  }

  static bool is_known(const std::string& option) {
    return is_read_option(option) || std::any_of(std::begin(kValues), std::end(kValues), [&](const Value& one) { return option == one.option; });
  }

  const Node& values_;
  DiagSink& sink_;
  std::map<std::string, Node> options_;
  std::set<const Node*> reported_;
};

}  // namespace

bool is_helm_values(const Node& document) {
  if (!document.is_mapping() || document.find("kind") != nullptr || document.find("apiVersion") != nullptr) return false;
  return document.entries.empty() || has_key_of_chart(values_in(document));
}

Node config_map_of(const Node& values, DiagSink& sink) { return Chart(values_in(values), sink).config_map(); }

std::string image_tag(const Node& values) {
  const Node& own = values_in(values);
  const Node* image = own.is_mapping() ? own.find("image") : nullptr;
  const Node* tag = image != nullptr && image->is_mapping() ? image->find("tag") : nullptr;
  return tag != nullptr && tag->is_scalar() ? tag->text : "";
}

}  // namespace netpolc::frontend
