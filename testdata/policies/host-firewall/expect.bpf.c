/* The policy of a node, generated from its decision table. The text depends on what the
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

NP_PROGRAM(0x2e4af76c05432f7dULL)
NP_PLAN(NP_NODE, NP_NODE)
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
/* The policy of a node, generated from its decision table. The text depends on what the
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

NP_PROGRAM(0xdbda823f6043d227ULL)
NP_PLAN(NP_JUDGED | NP_PREFIXES | NP_NODE, NP_JUDGED | NP_PREFIXES | NP_NODE)
NP_COUNTERS(2, 2)

/* ---- ingress: default deny ----
 * rule 0: allow from any:app=web, any:io.kubernetes.pod.namespace=shop on 10250/TCP
 * rule 1: allow from cidr 203.0.113.0/24 on 22/TCP
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_APP_WEB_NAMESPACE_SHOP = 1, /* any:app=web, any:io.kubernetes.pod.namespace=shop */
	FROM_CIDR_203_0_113_0_24 = 2, /* cidr 203.0.113.0/24 */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 22:
		if (np_is(from, FROM_CIDR_203_0_113_0_24))
			return NP_ALLOW(1);
		break;
	case 10250:
		if (np_is(from, FROM_APP_WEB_NAMESPACE_SHOP))
			return NP_ALLOW(0);
		break;
	}
	return np_default_deny();
}

np_verdict np_policy_ingress(const struct np_flow *flow)
{
	const np_u64 *from = np_peer(np_peers_in, flow);

	switch (flow->protocol) {
	case NP_TCP:
		return ingress_tcp(flow, from);
	}
	return np_default_deny();
}

/* ---- egress: default deny ----
 * rule 0: allow to any:app=web, any:io.kubernetes.pod.namespace=shop on 8080/TCP
 * rule 1: allow to entity world on 443/TCP
 */
NP_PEERS(np_peers_out, 1);

enum egress_peer {
	TO_APP_WEB_NAMESPACE_SHOP = 1, /* any:app=web, any:io.kubernetes.pod.namespace=shop */
	TO_ENTITY_WORLD = 2, /* entity world */
};

static np_verdict egress_tcp(const struct np_flow *flow, const np_u64 *to)
{
	switch (flow->port) {
	case 443:
		if (np_is(to, TO_ENTITY_WORLD))
			return NP_ALLOW(1);
		break;
	case 8080:
		if (np_is(to, TO_APP_WEB_NAMESPACE_SHOP))
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

NP_PROGRAM(0x2af6768ead783a87ULL)
NP_PLAN(NP_JUDGED, 0)
NP_COUNTERS(1, 0)

/* ---- ingress: default deny ----
 * rule 0: allow from entity world on 443/TCP
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_ENTITY_WORLD = 1, /* entity world */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 443:
		if (np_is(from, FROM_ENTITY_WORLD))
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
