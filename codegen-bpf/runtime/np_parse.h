/* np_parse.h — from bytes to a flow. What can't be parsed is never guessed at: it gets a
 * reason to be dropped. Every packet can be read by np_parse; np_fast.h is quicker about the
 * common ones.
 */
#ifndef NP_PARSE_H
#define NP_PARSE_H

#include "np_maps.h"

#define NP_ETHERNET_LENGTH 14
#define NP_ETHERTYPE_IPV4 0x0800
#define NP_ETHERTYPE_ARP 0x0806
#define NP_ETHERTYPE_VLAN 0x8100
#define NP_ETHERTYPE_IPV6 0x86dd
#define NP_ETHERTYPE_QINQ 0x88a8
#define NP_MAX_VLAN_TAGS 2

#define NP_IPV6_HOP_BY_HOP 0
#define NP_IPV6_ROUTING 43
#define NP_IPV6_FRAGMENT 44
#define NP_IPV6_AUTHENTICATION 51
#define NP_IPV6_DESTINATION 60
#define NP_IPV6_MAX_EXTENSIONS 8

#define NP_TCP_HEADER 20
#define NP_UDP_HEADER 8
#define NP_SCTP_HEADER 12

#define NP_TCP_FIN 0x01
#define NP_TCP_SYN 0x02
#define NP_TCP_RST 0x04
#define NP_TCP_ACK 0x10

/* What np_parse says besides a reason to drop. */
#define NP_JUDGE 0      /* ask conntrack, then policy */
#define NP_PASS 0x100   /* none of policy's business */

#define NP_REQUEST 1
#define NP_ANSWER 2

/* IPv4 addresses use the first four bytes; the rest is zero. */
struct np_packet {
	np_u64 source[2];
	np_u64 destination[2];
	np_u16 source_port;      /* ICMP: identifier, or the type that is answered */
	np_u16 destination_port; /* ICMP: type, or identifier of an answer */
	np_u16 number;           /* what policy calls the port: destination port or ICMP type */
	np_u8 protocol;
	np_u8 family;            /* 4, 6; 0 where the packet is neither */
	np_u8 tcp_flags;
	np_u8 answers;           /* may be a reply */
	np_u8 icmp_error;        /* may be about another connection */
	np_u8 query;             /* ICMP: NP_REQUEST, NP_ANSWER */
	/* what only np_parse needs to know */
	np_u32 network;          /* offset of the network header */
	np_u32 transport;        /* offset of the transport header */
	np_u32 fragment;         /* byte offset; bit 0: more follow */
	np_u32 fragment_id;
	np_u32 fragment_protocol;
	np_u32 end;              /* of what the network header says is the packet */
	np_u32 hop_limit;
	np_u32 site;             /* whose flows it may be of: an interface, or 0 for the node */
};

/* Reads `length` bytes at `offset` of the packet, not of what is behind its end. */
NP_INLINE int np_take_bytes(const struct __sk_buff *skb, np_u32 offset, void *to, np_u32 length, np_u32 end)
{
	return offset + length <= end && np_load_bytes(skb, offset, to, length) == 0;
}

/* Two addresses. By hand: memcmp may become a call, and there is nothing to call. */
NP_INLINE int np_differ(const np_u64 *one, const np_u64 *other)
{
	return ((one[0] ^ other[0]) | (one[1] ^ other[1])) != 0;
}

NP_INLINE np_u16 np_be16(const np_u8 *bytes)
{
	return (np_u16)bytes[0] << 8 | bytes[1];
}

/* The request that an ICMP message answers; 0xffff where it answers none. */
NP_INLINE np_u16 np_icmp_request(np_u8 protocol, np_u8 type)
{
	if (protocol == NP_ICMPV6)
		return type == 129 ? 128 : 0xffff;
	switch (type) {
	case 0:
		return 8;
	case 14: /* timestamp */
	case 16: /* information */
	case 18: /* address mask */
		return type - 1;
	}
	return 0xffff;
}

NP_INLINE int np_icmp_is_error(np_u8 protocol, np_u8 type)
{
	if (protocol == NP_ICMPV6)
		return type >= 1 && type <= 4;
	return type == 3 || type == 11 || type == 12;
}

/* The ports of a transport header's first eight bytes. ICMP queries are connections between
 * their identifier and their type, so that only an answer to a request is a reply to it. */
