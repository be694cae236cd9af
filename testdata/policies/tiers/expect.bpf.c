/* The policy of an endpoint, generated from its decision table. The text depends on what the
 * policy means and on nothing else: endpoints with the same policy share it.
 *
 * Each peer condition of a rule is a bit. The maps np_peers_in and np_peers_out say which bits
 * hold for an identity, so a new pod is a new map entry and no new program. The first line that
 * holds decides, and denies come first. Numbers in verdicts are those of the rules as listed.
 *
 * To compile it alone, in the directory of this file:
 *
 *   clang-19 -target bpf -mcpu=v3 -O2 -g -I include -include np_runtime.bpf.c -c DIGEST.c -o DIGEST.o
 */
#include "np_policy.h"

NP_PROGRAM(0x4b0e3dcae3a2cf01ULL)
NP_PLAN(NP_JUDGED, 0)
NP_COUNTERS(8, 0)

/* ---- ingress: default deny ----
 * rule 0: admin 10[0]: allow from k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=watch on 9090/TCP
 * rule 1: admin 10[1]: pass from k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default on all traffic
 * rule 2: admin 10[2]: deny from k8s:io.kubernetes.pod.namespace exists on all traffic
 * rule 3: allow from k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace=shop on 5432/TCP
 * rule 4: baseline 0[0]: deny from k8s:app=batch, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists on all traffic
 * rule 5: baseline 0[1]: allow from k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists on 8080/TCP
 * rule 6: allow from the own node on all traffic
 * rule 7: deny everyone on all traffic: default deny
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_ENTITY_HOST = 1, /* entity host */
	FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE = 2, /* k8s:app=batch, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists */
	FROM_APP_WEB_CLUSTER_DEFAULT_NAMESPACE = 3, /* k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists */
	FROM_APP_WEB_CLUSTER_DEFAULT_NAMESPACE_SHOP = 4, /* k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace=shop */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE = 5, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT6 = 6, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default and entity host */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT7 = 7, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default and k8s:app=batch, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT8 = 8, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default and k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT9 = 9, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default and k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace=shop */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_WATCH = 10, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=watch */
	FROM_NAMESPACE = 11, /* k8s:io.kubernetes.pod.namespace exists */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 5432:
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT9))
			return NP_ALLOW(3);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT7))
			return NP_DENY(4);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT6))
			return NP_ALLOW(6);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE))
			return NP_DENY(7);
		if (np_is(from, FROM_NAMESPACE))
			return NP_DENY(2);
		if (np_is(from, FROM_APP_WEB_CLUSTER_DEFAULT_NAMESPACE_SHOP))
			return NP_ALLOW(3);
		if (np_is(from, FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE))
			return NP_DENY(4);
		if (np_is(from, FROM_ENTITY_HOST))
			return NP_ALLOW(6);
		return NP_DENY(7);
	case 8080:
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT7))
			return NP_DENY(4);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT8))
			return NP_ALLOW(5);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT6))
			return NP_ALLOW(6);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE))
			return NP_DENY(7);
		if (np_is(from, FROM_NAMESPACE))
			return NP_DENY(2);
		if (np_is(from, FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE))
			return NP_DENY(4);
		if (np_is(from, FROM_APP_WEB_CLUSTER_DEFAULT_NAMESPACE))
			return NP_ALLOW(5);
		if (np_is(from, FROM_ENTITY_HOST))
			return NP_ALLOW(6);
		return NP_DENY(7);
	case 9090:
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_WATCH))
			return NP_ALLOW(0);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT7))
			return NP_DENY(4);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT6))
			return NP_ALLOW(6);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE))
			return NP_DENY(7);
		if (np_is(from, FROM_NAMESPACE))
			return NP_DENY(2);
		if (np_is(from, FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE))
			return NP_DENY(4);
		if (np_is(from, FROM_ENTITY_HOST))
			return NP_ALLOW(6);
		return NP_DENY(7);
	default:
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT7))
			return NP_DENY(4);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT6))
			return NP_ALLOW(6);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE))
			return NP_DENY(7);
		if (np_is(from, FROM_NAMESPACE))
			return NP_DENY(2);
		if (np_is(from, FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE))
			return NP_DENY(4);
		if (np_is(from, FROM_ENTITY_HOST))
			return NP_ALLOW(6);
		return NP_DENY(7);
	}
	return np_default_deny_but_host(flow);
}

static np_verdict ingress_udp_sctp_icmp_icmpv6(const struct np_flow *flow, const np_u64 *from)
{
	if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT7))
		return NP_DENY(4);
	if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT6))
		return NP_ALLOW(6);
	if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE))
		return NP_DENY(7);
	if (np_is(from, FROM_NAMESPACE))
		return NP_DENY(2);
	if (np_is(from, FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE))
		return NP_DENY(4);
	if (np_is(from, FROM_ENTITY_HOST))
		return NP_ALLOW(6);
	return NP_DENY(7);
}

np_verdict np_policy_ingress(const struct np_flow *flow)
{
	const np_u64 *from = np_peer(np_peers_in, flow);

	switch (flow->protocol) {
	case NP_TCP:
		return ingress_tcp(flow, from);
	case NP_UDP:
	case NP_SCTP:
	case NP_ICMP:
	case NP_ICMPV6:
		return ingress_udp_sctp_icmp_icmpv6(flow, from);
	}
	return np_default_deny_but_host(flow);
}

/* ---- egress: no rule selects this endpoint ---- */
NP_PEERS(np_peers_out, 1);

