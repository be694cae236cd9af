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

NP_PROGRAM(0xb22bcade016e1f4aULL)
NP_PLAN(NP_JUDGED | NP_PREFIXES, NP_JUDGED)
NP_COUNTERS(2, 0)

/* ---- ingress: default deny ----
 * rule 0: allow from cidr 203.0.113.0/24 except 203.0.113.128/25 on 8443/TCP | http/TCP
 * rule 1: allow from k8s:app=desk, k8s:io.cilium.k8s.namespace.labels.team=green on 8443/TCP | http/TCP
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_CIDR_203_0_113_0_24_EXCEPT_203_0_113_128_25 = 1, /* cidr 203.0.113.0/24 except 203.0.113.128/25 */
	FROM_APP_DESK_NAMESPACE_LABELS_TEAM_GREEN = 2, /* k8s:app=desk, k8s:io.cilium.k8s.namespace.labels.team=green */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 8080:
	case 8443:
		if (np_is(from, FROM_CIDR_203_0_113_0_24_EXCEPT_203_0_113_128_25))
			return NP_ALLOW(0);
		if (np_is(from, FROM_APP_DESK_NAMESPACE_LABELS_TEAM_GREEN))
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

/* ---- egress: default deny ---- */
NP_PEERS(np_peers_out, 1);

np_verdict np_policy_egress(const struct np_flow *flow)
{
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
