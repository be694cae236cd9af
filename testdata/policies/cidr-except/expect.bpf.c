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

NP_PROGRAM(0xbb2fcf97a3458851ULL)
NP_PLAN(0, NP_JUDGED | NP_PREFIXES)
NP_COUNTERS(0, 2)

/* ---- ingress: no rule selects this endpoint ---- */
NP_PEERS(np_peers_in, 1);

np_verdict np_policy_ingress(const struct np_flow *flow)
{
	return np_default_allow();
}

/* ---- egress: default deny ----
 * rule 0: allow to cidr 198.51.0.0/16 except 198.51.100.0/24, 198.51.200.0/24 | cidr 2001:db8::/32 except 2001:db8:1::/48 on 443/TCP
 * rule 1: allow to cidr 198.51.100.7/32 on all traffic
 */
NP_PEERS(np_peers_out, 1);

enum egress_peer {
	TO_CIDR_198_51_0_0_16_EXCEPT_198_51_100_0_24_198_51_200_0_2 = 1, /* cidr 198.51.0.0/16 except 198.51.100.0/24, 198.51.200.0/24 */
	TO_CIDR_198_51_100_7_32 = 2, /* cidr 198.51.100.7/32 */
	TO_CIDR_2001_DB8_32_EXCEPT_2001_DB8_1_48 = 3, /* cidr 2001:db8::/32 except 2001:db8:1::/48 */
};

static np_verdict egress_tcp(const struct np_flow *flow, const np_u64 *to)
{
	switch (flow->port) {
	case 443:
		if (np_is(to, TO_CIDR_198_51_0_0_16_EXCEPT_198_51_100_0_24_198_51_200_0_2))
			return NP_ALLOW(0);
		if (np_is(to, TO_CIDR_198_51_100_7_32))
			return NP_ALLOW(1);
		if (np_is(to, TO_CIDR_2001_DB8_32_EXCEPT_2001_DB8_1_48))
			return NP_ALLOW(0);
		break;
	default:
		if (np_is(to, TO_CIDR_198_51_100_7_32))
			return NP_ALLOW(1);
		break;
	}
	return np_default_deny();
}

static np_verdict egress_udp_sctp_icmp_icmpv6(const struct np_flow *flow, const np_u64 *to)
{
	if (np_is(to, TO_CIDR_198_51_100_7_32))
		return NP_ALLOW(1);
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
	case NP_ICMP:
	case NP_ICMPV6:
		return egress_udp_sctp_icmp_icmpv6(flow, to);
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
