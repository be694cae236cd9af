/* np_flows.h — connections, so that replies to what was allowed pass and nothing else does.
 *
 * A set-associative table: the hash of a flow names a bucket of seven ways, and a byte of the
 * hash (its tag) tells which of them to look at. A look-up touches two cache lines; opening a
 * flow writes to the same bucket. How readers and writers get along: map_layout.h.
 */
#ifndef NP_FLOWS_H
#define NP_FLOWS_H

#include "np_parse.h"

#define NP_ONES 0x0101010101010101ULL
#define NP_HIGHS 0x0080808080808080ULL /* of the seven tags */

#define NP_FLOW_CLOSING (NP_FLOW_OUT_CLOSING | NP_FLOW_IN_CLOSING)
#define NP_FLOW_OPENED(direction) ((direction) == NP_EGRESS ? NP_FLOW_OUT : NP_FLOW_IN)
#define NP_FLOW_CLOSES(direction) ((direction) == NP_EGRESS ? NP_FLOW_OUT_CLOSING : NP_FLOW_IN_CLOSING)
#define NP_REVERSE(direction) ((direction) == NP_EGRESS ? NP_INGRESS : NP_EGRESS)
/* What makes a way another flow's. */
#define NP_FLOW_WHOSE (0xffffULL << NP_FLOW_SEQUENCE_SHIFT | 0xffULL << NP_FLOW_PROTOCOL_SHIFT)

struct np_key {
	np_u64 local[2];
	np_u64 remote[2];
	np_u64 ports;
	np_u64 hash;
	np_u8 protocol;
	np_u8 family;
};

/* A bit of a product depends on the bits below it alone, so the upper bytes, which depend on most,
 * become the lower ones. */
NP_INLINE np_u64 np_mix(np_u64 hash, np_u64 word)
{
	return __builtin_bswap64((hash ^ word) * 0x9e3779b97f4a7c15ULL);
}

NP_INLINE void np_key_of(struct np_key *key, const struct np_packet *packet, np_u32 site, np_u32 direction, np_u64 seed)
{
	const int out = direction == NP_EGRESS;
	const np_u64 *local = out ? packet->source : packet->destination;
	const np_u64 *remote = out ? packet->destination : packet->source;
	np_u16 local_port = out ? packet->source_port : packet->destination_port;
	np_u16 remote_port = out ? packet->destination_port : packet->source_port;
	key->family = packet->family;
	key->protocol = packet->protocol;
	/* an identifier may be the number of a type: which of the two ports is which, must be said */
	np_u64 asks = packet->query == (out ? NP_REQUEST : NP_ANSWER);
	key->ports = local_port | (np_u32)remote_port << 16 | (np_u64)site << 32 | asks << 63;
	np_u64 hash = np_mix(seed + packet->protocol, key->ports);
	if (packet->family == 4) {
		key->local[0] = local[0] | remote[0] << 32; /* as np_flow4 has it */
		hash = np_mix(hash, key->local[0]);
	} else {
		key->local[0] = local[0];
		key->local[1] = local[1];
		key->remote[0] = remote[0];
		key->remote[1] = remote[1];
		hash = np_mix(np_mix(hash, local[0] + remote[0] * 3), local[1] + remote[1] * 3);
	}
	key->hash = np_mix(hash, 0);
}

NP_INLINE np_u8 np_tag(const struct np_key *key)
{
	np_u8 tag = key->hash >> 32;
	return tag ? tag : 1;
}

NP_INLINE np_u32 np_flags(np_u64 state)
{
	return (np_u8)state;
}

NP_INLINE np_u8 np_protocol(np_u64 state)
{
	return state >> NP_FLOW_PROTOCOL_SHIFT;
}

NP_INLINE np_u64 np_state(const struct np_track *track)
{
	return *(const volatile np_u64 *)&track->state;
}

/* Loads before it are made before loads after it. x86 does so anyway. `here`: anything on the stack. */
NP_INLINE void np_fence_at(const struct np_config *config, np_u32 *here)
{
	if (config->flags & NP_CONFIG_FENCE)
		__sync_fetch_and_add(here, 0);
	asm volatile("" ::: "memory");
}

NP_INLINE void np_fence(const struct np_config *config)
{
	np_u32 here = 0;
	np_fence_at(config, &here);
}

/* 1 if negative, else 0. The checks below are sums and products and not branches, since the verifier
 * walks every path; the compiler must not see that these are conditions. (Not masks of ones either:
 * the verifier takes those for conditions as well.) */
NP_INLINE np_u64 np_negative(long number)
{
	np_u64 sign = (np_u64)number >> 63;
	asm("" : "+r"(sign));
	return sign;
}

