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

NP_PROGRAM(0x8c80a989e4aab958ULL)
NP_PLAN(NP_JUDGED, 0)
NP_COUNTERS(1, 0)

/* ---- ingress: default deny ----
 * rule 0: allow from k8s:io.cilium.k8s.namespace.labels.team=blue, k8s:io.kubernetes.pod.namespace exists on all traffic
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_NAMESPACE_LABELS_TEAM_BLUE_NAMESPACE = 1, /* k8s:io.cilium.k8s.namespace.labels.team=blue, k8s:io.kubernetes.pod.namespace exists */
};

static np_verdict ingress_any(const struct np_flow *flow, const np_u64 *from)
{
	if (np_is(from, FROM_NAMESPACE_LABELS_TEAM_BLUE_NAMESPACE))
		return NP_ALLOW(0);
	return np_default_deny_but_host(flow);
}

np_verdict np_policy_ingress(const struct np_flow *flow)
{
	const np_u64 *from = np_peer(np_peers_in, flow);

	return ingress_any(flow, from);
}

/* ---- egress: no rule selects this endpoint ---- */
NP_PEERS(np_peers_out, 1);

np_verdict np_policy_egress(const struct np_flow *flow)
{
	return np_default_allow();
}
