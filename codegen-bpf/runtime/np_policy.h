/* np_policy.h — the words that generated policy C is written in.
 *
 * A policy answers one question per direction: may this flow pass, and which rule says so?
 * Everything else (parsing, connection tracking, identities, counting) is the runtime's.
 * Self-contained: no header of the system is needed.
 */
#ifndef NP_POLICY_H
#define NP_POLICY_H

#include "map_layout.h"

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define NP_INLINE static inline __attribute__((always_inline))
#define NP_SUBPROGRAM static __attribute__((noinline))
/* The verifier checks it once, for any arguments, and not at each call. Pointers may be null to it. */
#define NP_APART __attribute__((noinline))
#define NP_HIDDEN __attribute__((visibility("hidden")))

#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_PERCPU_ARRAY 6
#define BPF_MAP_TYPE_LRU_HASH 9
#define BPF_MAP_TYPE_LPM_TRIE 11
#define BPF_MAP_TYPE_RINGBUF 27
#define BPF_F_NO_PREALLOC 1
#define BPF_F_MMAPABLE 1024

static void *(*const np_map_lookup)(void *map, const void *key) = (void *)1;

/* IP protocols with policy; anything else is dropped before policy is asked. */
#define NP_ICMP 1
#define NP_TCP 6
#define NP_UDP 17
#define NP_ICMPV6 58
#define NP_SCTP 132

/* The reserved identity of the pod's own node. */
#define NP_HOST 1
/* Of other nodes: remote-node, kube-apiserver, and those with labels (semantics 3.1). */
NP_INLINE int np_is_node(np_u32 identity)
{
	return identity == NP_HOST || identity == 6 || identity == 7 || identity >> 24 == 2;
}

/* What policy may look at. */
struct np_flow {
	np_u32 identity; /* of the remote side */
	np_u32 row;      /* of the peers maps */
	np_u16 port;     /* destination port, or ICMP type */
	np_u8 protocol;
	np_u8 zero;
};

/* ---- verdicts: the reason in the upper eight bits (0 forwards), the rule below ---- */
typedef np_u32 np_verdict;

NP_INLINE np_u32 np_reason(np_verdict verdict)
{
	return verdict >> 24;
}

NP_INLINE np_u32 np_rule(np_verdict verdict)
{
	return verdict & NP_NO_RULE;
}

/* What rules say. NP_L7: allowed subject to L7 rules, which nobody enforces yet: dropped, with a
 * reason of its own. */
#define NP_VERDICT(reason, rule) ((np_verdict)(reason) << 24 | (rule))
#define NP_ALLOW(rule) NP_VERDICT(NP_REASON_FORWARDED, rule)
#define NP_DENY(rule) NP_VERDICT(NP_REASON_DENY, rule)
#define NP_L7(rule) NP_VERDICT(NP_REASON_L7_NOT_ENFORCED, rule)

/* What rules say about authentication, weakest first. Nobody authenticates yet: what needs it
 * is dropped, with a reason of its own. */
enum np_auth { NP_AUTH_UNSET, NP_AUTH_DISABLED, NP_AUTH_REQUIRED, NP_AUTH_ALWAYS_FAIL };

NP_INLINE np_u32 np_stronger(np_u32 one, np_u32 other)
{
	return one > other ? one : other;
}

NP_INLINE np_verdict np_if_authenticated(np_u32 auth, np_verdict verdict)
{
	return auth >= NP_AUTH_REQUIRED ? NP_VERDICT(NP_REASON_AUTH_REQUIRED, np_rule(verdict)) : verdict;
}

NP_INLINE np_verdict np_default_deny(void)
{
	return NP_VERDICT(NP_REASON_DEFAULT_DENY, NP_NO_RULE);
}

NP_INLINE np_verdict np_default_allow(void)
{
	return NP_VERDICT(NP_REASON_FORWARDED, NP_NO_RULE);
}

/* Default deny, but the pod's own node (kubelet's probes) may come in. */
NP_INLINE np_verdict np_default_deny_but_host(const struct np_flow *flow)
{
	return flow->identity == NP_HOST ? np_default_allow() : np_default_deny();
}

