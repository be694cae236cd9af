// ir/text/names.h — what values of the IR's enumerations are called in its text.
#pragma once
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "ir/policy.h"

namespace netpolc::ir::text {

template <class T, std::size_t N>
using Names = std::array<std::pair<T, std::string_view>, N>;

inline constexpr Names<Direction, 2> names_of(Direction) { return {{{Direction::Ingress, "ingress"}, {Direction::Egress, "egress"}}}; }
inline constexpr Names<Action, 3> names_of(Action) { return {{{Action::Allow, "allow"}, {Action::Deny, "deny"}, {Action::Pass, "pass"}}}; }
inline constexpr Names<Tier, 4> names_of(Tier) {
  return {{{Tier::Admin, "admin"}, {Tier::Normal, "normal"}, {Tier::Baseline, "baseline"}, {Tier::Default, "default"}}};
}
inline constexpr Names<PeerKind, 3> names_of(PeerKind) {
  return {{{PeerKind::Unspecified, "unspecified"}, {PeerKind::Nobody, "nobody"}, {PeerKind::Listed, "listed"}}};
}
inline constexpr Names<AuthMode, 4> names_of(AuthMode) {
  return {{{AuthMode::Unset, "unset"}, {AuthMode::Disabled, "disabled"}, {AuthMode::Required, "required"}, {AuthMode::AlwaysFail, "test-always-fail"}}};
}
inline constexpr Names<PolicyKind, 4> names_of(PolicyKind) {
  return {{{PolicyKind::CiliumNetworkPolicy, "CiliumNetworkPolicy"},
           {PolicyKind::CiliumClusterwideNetworkPolicy, "CiliumClusterwideNetworkPolicy"},
           {PolicyKind::NetworkPolicy, "NetworkPolicy"},
           {PolicyKind::ClusterNetworkPolicy, "ClusterNetworkPolicy"}}};
}
inline constexpr Names<L7Parser, 7> names_of(L7Parser) {
  return {{{L7Parser::None, "none"}, {L7Parser::Http, "http"}, {L7Parser::Dns, "dns"}, {L7Parser::Kafka, "kafka"},
           {L7Parser::Generic, "generic"}, {L7Parser::Tls, "tls"}, {L7Parser::Crd, "crd"}}};
}
inline constexpr Names<Operator, 4> names_of(Operator) {
  return {{{Operator::In, "in"}, {Operator::NotIn, "not-in"}, {Operator::Exists, "exists"}, {Operator::DoesNotExist, "does-not-exist"}}};
}
inline constexpr Names<Entity, 11> names_of(Entity) {
  return {{{Entity::All, "all"}, {Entity::World, "world"}, {Entity::Cluster, "cluster"}, {Entity::Host, "host"}, {Entity::Init, "init"},
           {Entity::Ingress, "ingress"}, {Entity::Unmanaged, "unmanaged"}, {Entity::RemoteNode, "remote-node"}, {Entity::Health, "health"},
           {Entity::None, "none"}, {Entity::KubeApiserver, "kube-apiserver"}}};
}
inline constexpr Names<Protocol, 13> names_of(Protocol) {
  return {{{Protocol::Any, "ANY"}, {Protocol::Tcp, "TCP"}, {Protocol::Udp, "UDP"}, {Protocol::Sctp, "SCTP"}, {Protocol::Icmp, "ICMP"},
           {Protocol::Icmpv6, "ICMPv6"}, {Protocol::Vrrp, "VRRP"}, {Protocol::Igmp, "IGMP"}, {Protocol::Gre, "GRE"}, {Protocol::Ipip, "IPIP"},
           {Protocol::Ipv6, "IPV6"}, {Protocol::Esp, "ESP"}, {Protocol::Ah, "AH"}}};
}

template <class T>
std::string_view name_of(T value) {
  for (const auto& [known, name] : names_of(value))
    if (known == value) return name;
  return "";
}

template <class T>
std::optional<T> value_of(std::string_view name) {
  for (const auto& [value, known] : names_of(T{}))
    if (known == name) return value;
  return std::nullopt;
}

}  // namespace netpolc::ir::text