np_verdict np_policy_egress(const struct np_flow *flow)
{
	return np_default_allow();
}
/* The policy of an endpoint, generated from its decision table. The text depends on what the
 * policy means and on nothing else: endpoints with the same policy share it.
 *
 * Each peer condition of a rule is a bit. The maps np_peers_in and np_peers_out say which bits
 * hold for an identity, so a new pod is a new map entry and no new program. The first line that
 * holds decides, and denies come first. Numbers in verdicts are those of the rules as listed.
 *
 * To compile it alone, in the directory of this file:
 *
 *   clang-19 -target bpf -mcpu=v3 -O2 -g -I include -include np_runtime.bpf.c -c DIGEST.c -o DIGEST.o
 */
#include "np_policy.h"

NP_PROGRAM(0x0206f179c927c3ceULL)
NP_PLAN(NP_JUDGED, 0)
NP_COUNTERS(6, 0)

/* ---- ingress: default allow ----
 * rule 0: admin 10[0]: allow from k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=watch on 9090/TCP
 * rule 1: admin 10[1]: pass from k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default on all traffic
 * rule 2: admin 10[2]: deny from k8s:io.kubernetes.pod.namespace exists on all traffic
 * rule 3: baseline 0[0]: deny from k8s:app=batch, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists on all traffic
 * rule 4: baseline 0[1]: allow from k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists on 8080/TCP
 * rule 5: allow everyone on all traffic: no policy asks for default deny
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE = 1, /* k8s:app=batch, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists */
	FROM_APP_WEB_CLUSTER_DEFAULT_NAMESPACE = 2, /* k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE = 3, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT4 = 4, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default and k8s:app=batch, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT5 = 5, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop, k8s:io.cilium.k8s.policy.cluster=default and k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace exists */
	FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_WATCH = 6, /* k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=watch */
	FROM_NAMESPACE = 7, /* k8s:io.kubernetes.pod.namespace exists */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 8080:
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT4))
			return NP_DENY(3);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT5))
			return NP_ALLOW(4);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE))
			return NP_ALLOW(5);
		if (np_is(from, FROM_NAMESPACE))
			return NP_DENY(2);
		if (np_is(from, FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE))
			return NP_DENY(3);
		if (np_is(from, FROM_APP_WEB_CLUSTER_DEFAULT_NAMESPACE))
			return NP_ALLOW(4);
		return NP_ALLOW(5);
	case 9090:
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_WATCH))
			return NP_ALLOW(0);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT4))
			return NP_DENY(3);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE))
			return NP_ALLOW(5);
		if (np_is(from, FROM_NAMESPACE))
			return NP_DENY(2);
		if (np_is(from, FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE))
			return NP_DENY(3);
		return NP_ALLOW(5);
	default:
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT4))
			return NP_DENY(3);
		if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE))
			return NP_ALLOW(5);
		if (np_is(from, FROM_NAMESPACE))
			return NP_DENY(2);
		if (np_is(from, FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE))
			return NP_DENY(3);
		return NP_ALLOW(5);
	}
	return np_default_allow();
}

static np_verdict ingress_udp_sctp_icmp_icmpv6(const struct np_flow *flow, const np_u64 *from)
{
	if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE_BIT4))
		return NP_DENY(3);
	if (np_is(from, FROM_NAMESPACE_LABELS_KUBERNETES_IO_METADATA_NAME_SHOP_CLUSTE))
		return NP_ALLOW(5);
	if (np_is(from, FROM_NAMESPACE))
		return NP_DENY(2);
	if (np_is(from, FROM_APP_BATCH_CLUSTER_DEFAULT_NAMESPACE))
		return NP_DENY(3);
	return NP_ALLOW(5);
}

np_verdict np_policy_ingress(const struct np_flow *flow)
{
	const np_u64 *from = np_peer(np_peers_in, flow);

	switch (flow->protocol) {
	case NP_TCP:
		return ingress_tcp(flow, from);
	case NP_UDP:
	case NP_SCTP:
	case NP_ICMP:
	case NP_ICMPV6:
		return ingress_udp_sctp_icmp_icmpv6(flow, from);
	}
	return np_default_allow();
}

/* ---- egress: no rule selects this endpoint ---- */
NP_PEERS(np_peers_out, 1);

np_verdict np_policy_egress(const struct np_flow *flow)
{
	return np_default_allow();
}
/* The policy of an endpoint, generated from its decision table. The text depends on what the
 * policy means and on nothing else: endpoints with the same policy share it.
 *
 * Each peer condition of a rule is a bit. The maps np_peers_in and np_peers_out say which bits
 * hold for an identity, so a new pod is a new map entry and no new program. The first line that
 * holds decides, and denies come first. Numbers in verdicts are those of the rules as listed.
 *
 * To compile it alone, in the directory of this file:
 *
 *   clang-19 -target bpf -mcpu=v3 -O2 -g -I include -include np_runtime.bpf.c -c DIGEST.c -o DIGEST.o
 */
#include "np_policy.h"

NP_PROGRAM(0x62a0e49a4fdbaa49ULL)
NP_PLAN(0, 0)
NP_COUNTERS(0, 0)

/* ---- ingress: no rule selects this endpoint ---- */
NP_PEERS(np_peers_in, 1);

np_verdict np_policy_ingress(const struct np_flow *flow)
{
	return np_default_allow();
}

/* ---- egress: no rule selects this endpoint ---- */
NP_PEERS(np_peers_out, 1);

np_verdict np_policy_egress(const struct np_flow *flow)
{
	return np_default_allow();
}
