// The agent's options, as the cilium-config ConfigMap holds them: texts by option name.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>

#include "frontend/cluster/fields.h"
#include "frontend/cluster/lower.h"
#include "frontend/cluster/options.h"

namespace netpolc::frontend {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool set_mode(const std::string& text, ir::PolicyMode& mode) {
  const std::string name = lower_case(text);
  if (name == "default") {
    mode = ir::PolicyMode::Default;
  } else if (name == "always") {
    mode = ir::PolicyMode::Always;
  } else if (name == "never") {
    mode = ir::PolicyMode::Never;
  } else {
    return false;
  }
  return true;
}

bool set_cidr_match_mode(std::string text, bool& nodes) {
  for (char& c : text) c = c == ',' ? ' ' : c;
  std::istringstream words(text);
  nodes = false;
  for (std::string word; words >> word;) {
    if (word != "nodes") return false;
    nodes = true;
  }
  return true;
}

struct Flag {
  const char* option;
  bool ir::Config::*member;
};
constexpr Flag kFlags[] = {
    {"enable-ipv4", &ir::Config::ipv4},
    {"enable-ipv6", &ir::Config::ipv6},
    {"enable-node-selector-labels", &ir::Config::node_selector_labels},
    {"enable-host-firewall", &ir::Config::host_firewall},
    {"policy-default-local-cluster", &ir::Config::default_local_cluster},
    {"enable-l7-proxy", &ir::Config::l7_proxy},
    {"enable-icmp-rules", &ir::Config::icmp_rules},
    {"enable-non-default-deny-policies", &ir::Config::non_default_deny_policies},
    {"enable-sctp", &ir::Config::sctp},
    {"enable-extended-ip-protocols", &ir::Config::extended_protocols},
    {"enable-k8s-cluster-network-policy", &ir::Config::cluster_network_policies},
    {"enable-local-redirect-policy", &ir::Config::local_redirects},
};

// Those that `apply` knows beside the flags.
constexpr const char* kOthers[] = {"enable-policy", "allow-localhost", "policy-cidr-match-mode", "bpf-policy-map-max", "cluster-name", "labels", "routing-mode", "tunnel-protocol", "tunnel-port"};

// Whether agents look at policies of a kind at all.
struct KindSwitch {
  const char* kind;
  const char* option;
};
constexpr KindSwitch kKindSwitches[] = {
    {"NetworkPolicy", "enable-k8s-networkpolicy"},
    {"CiliumNetworkPolicy", "enable-cilium-network-policy"},
    {"CiliumClusterwideNetworkPolicy", "enable-cilium-clusterwide-network-policy"},
};

// How services are handled: read by exposure.h where a question needs it, as old values of these stop no agent's policies.
constexpr const char* kOfServices[] = {"kube-proxy-replacement", "bpf-lb-mode", "bpf-lb-mode-annotation", "bpf-lb-sock-hostns-only", "bpf-lb-external-clusterip", "bpf-lb-source-range-all-types"};

// routing-mode, tunnel-protocol and tunnel-port together: in a ConfigMap they come in order of their names.
struct Overlay {
  bool on = true, geneve = false;
  std::uint16_t port = 0;  // 0: the protocol's own
  std::uint16_t used() const { return !on ? 0 : port != 0 ? port : geneve ? 6081 : 8472; }
};

std::string apply(const std::string& option, const std::string& text, Overlay& overlay) {
  if (option == "routing-mode") {
    if (text != "tunnel" && text != "native") return "expected `tunnel` or `native`";
    overlay.on = text == "tunnel";
  } else if (option == "tunnel-protocol") {
    if (text != "vxlan" && text != "geneve") return "expected `vxlan` or `geneve`";
    overlay.geneve = text == "geneve";
  } else if (option == "tunnel-port") {
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, overlay.port);
    if (error != std::errc() || at != end) return "expected a port, 0 for the protocol's own";
  }
  return "";
}

// What is expected, if `text` is not a value of `option`; "" if it is, or if we don't know the option.
std::string apply(const std::string& option, const std::string& text, ir::Config& config) {
  for (const Flag& flag : kFlags) {
    if (option != flag.option) continue;
    const auto parsed = parse_flag(text);
    if (!parsed) return "expected `true` or `false`";
    config.*flag.member = *parsed;
    return "";
  }
  const bool is_switch = std::any_of(std::begin(kKindSwitches), std::end(kKindSwitches), [&](const KindSwitch& one) { return option == one.option; });
  if (is_switch && !parse_flag(text)) return "expected `true` or `false`";
  if (option == "enable-policy") return set_mode(text, config.mode) ? "" : "expected `default`, `always` or `never`";
  if (option == "allow-localhost") {
    if (text != "auto" && text != "always" && text != "policy") return "expected `auto`, `always` or `policy`";
    config.allow_localhost = text != "policy";
  } else if (option == "policy-cidr-match-mode") {
    if (!set_cidr_match_mode(text, config.cidr_matches_nodes)) return "expected `nodes`";
  } else if (option == "bpf-policy-map-max") {
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, config.policy_map_max);
    if (error != std::errc() || at != end) return "expected a number of entries";
  } else if (option == "cluster-name") {
    config.cluster_name = text.empty() ? "default" : text;
  } else if (option == "labels") {
    if (text.find_first_not_of(" \t\r\n") != std::string::npos) config.labels = text;
  }
  return "";
}

}  // namespace

std::optional<bool> parse_flag(const std::string& text) {
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

bool is_read_option(const std::string& option) {
  return std::any_of(std::begin(kFlags), std::end(kFlags), [&](const Flag& flag) { return option == flag.option; }) ||
         std::find(std::begin(kOthers), std::end(kOthers), option) != std::end(kOthers) ||
         std::any_of(std::begin(kKindSwitches), std::end(kKindSwitches), [&](const KindSwitch& one) { return option == one.option; }) ||
         std::find(std::begin(kOfServices), std::end(kOfServices), option) != std::end(kOfServices);
}

std::optional<std::string> switched_off(const Node& config_map, const std::string& kind) {
  const Node* data = config_map.is_mapping() ? config_map.find("data") : nullptr;
  if (data == nullptr || !data->is_mapping()) return std::nullopt;
  for (const KindSwitch& one : kKindSwitches) {
    const Node* value = kind == one.kind ? data->find(one.option) : nullptr;
    if (value != nullptr && value->is_string() && parse_flag(value->text) == false) return one.option;
  }
  return std::nullopt;
}

void apply_cilium_config(const Node& config_map, ir::Config& config, DiagSink& sink) {
  const Fields fields(sink);
  const Node* data = fields.mapping(&config_map, "data");
  if (data == nullptr) return;
  Overlay overlay;
  for (const auto& [key, value] : data->entries) {
    const std::string text = fields.text(data, key.text);
    if (value.is_null() || !value.is_string()) continue;  // reported, if it is wrong
    if (!is_read_option(key.text)) continue;
    std::string expected = apply(key.text, text, config);
    if (expected.empty()) expected = apply(key.text, text, overlay);
    if (expected.empty()) continue;
    sink.error({.kind = DiagKind::ConfigValue,
                .where = value.span,
                .message = "`" + text + "` is not a value of `" + key.text + "`",
                .label = expected});
  }
  config.tunnel_port = overlay.used();
  if (!config.ipv4 && !config.ipv6) {
    sink.error({.kind = DiagKind::ConfigValue,
                .where = data->span,
                .message = "both `enable-ipv4` and `enable-ipv6` are off",
                .label = "one of them is needed"});
    config.ipv4 = true;
  }
}

}  // namespace netpolc::frontend