/* ---- peers: which of a policy's peer conditions hold for an identity, a bit each ----
 *
 * NP_PEERS(map, words) defines the map, and what holds for a row it doesn't have: bit 0, everyone.
 * NP_WIDE_PEERS is for so many words that a row ends with a summary of them, see map_layout.h.
 */
#define NP_PEERS_MAP(map, words)                          \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_ARRAY);         \
		__uint(max_entries, 1024);                \
		__uint(key_size, sizeof(np_u32));         \
		__uint(value_size, sizeof(np_u64[words])); \
	} map SEC(".maps");                               \
	static const np_u64 map##_unknown[words] SEC(".rodata")

#define NP_PEERS(map, words) NP_PEERS_MAP(map, words) = { 1 }
#define NP_WIDE_PEERS(map, words) NP_PEERS_MAP(map, NP_ROW_WORDS(words)) = { [0] = 1, [words] = 1 }

#define np_peer(map, flow) np_peer_bits(&map, map##_unknown, flow)

NP_INLINE const np_u64 *np_peer_bits(void *map, const np_u64 *unknown, const struct np_flow *flow)
{
	np_u32 row = flow->row;
	const np_u64 *bits = np_map_lookup(map, &row);
	return bits ? bits : unknown;
}

NP_INLINE int np_is(const np_u64 *peer, np_u32 bit)
{
	return (peer[bit / 64] >> (bit % 64)) & 1;
}

/* ---- many ports or peers: the same, as constant data ---- */

/* 64 peers, a bit each. Those that hold for a flow have verdicts: the lowest bit's counts. */
struct np_peers {
	np_u64 peers;
	np_u32 first; /* verdict of the lowest bit of `peers`; the next bits' follow it */
	np_u32 each;  /* 0: all have the first one */
};

NP_INLINE np_u32 np_bits_set(np_u64 word)
{
	word -= word >> 1 & 0x5555555555555555ULL;
	word = (word & 0x3333333333333333ULL) + (word >> 2 & 0x3333333333333333ULL);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return word * 0x0101010101010101ULL >> 56;
}

/* A number out of a table, before it is compared with the size of another: the compiler knows what is
 * in the table and would leave out a comparison that always holds; the verifier doesn't and needs it. */
NP_INLINE np_u32 np_unknown(np_u32 number)
{
	asm("" : "+r"(number));
	return number;
}

/* Where the verdict of the lowest bit of `holding` is. */
NP_INLINE np_u32 np_verdict_of(const struct np_peers *line, np_u64 holding)
{
	np_u64 below = (holding & -holding) - 1;
	return line->first + (line->each ? np_bits_set(line->peers & below) : 0);
}

NP_INLINE np_verdict np_choose_line(const struct np_peers *line, np_u32 lines, const np_verdict *verdicts, np_u32 count,
				    const np_u64 *peer, np_u32 words, np_verdict otherwise)
{
	np_u32 word = 0;
#pragma clang loop unroll(disable)
	for (np_u32 i = 0; i < lines; i++) {
		np_u64 holding = line[i].peers & peer[word];
		if (holding) {
			np_u32 at = np_unknown(np_verdict_of(&line[i], holding));
			return at < count ? verdicts[at] : otherwise;
		}
		word = word + 1 < words ? word + 1 : 0;
	}
	return otherwise;
}

#define NP_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define np_group(groups, port) ((np_u32)(port) < NP_COUNT(groups) ? (groups)[port] : 0)
#define np_choose(peers, verdicts, group, peer, words, otherwise)                                          \
	({                                                                                                 \
		np_u32 group_ = np_unknown(group);                                                                \
		group_ < NP_COUNT(peers) ? np_choose_line((peers)[group_], NP_COUNT((peers)[0]), verdicts, \
							  NP_COUNT(verdicts), peer, words, otherwise)      \
					 : (otherwise);                                                    \
	})

/* The same for rows with a summary. `table`_filled says of 64 lines each which have peers, so that only those are
 * read in which both have bits: ten thousand peers cost what a few do, as long as a peer meets conditions in few
 * words. A step takes up to four summaries and one word. Hardly ever it takes a second step; those are in the kernel's
 * loop, whose verifier looks at one turn and not at all of them. */
