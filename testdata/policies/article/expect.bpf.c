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

NP_PROGRAM(0xe80b4382a0aa5fa6ULL)
NP_PLAN(NP_JUDGED, NP_JUDGED | NP_PREFIXES)
NP_COUNTERS(2, 2)

/* ---- ingress: default deny ----
 * rule 0: allow from any:app=frontend, k8s:io.kubernetes.pod.namespace=production on 8080/TCP | 8443/TCP
 * rule 1: allow from any:app=prometheus, k8s:io.kubernetes.pod.namespace=monitoring on 9090/TCP
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_APP_FRONTEND_NAMESPACE_PRODUCTION = 1, /* any:app=frontend, k8s:io.kubernetes.pod.namespace=production */
	FROM_APP_PROMETHEUS_NAMESPACE_MONITORING = 2, /* any:app=prometheus, k8s:io.kubernetes.pod.namespace=monitoring */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 8080:
	case 8443:
		if (np_is(from, FROM_APP_FRONTEND_NAMESPACE_PRODUCTION))
			return NP_ALLOW(0);
		break;
	case 9090:
		if (np_is(from, FROM_APP_PROMETHEUS_NAMESPACE_MONITORING))
			return NP_ALLOW(1);
		break;
	}
	return np_default_deny_but_host(flow);
}

np_verdict np_policy_ingress(const struct np_flow *flow)
{
	const np_u64 *from = np_peer(np_peers_in, flow);

	switch (flow->protocol) {
	case NP_TCP:
		return ingress_tcp(flow, from);
	}
	return np_default_deny_but_host(flow);
}

/* ---- egress: default deny ----
 * rule 0: allow to any:k8s-app=kube-dns, k8s:io.kubernetes.pod.namespace=kube-system on 53/SCTP | 53/TCP | 53/UDP
 * rule 1: allow to cidr 10.0.0.0/8 on 5432/TCP
 */
NP_PEERS(np_peers_out, 1);

enum egress_peer {
	TO_K8S_APP_KUBE_DNS_NAMESPACE_KUBE_SYSTEM = 1, /* any:k8s-app=kube-dns, k8s:io.kubernetes.pod.namespace=kube-system */
	TO_CIDR_10_0_0_0_8 = 2, /* cidr 10.0.0.0/8 */
};

static np_verdict egress_tcp(const struct np_flow *flow, const np_u64 *to)
{
	switch (flow->port) {
	case 53:
		if (np_is(to, TO_K8S_APP_KUBE_DNS_NAMESPACE_KUBE_SYSTEM))
			return NP_ALLOW(0);
		break;
	case 5432:
		if (np_is(to, TO_CIDR_10_0_0_0_8))
			return NP_ALLOW(1);
		break;
	}
	return np_default_deny();
}

static np_verdict egress_udp_sctp(const struct np_flow *flow, const np_u64 *to)
{
	switch (flow->port) {
	case 53:
		if (np_is(to, TO_K8S_APP_KUBE_DNS_NAMESPACE_KUBE_SYSTEM))
			return NP_ALLOW(0);
		break;
	}
	return np_default_deny();
}

np_verdict np_policy_egress(const struct np_flow *flow)
{
	const np_u64 *to = np_peer(np_peers_out, flow);

	switch (flow->protocol) {
	case NP_TCP:
		return egress_tcp(flow, to);
	case NP_UDP:
	case NP_SCTP:
		return egress_udp_sctp(flow, to);
	}
	return np_default_deny();
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

NP_PROGRAM(0x15c9254154d58167ULL)
NP_PLAN(NP_JUDGED, 0)
NP_COUNTERS(1, 0)

/* ---- ingress: default deny ----
 * rule 0: allow from any:app=prometheus, k8s:io.kubernetes.pod.namespace=monitoring on 9090/TCP
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_APP_PROMETHEUS_NAMESPACE_MONITORING = 1, /* any:app=prometheus, k8s:io.kubernetes.pod.namespace=monitoring */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 9090:
		if (np_is(from, FROM_APP_PROMETHEUS_NAMESPACE_MONITORING))
			return NP_ALLOW(0);
		break;
	}
	return np_default_deny_but_host(flow);
}

np_verdict np_policy_ingress(const struct np_flow *flow)
{
	const np_u64 *from = np_peer(np_peers_in, flow);

	switch (flow->protocol) {
	case NP_TCP:
		return ingress_tcp(flow, from);
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
