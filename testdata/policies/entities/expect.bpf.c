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

NP_PROGRAM(0xa27b39c125709440ULL)
NP_PLAN(NP_JUDGED, NP_JUDGED)
NP_COUNTERS(2, 1)

/* ---- ingress: default deny ----
 * rule 0: allow from entity remote-node on 9100/TCP
 * rule 1: allow from entity world on 443/TCP
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_ENTITY_REMOTE_NODE = 1, /* entity remote-node */
	FROM_ENTITY_WORLD = 2, /* entity world */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 443:
		if (np_is(from, FROM_ENTITY_WORLD))
			return NP_ALLOW(1);
		break;
	case 9100:
		if (np_is(from, FROM_ENTITY_REMOTE_NODE))
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

/* ---- egress: default deny ----
 * rule 0: allow to entity cluster on all traffic
 */
NP_PEERS(np_peers_out, 1);

enum egress_peer {
	TO_ENTITY_CLUSTER = 1, /* entity cluster */
};

static np_verdict egress_any(const struct np_flow *flow, const np_u64 *to)
{
	if (np_is(to, TO_ENTITY_CLUSTER))
		return NP_ALLOW(0);
	return np_default_deny();
}

np_verdict np_policy_egress(const struct np_flow *flow)
{
	const np_u64 *to = np_peer(np_peers_out, flow);

	return egress_any(flow, to);
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