struct np_search {
	const np_u64 *peer;
	np_u64 both; /* words in which both have bits, of the 64 that are looked at */
	np_u32 group;
	np_u32 next;    /* of `filled` */
	np_u32 summary; /* of the row, that `both` is of */
	np_u32 first;   /* line of its first word */
	np_verdict verdict;
};

static long (*const np_loop)(np_u32 turns, void *turn, void *context, np_u64 flags) = (void *)181;

#define NP_WIDE_TABLE(table, words)                                                                        \
	/* True at the end: the verdict is there, or there is none. */                                     \
	NP_INLINE int table##_step(struct np_search *search)                                               \
	{                                                                                                  \
		np_u32 group = np_unknown(search->group);                                                  \
		if (group >= NP_COUNT(table##_filled))                                                     \
			return 1;                                                                          \
		_Pragma("unroll") for (int i = 0; i < 4 && !search->both; i++) {                           \
			np_u32 next = np_unknown(search->next);                                            \
			np_u32 summary = np_unknown(next % NP_SUMMARY_WORDS(words));                       \
			if (next >= NP_COUNT(table##_filled[0]) || summary >= NP_SUMMARY_WORDS(words))     \
				return 1;                                                                  \
			search->summary = summary;                                                         \
			search->first = next / NP_SUMMARY_WORDS(words) * (words) + summary * 64;           \
			search->next = next + 1;                                                           \
			search->both = table##_filled[group][next] & search->peer[(words) + summary];      \
		}                                                                                          \
		np_u64 lowest = search->both & -search->both;                                              \
		if (!lowest)                                                                               \
			return 0;                                                                          \
		search->both ^= lowest;                                                                    \
		np_u32 at = np_bits_set(lowest - 1);                                                       \
		np_u32 line = np_unknown(search->first + at), word = np_unknown(search->summary * 64 + at); \
		if (line >= NP_COUNT(table##_peers[0]) || word >= (words))                                 \
			return 1;                                                                          \
		np_u64 holding = table##_peers[group][line].peers & search->peer[word];                    \
		if (!holding)                                                                              \
			return 0;                                                                          \
		np_u32 verdict = np_unknown(np_verdict_of(&table##_peers[group][line], holding));          \
		if (verdict < NP_COUNT(table##_verdicts))                                                  \
			search->verdict = table##_verdicts[verdict];                                       \
		return 1;                                                                                  \
	}                                                                                                  \
	static long table##_turn(np_u32 index, struct np_search *search)                                   \
	{                                                                                                  \
		return table##_step(search);                                                               \
	}

#define np_choose_wide(table, number, row, otherwise)                                                      \
	({                                                                                                 \
		struct np_search search_ = { .peer = row, .group = number, .verdict = otherwise };         \
		if (!table##_step(&search_))                                                               \
			np_loop(NP_COUNT(table##_peers[0]), table##_turn, &search_, 0);                    \
		search_.verdict;                                                                           \
	})

/* ---- what the runtime asks of a policy ---- */
NP_HIDDEN np_verdict np_policy_ingress(const struct np_flow *flow);
NP_HIDDEN np_verdict np_policy_egress(const struct np_flow *flow);

/* What a direction is worth: the verifier knows these constants and removes what is never run. */
#define NP_JUDGED 1    /* policy is asked */
#define NP_PREFIXES 2  /* its peers may depend on more than single addresses */
#define NP_NODE 4      /* the endpoint is a node: of both directions or of none */
struct np_plan {
	np_u32 ingress;
	np_u32 egress;
};
extern NP_HIDDEN const volatile struct np_plan np_plan;

#define NP_PLAN(of_ingress, of_egress) \
	NP_HIDDEN const volatile struct np_plan np_plan SEC(".rodata") = { of_ingress, of_egress };

/* Names this program in events. */
extern NP_HIDDEN const volatile np_u64 np_program_tag;
#define NP_PROGRAM(tag) NP_HIDDEN const volatile np_u64 np_program_tag SEC(".rodata") = tag;

/* A counter for every rule, and one a direction for packets that no rule decided. */
extern NP_HIDDEN const volatile struct np_counters np_counters;

#define NP_COUNTERS(ingress_rules, egress_rules)                            \
	NP_HIDDEN const volatile struct np_counters np_counters SEC(".rodata") = { \
		ingress_rules, (ingress_rules) + (egress_rules)             \
	};

#endif