/* Is the flow in this way the one that is looked for, and still alive? *state is what it was when
 * all of that held. */
NP_INLINE int np_is_this(np_u64 differs, const struct np_track *track, const struct np_key *key, const struct np_config *config,
			 np_u32 now, np_u64 before, np_u64 *state)
{
	differs |= track->ports ^ key->ports;
	differs |= np_protocol(before) ^ key->protocol;
	differs |= np_negative((int)(track->expires - now));
	np_fence(config);
	*state = np_state(track);
	differs |= (before ^ *state) & NP_FLOW_WHOSE;
	return differs == 0;
}

/* The ways whose tag is this one, as the top bits of bytes. */
NP_INLINE np_u64 np_hits(np_u64 tags, np_u8 tag)
{
	np_u64 differs = tags ^ tag * NP_ONES;
	return (differs - NP_ONES) & ~differs & NP_HIGHS;
}

/* Which way the lowest of them is. What is compared with NP_WAYS must be what is used as an index,
 * or the verifier doesn't see that it was. */
NP_INLINE np_u64 np_lowest(np_u64 hits)
{
	np_u64 way = ((((hits & -hits) >> 7) - 1) & NP_ONES) * NP_ONES >> 56;
	asm("" : "+r"(way));
	return way;
}

NP_INLINE struct np_track *np_find4(const struct np_key *key, const struct np_config *config, np_u32 now, np_u64 *state)
{
	np_u32 index = (np_u32)key->hash & (config->buckets4 - 1);
	struct np_bucket4 *bucket = np_map_lookup(&np_flows4, &index);
	if (!bucket)
		return 0;
	np_u64 hits = np_hits(bucket->tags, np_tag(key));
#pragma clang loop unroll(disable)
	for (int i = 0; i < NP_WAYS && hits; i++, hits &= hits - 1) {
		np_u64 way = np_lowest(hits);
		if (way >= NP_WAYS)
			break;
		struct np_flow4 *flow = &bucket->way[way];
		np_u64 before = np_state(&flow->track);
		np_fence(config);
		np_u64 differs = flow->addresses ^ key->local[0];
		if (np_is_this(differs, &flow->track, key, config, now, before, state))
			return &flow->track;
	}
	return 0;
}

NP_INLINE struct np_track *np_find6(const struct np_key *key, const struct np_config *config, np_u32 now, np_u64 *state)
{
	np_u32 index = (np_u32)key->hash & (config->buckets6 - 1);
	struct np_bucket6 *bucket = np_map_lookup(&np_flows6, &index);
	if (!bucket)
		return 0;
	np_u64 hits = np_hits(bucket->tags, np_tag(key));
#pragma clang loop unroll(disable)
	for (int i = 0; i < NP_WAYS && hits; i++, hits &= hits - 1) {
		np_u64 way = np_lowest(hits);
		if (way >= NP_WAYS)
			break;
		struct np_flow6 *flow = &bucket->way[way];
		np_u64 before = np_state(&flow->track);
		np_fence(config);
		np_u64 differs = (flow->local[0] ^ key->local[0]) | (flow->local[1] ^ key->local[1]) |
				 (flow->remote[0] ^ key->remote[0]) | (flow->remote[1] ^ key->remote[1]);
		if (np_is_this(differs, &flow->track, key, config, now, before, state))
			return &flow->track;
	}
	return 0;
}

NP_INLINE struct np_track *np_find(const struct np_key *key, const struct np_config *config, np_u32 now, np_u64 *state)
{
	return key->family == 4 ? np_find4(key, config, now, state) : np_find6(key, config, now, state);
}

NP_INLINE int np_opens(const struct np_packet *packet)
{
	return (packet->tcp_flags & (NP_TCP_SYN | NP_TCP_ACK)) == NP_TCP_SYN;
}

/* The flags after a packet in `direction`. */
NP_INLINE np_u32 np_advance(const struct np_packet *packet, np_u32 flags, np_u32 direction)
{
	if (packet->protocol != NP_TCP)
		return flags;
	if (!(packet->tcp_flags & NP_TCP_SYN))
		flags |= NP_FLOW_ESTABLISHED;
	if (packet->tcp_flags & (NP_TCP_FIN | NP_TCP_RST))
		flags |= NP_FLOW_CLOSES(direction);
	return flags;
}

