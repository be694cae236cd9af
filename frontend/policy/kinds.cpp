#include "frontend/policy/kinds.h"

#include <algorithm>
#include <array>
#include <string>

namespace netpolc::frontend {
namespace {

struct KnownKind {
  std::string_view api_version, kind;
  PolicyObject object;
};
constexpr std::array kPolicyKinds = {
    KnownKind{"cilium.io/v2", "CiliumNetworkPolicy", PolicyObject::CiliumNetworkPolicy},
    KnownKind{"cilium.io/v2", "CiliumClusterwideNetworkPolicy", PolicyObject::CiliumClusterwideNetworkPolicy},
    KnownKind{"cilium.io/v2", "CiliumCIDRGroup", PolicyObject::CiliumCidrGroup},
    KnownKind{"cilium.io/v2alpha1", "CiliumCIDRGroup", PolicyObject::CiliumCidrGroup},
    KnownKind{"networking.k8s.io/v1", "NetworkPolicy", PolicyObject::NetworkPolicy},
};

// Kinds of the two groups that are no policies of ours.
constexpr std::array<std::string_view, 29> kOtherKinds = {
    "CiliumEndpoint", "CiliumEndpointSlice", "CiliumIdentity", "CiliumNode", "CiliumNodeConfig",
    "CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig", "CiliumLocalRedirectPolicy", "CiliumEgressGatewayPolicy",
    "CiliumLoadBalancerIPPool", "CiliumL2AnnouncementPolicy", "CiliumPodIPPool", "CiliumExternalWorkload",
    "CiliumGatewayClassConfig", "CiliumVTEPConfig", "CiliumBGPPeeringPolicy", "CiliumBGPClusterConfig",
    "CiliumBGPPeerConfig", "CiliumBGPAdvertisement", "CiliumBGPNodeConfig", "CiliumBGPNodeConfigOverride",
    "CiliumDatapathPlugin", "CiliumResourceIPPool", "Ingress", "IngressClass", "IPAddress", "ServiceCIDR",
    "ClusterCIDR", "List",
};

std::string_view group_of(std::string_view api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}

std::string text_of(const Node& object, std::string_view key) {
  const Node* node = object.find(key);
  return node && node->is_string() ? node->text : std::string();
}

Reported misspelt(const Node& object, const std::string& api_version, const std::string& kind, DiagSink& sink) {
  for (const auto& known : kPolicyKinds) {
    if (known.kind != kind) continue;
    const Span where = object.find("apiVersion")->span;
    return sink.error({.kind = DiagKind::UnknownPolicyKind,
                       .where = where,
                       .message = "there is no `" + kind + "` in `" + api_version + "`",
                       .label = "it is in `" + std::string(known.api_version) + "`",
                       .fix = FixIt{where, std::string(known.api_version)}});
  }
  return sink.error({.kind = DiagKind::UnknownPolicyKind,
                     .where = object.find("kind")->span,
                     .message = "unknown kind `" + kind + "` in `" + api_version + "`",
                     .label = "no kind of this group has this name"});
}

}  // namespace

std::optional<PolicyObject> policy_object(std::string_view api_version, std::string_view kind) {
  for (const auto& known : kPolicyKinds) {
    if (known.api_version == api_version && known.kind == kind) return known.object;
  }
  return std::nullopt;
}

bool is_misspelt_policy(std::string_view api_version, std::string_view kind) {
  if (is_policy_kind(api_version, kind)) return false;
  const auto group = group_of(api_version);
  const bool ours = group == "cilium.io" || group == "networking.k8s.io";
  const bool policy_name = std::any_of(kPolicyKinds.begin(), kPolicyKinds.end(), [&](const auto& k) { return k.kind == kind; });
  if (policy_name) return ours || group.empty() || group == "extensions";
  const bool list = kind.size() > 4 && kind.ends_with("List");
  return ours && !list && std::find(kOtherKinds.begin(), kOtherKinds.end(), kind) == kOtherKinds.end();
}

Checked<std::optional<PolicyObject>> classify_policy(const Node& object, DiagSink& sink) {
  if (!object.is_mapping()) {
    return tl::unexpected(sink.error({.kind = DiagKind::NotAnObject, .where = object.span,
                                      .message = "a document must be one mapping", .label = "this is no Kubernetes object"}));
  }
  for (const char* key : {"apiVersion", "kind"}) {
    if (!text_of(object, key).empty()) continue;
    return tl::unexpected(sink.error({.kind = DiagKind::NotAnObject, .where = object.span,
                                      .message = std::string("the object has no `") + key + "`",
                                      .label = std::string("`") + key + "` is required"}));
  }
  const std::string api_version = text_of(object, "apiVersion"), kind = text_of(object, "kind");
  if (is_misspelt_policy(api_version, kind)) return tl::unexpected(misspelt(object, api_version, kind, sink));
  return policy_object(api_version, kind);
}

}  // namespace netpolc::frontend