NP_INLINE void np_set_ports(struct np_packet *packet, const np_u8 *header)
{
	if (packet->protocol != NP_ICMP && packet->protocol != NP_ICMPV6) {
		packet->source_port = np_be16(header);
		packet->destination_port = np_be16(header + 2);
		return;
	}
	np_u8 type = header[0];
	np_u16 request = np_icmp_request(packet->protocol, type);
	np_u8 echo = packet->protocol == NP_ICMPV6 ? 128 : 8;
	if (request != 0xffff) {
		packet->source_port = request;
		packet->destination_port = np_be16(header + 4);
		packet->query = NP_ANSWER;
	} else {
		int query = type == echo || (packet->protocol == NP_ICMP && (type == 13 || type == 15 || type == 17));
		packet->query = query ? NP_REQUEST : 0;
		packet->source_port = query ? np_be16(header + 4) : 0;
		packet->destination_port = type;
	}
}

NP_INLINE np_u32 np_parse_tcp(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[20];
	if (!np_take_bytes(skb, packet->transport, header, sizeof(header), packet->end) || header[12] >> 4 < 5)
		return NP_REASON_INVALID_PACKET;
	np_set_ports(packet, header);
	packet->number = packet->destination_port;
	packet->tcp_flags = header[13];
	packet->answers = 1;
	return NP_JUDGE;
}

NP_INLINE np_u32 np_parse_ports(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[NP_SCTP_HEADER];
	const np_u32 length = packet->protocol == NP_SCTP ? NP_SCTP_HEADER : NP_UDP_HEADER;
	if (packet->transport + length > packet->end || np_load_bytes(skb, packet->transport, header, NP_UDP_HEADER))
		return NP_REASON_INVALID_PACKET;
	np_set_ports(packet, header);
	packet->number = packet->destination_port;
	packet->answers = 1;
	return NP_JUDGE;
}

NP_INLINE np_u32 np_parse_icmp(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[8];
	if (!np_take_bytes(skb, packet->transport, header, sizeof(header), packet->end))
		return NP_REASON_INVALID_PACKET;
	np_u8 type = header[0], code = header[1];
	np_u8 protocol = packet->protocol;
	np_set_ports(packet, header);
	packet->number = type;
	packet->answers = np_icmp_request(protocol, type) != 0xffff;
	packet->icmp_error = np_icmp_is_error(protocol, type);
	/* path MTU discovery must work whatever policy says */
	if (protocol == NP_ICMP && type == 3 && code == 4)
		return NP_PASS;
	/* neighbour discovery cannot come from beyond the link: hop limit 255 (RFC 4861) */
	if (protocol == NP_ICMPV6 && type >= 133 && type <= 136 && code == 0 && packet->hop_limit == 255)
		return NP_PASS;
	return NP_JUDGE;
}

NP_INLINE np_u32 np_parse_transport(const struct __sk_buff *skb, struct np_packet *packet)
{
	switch (packet->protocol) {
	case NP_TCP:
		return np_parse_tcp(skb, packet);
	case NP_UDP:
	case NP_SCTP:
		return np_parse_ports(skb, packet);
	case NP_ICMP:
		return packet->family == 4 ? np_parse_icmp(skb, packet) : NP_REASON_UNKNOWN_L4;
	case NP_ICMPV6:
		return packet->family == 6 ? np_parse_icmp(skb, packet) : NP_REASON_UNKNOWN_L4;
	}
	return NP_REASON_UNKNOWN_L4;
}

NP_INLINE np_u32 np_parse_ipv4(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[20];
	packet->family = 4;
	if (np_load_bytes(skb, packet->network, header, sizeof(header)))
		return NP_REASON_INVALID_PACKET;
	__builtin_memcpy(packet->source, header + 12, 4);
	__builtin_memcpy(packet->destination, header + 16, 4);
	packet->protocol = header[9];
	packet->hop_limit = header[8];
	np_u32 length = (header[0] & 15) * 4, total = np_be16(header + 2), there = skb->len - packet->network;
	if (total == 0 && there > 0xffff)
		total = there; /* segments that the kernel holds together may be longer than the field (BIG TCP) */
	if (header[0] >> 4 != 4 || length < 20 || total < length || total > there)
		return NP_REASON_INVALID_PACKET;
	np_u16 fragment = np_be16(header + 6);
	packet->fragment = (np_u32)(fragment & 0x1fff) << 3 | (fragment >> 13 & 1);
	packet->fragment_id = np_be16(header + 4);
	packet->fragment_protocol = packet->protocol;
	packet->transport = packet->network + length;
	packet->end = packet->network + total;
	return NP_JUDGE;
}

