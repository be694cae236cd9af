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

NP_PROGRAM(0xc7b2e7f58081c238ULL)
NP_PLAN(0, NP_JUDGED | NP_PREFIXES)
NP_COUNTERS(0, 2)

/* ---- ingress: no rule selects this endpoint ---- */
NP_PEERS(np_peers_in, 1);

np_verdict np_policy_ingress(const struct np_flow *flow)
{
	return np_default_allow();
}

/* ---- egress: default deny ----
 * rule 0: allow to fqdn *.cdn.example.net on 80/TCP
 * rule 1: allow to fqdn pay.example.com on 443/TCP
 */
NP_PEERS(np_peers_out, 1);

enum egress_peer {
	TO_FQDN_CDN_EXAMPLE_NET = 1, /* fqdn *.cdn.example.net */
	TO_FQDN_PAY_EXAMPLE_COM = 2, /* fqdn pay.example.com */
};

static np_verdict egress_tcp(const struct np_flow *flow, const np_u64 *to)
{
	switch (flow->port) {
	case 80:
		if (np_is(to, TO_FQDN_CDN_EXAMPLE_NET))
			return NP_ALLOW(0);
		break;
	case 443:
		if (np_is(to, TO_FQDN_PAY_EXAMPLE_COM))
			return NP_ALLOW(1);
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