/* Which of a configuration's lifetimes. */
NP_INLINE np_u64 np_sort(np_u8 protocol, np_u32 flags)
{
	np_u32 tcp = np_negative((long)(protocol ^ NP_TCP) - 1) * NP_IS_TCP;
	np_u32 established = (flags & NP_FLOW_ESTABLISHED) / NP_FLOW_ESTABLISHED * NP_IS_ESTABLISHED;
	np_u32 closed = (flags / NP_FLOW_OUT_CLOSING) & (flags / NP_FLOW_IN_CLOSING) & NP_IS_CLOSED;
	np_u64 which = tcp | established | closed;
	asm("" : "+r"(which)); /* before 6.9 the verifier forgets what it knew of both sides of an OR: the mask must stay */
	return which & 7;
}

NP_INLINE np_u32 np_lifetime(np_u8 protocol, np_u32 flags, const struct np_config *config)
{
	return config->lifetimes[np_sort(protocol, flags)];
}

/* Another packet of a flow. Writes only what changed, to leave the cache line alone: once a tick. */
NP_INLINE void np_touch(struct np_track *track, np_u64 state, const struct np_packet *packet, np_u32 direction,
			np_u32 also, const struct np_config *config, np_u32 now)
{
	np_u32 before = np_flags(state), flags = np_advance(packet, before | also, direction);
	np_u32 expires = now + np_lifetime(packet->protocol, flags, config);
	if (flags != before) {
		/* the other direction may have said something at the same time; only if its flags come in between once more are these lost */
		np_u64 found = __sync_val_compare_and_swap(&track->state, state, state | flags);
		if (found != state && !((found ^ state) & NP_FLOW_WHOSE)) {
			flags |= np_flags(found);
			expires = now + np_lifetime(packet->protocol, flags, config);
			__sync_val_compare_and_swap(&track->state, found, found | flags);
		}
	} else if ((flags & NP_FLOW_CLOSING) == NP_FLOW_CLOSING)
		return; /* it lingers no longer for that */
	if (track->expires != expires)
		track->expires = expires;
}

/* ---- opening ---- */

struct np_opening {
	struct np_key key;
	np_u32 flags;
	np_u32 rule;
	np_u32 now;
	np_u32 generation;
};

/* What a flow is worth: 0 where it is none, or a dead one; one that had answers is worth more than any that had not, and
 * PRICELESS if it was seen just now; else the longer it would live. Of TCP, SYN ACK is no such answer (whoever floods with
 * SYN gets it, too), nor does it count once the side that was called has closed: a port where nobody listens answers RST. */
#define NP_ANSWERED (1ULL << 32)
#define NP_PRICELESS (1ULL << 40)

NP_INLINE np_u64 np_worth(const struct np_track *track, const struct np_opening *opening, const struct np_config *config)
{
	np_u64 state = np_state(track);
	np_u32 flags = np_flags(state);
	long left = (int)(track->expires - opening->now);
	np_u64 dead = np_negative(left) | np_negative((long)np_protocol(state) - 1);
	np_u64 busy = flags / NP_FLOW_BUSY & 1, other = np_negative(-(long)(np_protocol(state) ^ NP_TCP));
	np_u64 spoken = other | (flags / NP_FLOW_ESTABLISHED & 1);
	np_u64 open = np_negative((long)(flags & flags >> 4 & (NP_FLOW_OUT | NP_FLOW_IN)) - 1);
	np_u64 answered = flags / NP_FLOW_REPLIED & spoken & open;
	np_u64 just_now = answered & np_negative((long)config->evictable[np_sort(np_protocol(state), flags)] - left);
	np_u64 worth = 1 + left + answered * NP_ANSWERED + just_now * NP_PRICELESS;
	return worth * (dead ^ 1) + busy * NP_PRICELESS;
}

NP_INLINE np_u64 np_opened(const struct np_opening *opening, np_u64 sequence)
{
	return opening->flags | (np_u64)opening->key.protocol << NP_FLOW_PROTOCOL_SHIFT |
	       (np_u64)(np_u16)(sequence + 1) << NP_FLOW_SEQUENCE_SHIFT | (np_u64)opening->rule << NP_FLOW_RULE_SHIFT;
}

/* The cheaper of two, each a way in the lower three bits and what it is worth above. */
NP_INLINE np_u64 np_cheaper(np_u64 one, np_u64 other)
{
	return one + (other - one) * np_negative((long)(other - one));
}

#define NP_CHEAPEST(bucket)                                                                             \
	({                                                                                              \
		np_u64 least_ = NP_PRICELESS << 3 | NP_WAYS;                                            \
		_Pragma("clang loop unroll(disable)") for (np_u32 n_ = 0; n_ < NP_WAYS; n_++)           \
			least_ = np_cheaper(least_, np_worth(&(bucket)->way[n_].track, opening, config) << 3 | n_); \
		least_;                                                                                 \
	})