NP_INLINE int np_is_extension(np_u8 next)
{
	return next == NP_IPV6_HOP_BY_HOP || next == NP_IPV6_ROUTING || next == NP_IPV6_FRAGMENT || next == NP_IPV6_AUTHENTICATION ||
	       next == NP_IPV6_DESTINATION;
}

/* One extension header: its length in the lower half, what is next in the upper; 0: cut off. */
NP_APART np_u32 np_extension(struct __sk_buff *skb, struct np_packet *packet, np_u32 which, np_u32 offset)
{
	np_u8 header[8];
	np_u32 length;
	if (!packet || !np_take_bytes(skb, offset, header, sizeof(header), packet->end))
		return 0;
	if (which == NP_IPV6_FRAGMENT) {
		np_u16 fragment = np_be16(header + 2);
		packet->fragment = (np_u32)(fragment & 0xfff8) | (fragment & 1);
		packet->fragment_protocol = header[0];
		__builtin_memcpy(&packet->fragment_id, header + 4, 4);
		length = 8;
	} else if (which == NP_IPV6_AUTHENTICATION) {
		length = ((np_u32)header[1] + 2) * 4;
	} else {
		length = ((np_u32)header[1] + 1) * 8;
	}
	return (np_u32)header[0] << 16 | length;
}

/* Walks extension headers from `offset` to the transport header, or to the one that says that
 * this is no first fragment. The question whether to go on stands at the end, so that what leads back is a
 * conditional jump: until 6.7 the verifier takes a loop whose end just falls into its middle for one without end. */
NP_INLINE np_u32 np_skip_extensions(struct __sk_buff *skb, struct np_packet *packet, np_u8 next, np_u32 offset)
{
	int left = NP_IPV6_MAX_EXTENSIONS;
	packet->protocol = next;
	packet->transport = offset;
	if (!np_is_extension(next))
		return NP_JUDGE;
#pragma clang loop unroll(disable)
	do {
		np_u32 read = np_extension(skb, packet, next, offset);
		if (!read)
			return NP_REASON_INVALID_PACKET;
		if (packet->fragment & ~7u)
			return NP_JUDGE;
		offset += read & 0xffff;
		next = read >> 16;
		packet->protocol = next;
		packet->transport = offset;
		if (!np_is_extension(next))
			return NP_JUDGE;
	} while (--left);
	return NP_REASON_INVALID_EXTENSION;
}

NP_INLINE np_u32 np_parse_ipv6(struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[40];
	packet->family = 6;
	if (np_load_bytes(skb, packet->network, header, sizeof(header)))
		return NP_REASON_INVALID_PACKET;
	__builtin_memcpy(packet->source, header + 8, 16);
	__builtin_memcpy(packet->destination, header + 24, 16);
	packet->hop_limit = header[7];
	np_u32 there = skb->len - packet->network, total = np_be16(header + 4) + sizeof(header);
	if (total == sizeof(header) && there > 0xffff)
		total = there; /* BIG TCP, as above */
	if (header[0] >> 4 != 6 || total > there)
		return NP_REASON_INVALID_PACKET;
	packet->end = packet->network + total;
	return np_skip_extensions(skb, packet, header[6], packet->network + sizeof(header));
}

/* ---- fragments: the first one has the ports, the others are what it was ---- */

NP_INLINE void np_fragment_key(struct np_fragment_key *key, const struct np_packet *packet, np_u32 direction)
{
	__builtin_memcpy(key->source, packet->source, 16);
	__builtin_memcpy(key->destination, packet->destination, 16);
	key->id = packet->fragment_id;
	key->ifindex = packet->site;
	key->protocol = packet->fragment_protocol;
	key->direction = direction;
}

#define NP_FRAGMENT_LIFETIME 60 /* ticks: about a minute, as long as IPv6 waits for the others (RFC 8200 4.5) */

NP_INLINE void np_first_fragment(const struct np_packet *packet, np_u32 direction)
{
	struct np_fragment_key key = {};
	struct np_fragment first = {};
	const struct np_config *config = np_configuration();
	if (!config)
		return;
	np_fragment_key(&key, packet, direction);
	first.source_port = packet->source_port;
	first.destination_port = packet->destination_port;
	first.number = packet->number;
	first.protocol = packet->protocol;
	first.answers = packet->answers;
	first.query = packet->query;
	first.expires = np_ticks(config) + NP_FRAGMENT_LIFETIME;
	np_map_update(&np_fragments, &key, &first, 0); /* without it the others are dropped */
}

