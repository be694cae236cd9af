/* np_conntrack.h — connections, so that replies to what was allowed pass and nothing else does.
 *
 * An entry has the tuple of the connection's first packet and the direction in which the pod
 * saw it. A connection between two pods of a node has two entries, one a pod: what one may
 * send says nothing about what the other may receive. An entry counts at the interface that
 * made it only, or a pod could open another one's door with packets in its name.
 */
#ifndef NP_CONNTRACK_H
#define NP_CONNTRACK_H

#include "np_parse.h"

#define NP_SECOND 1000000000ULL
#define NP_TIMEOUT_ESTABLISHED (8000 * NP_SECOND)
#define NP_TIMEOUT_SHORT (60 * NP_SECOND) /* TCP before the handshake is over; all others */
#define NP_TIMEOUT_CLOSED (10 * NP_SECOND)
#define NP_CT_CLOSED (NP_CT_FORWARD_CLOSING | NP_CT_REPLY_CLOSING)

/* The same connection as its other end sends, seen in the other direction. */
NP_INLINE void np_reverse(struct np_ct_key *reversed, const struct np_ct_key *key)
{
	__builtin_memcpy(reversed->source, key->destination, 16);
	__builtin_memcpy(reversed->destination, key->source, 16);
	reversed->source_port = key->destination_port;
	reversed->destination_port = key->source_port;
	reversed->protocol = key->protocol;
	reversed->direction = key->direction == NP_INGRESS ? NP_EGRESS : NP_INGRESS;
	reversed->family = key->family;
	reversed->zero = 0;
	reversed->ifindex = key->ifindex;
}

/* Two addresses. By hand: memcmp may become a call, and there is nothing to call. */
NP_INLINE int np_differ(const np_u8 *one, const np_u8 *other)
{
	np_u8 differs = 0;
	for (int i = 0; i < 16; i++)
		differs |= one[i] ^ other[i];
	return differs != 0;
}

NP_INLINE struct np_ct_entry *np_ct_find(const struct np_ct_key *key, np_u64 now)
{
	struct np_ct_entry *entry = np_map_lookup(&np_conntrack, key);
	return entry && entry->expires > now ? entry : 0;
}

NP_INLINE int np_opens(const struct np_packet *packet)
{
	return (packet->tcp_flags & (NP_TCP_SYN | NP_TCP_ACK)) == NP_TCP_SYN;
}

/* The flags after a packet, and how long the connection lives from then on. */
NP_INLINE np_u32 np_ct_advance(const struct np_packet *packet, np_u32 flags, np_u32 closing)
{
	if (packet->key.protocol != NP_TCP)
		return flags;
	if (np_opens(packet) && (flags & NP_CT_CLOSED))
		flags = 0; /* the tuple is used again */
	if (!(packet->tcp_flags & NP_TCP_SYN))
		flags |= NP_CT_ESTABLISHED;
	if (packet->tcp_flags & (NP_TCP_FIN | NP_TCP_RST))
		flags |= closing;
	return flags;
}

NP_INLINE np_u64 np_ct_lifetime(np_u32 flags)
{
	if ((flags & NP_CT_CLOSED) == NP_CT_CLOSED)
		return NP_TIMEOUT_CLOSED;
	return flags & NP_CT_ESTABLISHED ? NP_TIMEOUT_ESTABLISHED : NP_TIMEOUT_SHORT;
}

/* Writes only what changed by more than a second, to leave the cache line alone. */
NP_INLINE void np_ct_touch(struct np_ct_entry *entry, const struct np_packet *packet, np_u32 closing, np_u64 now)
{
	np_u32 flags = np_ct_advance(packet, entry->flags, closing);
	np_u64 expires = now + np_ct_lifetime(flags);
	if (flags != entry->flags) {
		entry->flags = flags;
		entry->expires = expires;
	} else if (expires > entry->expires + NP_SECOND && (flags & NP_CT_CLOSED) != NP_CT_CLOSED) {
		entry->expires = expires;
	}
}

/* Is it a reply to a connection that was allowed in the other direction? */
NP_INLINE int np_ct_is_reply(const struct np_packet *packet, np_u64 now)
{
	struct np_ct_key key;
	if (!packet->answers)
		return 0;
	np_reverse(&key, &packet->key);
	struct np_ct_entry *entry = np_ct_find(&key, now);
	if (!entry)
		return 0;
	/* a new connection from the far end, on the ports of one that is over */
	if (np_opens(packet) && (entry->flags & NP_CT_CLOSED))
		return 0;
	np_ct_touch(entry, packet, NP_CT_REPLY_CLOSING, now);
	return 1;
}

/* An ICMP error between the two ends of a live connection, about that connection. Errors of
 * routers on the way are no part of it: policy decides. */
NP_INLINE int np_ct_is_related(const struct __sk_buff *skb, const struct np_packet *packet, np_u64 now)
{
	struct np_ct_key quoted = {}, reversed;
	if (!packet->icmp_error || !np_parse_quoted(skb, packet, &quoted))
		return 0;
	quoted.ifindex = packet->key.ifindex;
	/* what is quoted travelled the other way */
	quoted.direction = packet->key.direction == NP_INGRESS ? NP_EGRESS : NP_INGRESS;
	if (np_differ(quoted.source, packet->key.destination) || np_differ(quoted.destination, packet->key.source))
		return 0;
	if (np_ct_find(&quoted, now))
		return 1;
	np_reverse(&reversed, &quoted);
	return np_ct_find(&reversed, now) != 0;
}

/* Is it another packet of a connection that was opened in this direction? */
NP_INLINE int np_ct_is_known(const struct np_packet *packet, np_u64 now)
{
	struct np_ct_entry *entry = np_ct_find(&packet->key, now);
	if (!entry)
		return 0;
	np_ct_touch(entry, packet, NP_CT_FORWARD_CLOSING, now);
	return 1;
}

/* Remembers an allowed packet; 0 if there is no room. */
NP_INLINE int np_ct_open(const struct np_packet *packet, np_u64 now)
{
	struct np_ct_entry fresh = {};
	fresh.flags = np_ct_advance(packet, 0, NP_CT_FORWARD_CLOSING);
	fresh.expires = now + np_ct_lifetime(fresh.flags);
	return np_map_update(&np_conntrack, &packet->key, &fresh, 0) == 0;
}

#endif