/* Takes the way for itself; *state as it was. 0 if another processor was quicker. */
NP_INLINE int np_take(struct np_track *track, np_u64 *state)
{
	*state = np_state(track);
	np_u64 busy = NP_FLOW_BUSY | (*state & 0xffffULL << NP_FLOW_SEQUENCE_SHIFT);
	return !(np_flags(*state) & NP_FLOW_BUSY) && __sync_val_compare_and_swap(&track->state, *state, busy) == *state;
}

NP_INLINE void np_give(struct np_track *track, np_u64 state, const struct np_opening *opening, const struct np_config *config)
{
	track->ports = opening->key.ports;
	track->expires = opening->now + np_lifetime(opening->key.protocol, opening->flags, config);
	track->generation = opening->generation;
	__sync_lock_test_and_set(&track->state, np_opened(opening, state >> NP_FLOW_SEQUENCE_SHIFT));
}

/* 1: opened; 0: every flow of the bucket is worth more, or somebody else is writing. */
NP_INLINE int np_open4(const struct np_opening *opening, const struct np_config *config, int *live)
{
	np_u32 index = (np_u32)opening->key.hash & (config->buckets4 - 1);
	struct np_bucket4 *bucket = np_map_lookup(&np_flows4, &index);
	np_u64 state;
	if (!bucket)
		return 0;
	np_u64 cheapest = NP_CHEAPEST(bucket);
	np_u64 way = cheapest & 7;
	asm("" : "+r"(way));
	*live = cheapest >> 3 > 0;
	if (way >= NP_WAYS || !np_take(&bucket->way[way].track, &state))
		return 0;
	((np_u8 *)&bucket->tags)[way] = np_tag(&opening->key);
	bucket->way[way].addresses = opening->key.local[0];
	np_give(&bucket->way[way].track, state, opening, config);
	return 1;
}

NP_INLINE int np_open6(const struct np_opening *opening, const struct np_config *config, int *live)
{
	np_u32 index = (np_u32)opening->key.hash & (config->buckets6 - 1);
	struct np_bucket6 *bucket = np_map_lookup(&np_flows6, &index);
	np_u64 state;
	if (!bucket)
		return 0;
	np_u64 cheapest = NP_CHEAPEST(bucket);
	np_u64 way = cheapest & 7;
	asm("" : "+r"(way));
	*live = cheapest >> 3 > 0;
	if (way >= NP_WAYS || !np_take(&bucket->way[way].track, &state))
		return 0;
	struct np_flow6 *flow = &bucket->way[way];
	((np_u8 *)&bucket->tags)[way] = np_tag(&opening->key);
	flow->local[0] = opening->key.local[0];
	flow->local[1] = opening->key.local[1];
	flow->remote[0] = opening->key.remote[0];
	flow->remote[1] = opening->key.remote[1];
	np_give(&flow->track, state, opening, config);
	return 1;
}

/* 0: there is no room, or another processor was quicker. */
NP_APART int np_open(const struct np_opening *opening)
{
	const struct np_config *config = np_configuration();
	int live = 0;
	if (!opening || !config)
		return 0;
	int opened = opening->key.family == 4 ? np_open4(opening, config, &live) : np_open6(opening, config, &live);
	if (opened && live)
		np_count(NP_STAT_EVICTED);
	if (opened)
		np_count(NP_STAT_OPENED);
	return opened;
}

/* The way of a flow that is over (`fresh`), or that policy judged anew, keeps its place. `found`: its state when the
 * flow was found there, without the rule. 0: it is another flow's by now. */
NP_APART int np_restart(struct np_track *track, const struct np_opening *opening, np_u32 fresh, np_u32 found)
{
	const struct np_config *config = np_configuration();
	if (!track || !opening || !config)
		return 0;
	np_u64 state = np_state(track);
	if ((state ^ found) & NP_FLOW_WHOSE)
		return 0;
	np_u32 flags = opening->flags | (fresh ? 0 : np_flags(state));
	np_u64 next = (state & 0xffffULL << NP_FLOW_SEQUENCE_SHIFT) | flags | (np_u64)opening->key.protocol << NP_FLOW_PROTOCOL_SHIFT |
		      (np_u64)opening->rule << NP_FLOW_RULE_SHIFT;
	if (__sync_val_compare_and_swap(&track->state, state, next) != state)
		return 1; /* the next packet will try again */
	if ((flags & NP_FLOW_CLOSING) != NP_FLOW_CLOSING || (np_flags(state) & NP_FLOW_CLOSING) != NP_FLOW_CLOSING)
		track->expires = opening->now + np_lifetime(opening->key.protocol, flags, config);
	track->generation = opening->generation;
	if (fresh)
		np_count(NP_STAT_OPENED);
	return 1;
}

#endif