NP_INLINE np_u32 np_later_fragment(struct np_packet *packet, np_u32 direction)
{
	struct np_fragment_key key = {};
	np_fragment_key(&key, packet, direction);
	/* would overwrite the first one's TCP flags (RFC 3128) */
	if (packet->fragment_protocol == NP_TCP && packet->fragment >> 3 == 1)
		return NP_REASON_INVALID_PACKET;
	const struct np_config *config = np_configuration();
	struct np_fragment *first = np_map_lookup(&np_fragments, &key);
	if (!first || !config || (int)(first->expires - np_ticks(config)) < 0)
		return NP_REASON_FRAGMENT_NOT_FOUND;
	packet->source_port = first->source_port;
	packet->destination_port = first->destination_port;
	packet->number = first->number;
	packet->protocol = first->protocol;
	packet->answers = first->answers;
	packet->query = first->query;
	packet->tcp_flags = NP_TCP_ACK; /* opens and ends nothing */
	return NP_JUDGE;
}

/* Past the VLAN tags that are still in the packet; the EtherType behind them. */
NP_INLINE np_u16 np_skip_tags(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u16 type = skb->protocol;
	type = np_be16((const np_u8 *)&type);
	packet->network = NP_ETHERNET_LENGTH;
	for (int i = 0; i < NP_MAX_VLAN_TAGS && (type == NP_ETHERTYPE_VLAN || type == NP_ETHERTYPE_QINQ); i++) {
		np_u8 tag[4];
		if (np_load_bytes(skb, packet->network, tag, sizeof(tag)))
			return 0;
		type = np_be16(tag + 2);
		packet->network += sizeof(tag);
	}
	return type;
}

/* NP_JUDGE, NP_PASS, or the reason to drop. `packet` is zeroed by the caller, but for its site. */
NP_APART np_u32 np_parse(struct __sk_buff *skb, struct np_packet *packet, np_u32 direction)
{
	np_u32 parsed = NP_REASON_UNSUPPORTED_L3;
	if (!packet)
		return parsed;
	switch (np_skip_tags(skb, packet)) {
	case NP_ETHERTYPE_ARP:
		return NP_PASS;
	case NP_ETHERTYPE_IPV4:
		parsed = np_parse_ipv4(skb, packet);
		break;
	case NP_ETHERTYPE_IPV6:
		parsed = np_parse_ipv6(skb, packet);
		break;
	}
	if (parsed != NP_JUDGE)
		return parsed;
	if (packet->fragment & ~7u)
		return np_later_fragment(packet, direction);
	parsed = np_parse_transport(skb, packet);
	if (parsed == NP_JUDGE && packet->fragment)
		np_first_fragment(packet, direction);
	return parsed;
}

/* The tuple of the packet that an ICMP error quotes; 0 if there is none to read. */
NP_APART int np_parse_quoted(struct __sk_buff *skb, const struct np_packet *packet, struct np_packet *quoted)
{
	if (!packet || !quoted)
		return 0;
	np_u32 offset = packet->transport + 8;
	np_u8 transport[8];
	quoted->family = packet->family;
	quoted->end = packet->end; /* routers may cut what they quote */
	if (quoted->family == 4) {
		np_u8 header[20];
		if (!np_take_bytes(skb, offset, header, sizeof(header), packet->end))
			return 0;
		if (header[0] >> 4 != 4 || (header[0] & 15) < 5 || np_be16(header + 6) & 0x1fff)
			return 0;
		__builtin_memcpy(quoted->source, header + 12, 4);
		__builtin_memcpy(quoted->destination, header + 16, 4);
		quoted->protocol = header[9];
		quoted->transport = offset + (header[0] & 15) * 4;
	} else {
		np_u8 header[40];
		if (!np_take_bytes(skb, offset, header, sizeof(header), packet->end) || header[0] >> 4 != 6)
			return 0;
		__builtin_memcpy(quoted->source, header + 8, 16);
		__builtin_memcpy(quoted->destination, header + 24, 16);
		if (np_skip_extensions(skb, quoted, header[6], offset + sizeof(header)) != NP_JUDGE || quoted->fragment & ~7u)
			return 0;
	}
	if (!np_take_bytes(skb, quoted->transport, transport, sizeof(transport), packet->end))
		return 0;
	np_set_ports(quoted, transport);
	return 1;
}

#endif
