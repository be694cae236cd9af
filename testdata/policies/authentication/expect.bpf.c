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

NP_PROGRAM(0xc30c8bfb142a43fcULL)
NP_PLAN(NP_JUDGED, 0)
NP_COUNTERS(2, 0)

/* ---- ingress: default deny ----
 * rule 0: allow from any:app=client, k8s:io.kubernetes.pod.namespace=shop on 5432/TCP auth disabled
 * rule 1: allow from any:app=web, k8s:io.kubernetes.pod.namespace=shop on 5432/TCP auth required
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_APP_CLIENT_NAMESPACE_SHOP = 1, /* any:app=client, k8s:io.kubernetes.pod.namespace=shop */
	FROM_APP_WEB_NAMESPACE_SHOP = 2, /* any:app=web, k8s:io.kubernetes.pod.namespace=shop */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 5432: {
		np_u32 auth = NP_AUTH_UNSET;
		if (np_is(from, FROM_APP_WEB_NAMESPACE_SHOP))
			auth = NP_AUTH_REQUIRED;
		else if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			auth = NP_AUTH_DISABLED;
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			return np_if_authenticated(auth, NP_ALLOW(0));
		if (np_is(from, FROM_APP_WEB_NAMESPACE_SHOP))
			return np_if_authenticated(auth, NP_ALLOW(1));
		break;
	}
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

NP_PROGRAM(0x4c51850149180a3cULL)
NP_PLAN(NP_JUDGED, 0)
NP_COUNTERS(2, 0)

/* ---- ingress: default deny ----
 * rule 0: allow from any:app=client, k8s:io.kubernetes.pod.namespace=shop on 8080-8090/TCP http { path:2=/x} auth required
 * rule 1: allow from any:app=client, k8s:io.kubernetes.pod.namespace=shop on 8085/TCP auth disabled
 */
NP_PEERS(np_peers_in, 1);

enum ingress_peer {
	FROM_APP_CLIENT_NAMESPACE_SHOP = 1, /* any:app=client, k8s:io.kubernetes.pod.namespace=shop */
};

static np_verdict ingress_tcp(const struct np_flow *flow, const np_u64 *from)
{
	switch (flow->port) {
	case 8080 ... 8084:
	case 8086 ... 8087: {
		np_u32 auth = NP_AUTH_UNSET;
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			auth = NP_AUTH_REQUIRED;
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			return np_if_authenticated(auth, NP_L7(0));
		break;
	}
	case 8085: {
		np_u32 auth = NP_AUTH_UNSET;
		np_u32 own = NP_AUTH_UNSET;
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP)) {
			if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
				own = NP_AUTH_REQUIRED;
			auth = own;
		} else if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP)) {
			if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
				own = NP_AUTH_DISABLED;
			else if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
				own = NP_AUTH_REQUIRED;
			auth = own;
		}
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			return np_if_authenticated(auth, NP_L7(0));
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			return np_if_authenticated(auth, NP_ALLOW(1));
		break;
	}
	case 8088 ... 8089: {
		np_u32 auth = NP_AUTH_UNSET;
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			auth = NP_AUTH_REQUIRED;
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			return np_if_authenticated(auth, NP_L7(0));
		break;
	}
	case 8090: {
		np_u32 auth = NP_AUTH_UNSET;
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			auth = NP_AUTH_REQUIRED;
		if (np_is(from, FROM_APP_CLIENT_NAMESPACE_SHOP))
			return np_if_authenticated(auth, NP_L7(0));
		break;
	}
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
