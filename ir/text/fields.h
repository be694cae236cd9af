// ir/text/fields.h — which fields the IR's records have and what they are called in its text: the
// one description from which the printer writes and the parser reads.
//
// A visitor has these members; each but the first three may occur once in a record.
//   list(name, values, visit)   repeated: `name { … }`, one for each value
//   each(name, values)          repeated: `name VALUE`
//   peers(values)               repeated: `labels { … }`, `entity NAME`, …
//   text, number, value, flag   `name TEXT`, `name 80`, `name WORD` of an enumeration, `name`
//   selector                    `name { source:key in (…) … }`
//   optional, record            `name { … }`
// What has its default value is not written; an enumeration without a default always is.
#pragma once
#include "ir/policy.h"

namespace netpolc::ir::text {

template <class V>
void fields(V& v, TlsContext& tls) {
  v.text("secret-namespace", tls.secret_namespace);
  v.text("secret", tls.secret_name);
  v.text("trusted-ca", tls.trusted_ca);
  v.text("certificate", tls.certificate);
  v.text("private-key", tls.private_key);
}

template <class V>
void fields(V& v, Listener& listener) {
  v.text("kind", listener.kind);
  v.text("config-namespace", listener.config_namespace);
  v.text("config", listener.config_name);
  v.text("name", listener.name);
  v.number("priority", listener.priority);
  v.flag("unusable", listener.unusable);
}

template <class V>
void fields(V& v, HeaderMatch& header) {
  v.text("name", header.name);
  v.text("value", header.value);
  v.text("secret-namespace", header.secret_namespace);
  v.text("secret", header.secret_name);
  v.text("mismatch", header.mismatch);
}

template <class V>
void fields(V& v, HttpRule& rule) {
  v.text("method", rule.method);
  v.text("path", rule.path);
  v.text("host", rule.host);
  v.each("header", rule.headers);
  v.list("header-match", rule.header_matches);
}

template <class V>
void fields(V& v, DnsRule& rule) {
  v.text("name", rule.match_name);
  v.text("pattern", rule.match_pattern);
}

template <class V>
void fields(V& v, KafkaRule& rule) {
  v.text("role", rule.role);
  v.text("api-key", rule.api_key);
  v.text("api-version", rule.api_version);
  v.text("client-id", rule.client_id);
  v.text("topic", rule.topic);
}

template <class V>
void fields(V& v, GenericRule& rule) {
  v.pairs("match", rule);
}

template <class V>
void fields(V& v, L7& l7) {
  v.value("parser", l7.parser, L7Parser::None);
  v.text("protocol", l7.generic_name);
  v.list("http", l7.http);
  v.list("dns", l7.dns);
  v.list("kafka", l7.kafka);
  v.list("generic", l7.generic);
  v.each("server-name", l7.server_names);
  v.optional("terminating-tls", l7.terminating_tls);
  v.optional("originating-tls", l7.originating_tls);
  v.optional("listener", l7.listener);
}

template <class V>
void fields(V& v, PortRule& rule) {
  v.each("port", rule.ports);
  v.record("l7", rule.l7);
}

template <class V>
void fields(V& v, LabelPeer& peer) {
  v.selector("match", peer.selector);
  v.flag("nodes", peer.endpoints, false);
}

template <class V>
void fields(V& v, EntityPeer& peer) {
  v.value("name", peer.entity);
}

template <class V>
void fields(V& v, CidrPeer& peer) {
  v.prefix("prefix", peer.prefix);
  v.each("except", peer.except);
  v.flag("in-set", peer.in_set);
}

template <class V>
void fields(V& v, CidrGroupPeer& peer) {
  v.text("name", peer.name);
  v.optional("match", peer.selector);
  v.each("except", peer.except);
}

template <class V>
void fields(V& v, FqdnPeer& peer) {
  v.text("name", peer.match_name);
  v.text("pattern", peer.match_pattern);
}

template <class V>
void fields(V& v, ServicePeer& peer) {
  v.text("namespace", peer.ns);
  v.text("name", peer.name);
  v.optional("match", peer.selector);
}

template <class V>
void fields(V& v, Rule& rule) {
  v.text("path", rule.path);
  v.value("direction", rule.direction);
  v.value("action", rule.action);
  v.number("order", rule.order);
  v.value("peers", rule.peer_kind, PeerKind::Unspecified);
  v.peers(rule.peers);
  v.selectors("requires", rule.requires_all);
  v.flag("ports-listed", rule.any_l4, false);
  v.list("ports", rule.ports);
  v.value("auth", rule.auth, AuthMode::Unset);
}

template <class V>
void fields(V& v, Policy& policy) {
  v.value("kind", policy.kind);
  v.text("namespace", policy.ns);
  v.text("name", policy.name);
  v.value("tier", policy.tier, Tier::Normal);
  v.number("priority", policy.priority);
  v.selector("subject", policy.subject);
  v.flag("subject-is-node", policy.subject_is_node);
  v.flag("default-deny-ingress", policy.default_deny_ingress);
  v.flag("default-deny-egress", policy.default_deny_egress);
  v.list("rule", policy.rules);
}

template <class V>
void fields(V& v, PolicySet& set) {
  v.list("policy", set.policies);
}

// What a peer's record is called, by the variant's index.
inline constexpr std::string_view kPeerNames[] = {"labels", "entity", "cidr", "cidr-group", "fqdn", "service"};

}  // namespace netpolc::ir::text
