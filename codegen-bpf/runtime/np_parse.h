/* np_parse.h — from bytes to a flow. What can't be parsed is never guessed at: it gets a
 * reason to be dropped.
 */
#ifndef NP_PARSE_H
#define NP_PARSE_H

#include "np_maps.h"

#define NP_ETHERNET_LENGTH 14
#define NP_ETHERTYPE_IPV4 0x0800
#define NP_ETHERTYPE_ARP 0x0806
#define NP_ETHERTYPE_IPV6 0x86dd

#define NP_IPV6_HOP_BY_HOP 0
#define NP_IPV6_ROUTING 43
#define NP_IPV6_FRAGMENT 44
#define NP_IPV6_AUTHENTICATION 51
#define NP_IPV6_DESTINATION 60
#define NP_IPV6_MAX_EXTENSIONS 8

#define NP_TCP_FIN 0x01
#define NP_TCP_SYN 0x02
#define NP_TCP_RST 0x04
#define NP_TCP_ACK 0x10

/* What np_parse says besides a reason to drop. */
#define NP_JUDGE 0      /* ask conntrack, then policy */
#define NP_PASS 0x100   /* none of policy's business */

struct np_packet {
	struct np_ct_key key; /* this packet's tuple, in the direction it travels */
	struct np_flow flow;
	np_u32 transport;     /* offset of the transport header */
	np_u8 hop_limit;
	np_u8 tcp_flags;
	np_u8 answers;        /* may be a reply */
	np_u8 icmp_error;     /* may be about another connection */
};

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
NP_INLINE void np_set_ports(struct np_ct_key *key, const np_u8 *header)
{
	if (key->protocol != NP_ICMP && key->protocol != NP_ICMPV6) {
		key->source_port = np_be16(header);
		key->destination_port = np_be16(header + 2);
		return;
	}
	np_u8 type = header[0];
	np_u16 request = np_icmp_request(key->protocol, type);
	np_u8 echo = key->protocol == NP_ICMPV6 ? 128 : 8;
	if (request != 0xffff) {
		key->source_port = request;
		key->destination_port = np_be16(header + 4);
	} else {
		int query = type == echo || (key->protocol == NP_ICMP && (type == 13 || type == 15 || type == 17));
		key->source_port = query ? np_be16(header + 4) : 0;
		key->destination_port = type;
	}
}

NP_INLINE np_u32 np_parse_tcp(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[20];
	if (np_load_bytes(skb, packet->transport, header, sizeof(header)) || header[12] >> 4 < 5)
		return NP_REASON_INVALID_PACKET;
	np_set_ports(&packet->key, header);
	packet->flow.port = packet->key.destination_port;
	packet->tcp_flags = header[13];
	packet->answers = 1;
	return NP_JUDGE;
}

NP_INLINE np_u32 np_parse_ports(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[8];
	if (np_load_bytes(skb, packet->transport, header, sizeof(header)))
		return NP_REASON_INVALID_PACKET;
	np_set_ports(&packet->key, header);
	packet->flow.port = packet->key.destination_port;
	packet->answers = 1;
	return NP_JUDGE;
}

NP_INLINE np_u32 np_parse_icmp(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[8];
	if (np_load_bytes(skb, packet->transport, header, sizeof(header)))
		return NP_REASON_INVALID_PACKET;
	np_u8 type = header[0], code = header[1];
	np_u8 protocol = packet->key.protocol;
	/* path MTU discovery must work whatever policy says */
	if (protocol == NP_ICMP && type == 3 && code == 4)
		return NP_PASS;
	/* neighbour discovery cannot come from beyond the link: hop limit 255 (RFC 4861) */
	if (protocol == NP_ICMPV6 && type >= 133 && type <= 136 && code == 0 && packet->hop_limit == 255)
		return NP_PASS;
	np_set_ports(&packet->key, header);
	packet->flow.port = type;
	packet->answers = np_icmp_request(protocol, type) != 0xffff;
	packet->icmp_error = np_icmp_is_error(protocol, type);
	return NP_JUDGE;
}

NP_INLINE np_u32 np_parse_transport(const struct __sk_buff *skb, struct np_packet *packet)
{
	packet->flow.protocol = packet->key.protocol;
	switch (packet->key.protocol) {
	case NP_TCP:
		return np_parse_tcp(skb, packet);
	case NP_UDP:
	case NP_SCTP:
		return np_parse_ports(skb, packet);
	case NP_ICMP:
		return packet->key.family == 4 ? np_parse_icmp(skb, packet) : NP_REASON_UNKNOWN_L4;
	case NP_ICMPV6:
		return packet->key.family == 6 ? np_parse_icmp(skb, packet) : NP_REASON_UNKNOWN_L4;
	}
	return NP_REASON_UNKNOWN_L4;
}

NP_INLINE np_u32 np_parse_ipv4(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[20];
	packet->key.family = 4;
	if (np_load_bytes(skb, NP_ETHERNET_LENGTH, header, sizeof(header)))
		return NP_REASON_INVALID_PACKET;
	__builtin_memcpy(packet->key.source, header + 12, 4);
	__builtin_memcpy(packet->key.destination, header + 16, 4);
	packet->key.protocol = header[9];
	packet->hop_limit = header[8];
	np_u32 length = (header[0] & 15) * 4, total = np_be16(header + 2);
	if (header[0] >> 4 != 4 || length < 20 || total < length || total > skb->len - NP_ETHERNET_LENGTH)
		return NP_REASON_INVALID_PACKET;
	if (np_be16(header + 6) & 0x1fff)
		return NP_REASON_FRAGMENT; /* a later fragment has no ports */
	packet->transport = NP_ETHERNET_LENGTH + length;
	return NP_JUDGE;
}

/* Walks extension headers from `offset` to the transport header. */
NP_INLINE np_u32 np_skip_extensions(const struct __sk_buff *skb, struct np_packet *packet, np_u8 next, np_u32 offset)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i <= NP_IPV6_MAX_EXTENSIONS; i++) {
		packet->key.protocol = next;
		packet->transport = offset;
		if (next != NP_IPV6_HOP_BY_HOP && next != NP_IPV6_ROUTING && next != NP_IPV6_FRAGMENT &&
		    next != NP_IPV6_AUTHENTICATION && next != NP_IPV6_DESTINATION)
			return NP_JUDGE;
		np_u8 header[8];
		if (np_load_bytes(skb, offset, header, sizeof(header)))
			return NP_REASON_INVALID_PACKET;
		if (next == NP_IPV6_FRAGMENT && np_be16(header + 2) & 0xfff8)
			return NP_REASON_FRAGMENT;
		if (next == NP_IPV6_FRAGMENT)
			offset += 8;
		else if (next == NP_IPV6_AUTHENTICATION)
			offset += ((np_u32)header[1] + 2) * 4;
		else
			offset += ((np_u32)header[1] + 1) * 8;
		next = header[0];
	}
	return NP_REASON_INVALID_EXTENSION;
}

NP_INLINE np_u32 np_parse_ipv6(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u8 header[40];
	packet->key.family = 6;
	if (np_load_bytes(skb, NP_ETHERNET_LENGTH, header, sizeof(header)))
		return NP_REASON_INVALID_PACKET;
	__builtin_memcpy(packet->key.source, header + 8, 16);
	__builtin_memcpy(packet->key.destination, header + 24, 16);
	packet->hop_limit = header[7];
	if (header[0] >> 4 != 6 || np_be16(header + 4) + sizeof(header) > skb->len - NP_ETHERNET_LENGTH)
		return NP_REASON_INVALID_PACKET;
	return np_skip_extensions(skb, packet, header[6], NP_ETHERNET_LENGTH + sizeof(header));
}

/* NP_JUDGE, NP_PASS, or the reason to drop. `packet` is zeroed by the caller. */
NP_INLINE np_u32 np_parse(const struct __sk_buff *skb, struct np_packet *packet)
{
	np_u16 network = skb->protocol;
	np_u32 parsed = NP_REASON_UNSUPPORTED_L3;
	switch (np_be16((const np_u8 *)&network)) {
	case NP_ETHERTYPE_ARP:
		return NP_PASS;
	case NP_ETHERTYPE_IPV4:
		parsed = np_parse_ipv4(skb, packet);
		break;
	case NP_ETHERTYPE_IPV6:
		parsed = np_parse_ipv6(skb, packet);
		break;
	}
	return parsed == NP_JUDGE ? np_parse_transport(skb, packet) : parsed;
}

/* The tuple of the packet that an ICMP error quotes; 0 if there is none to read. */
NP_INLINE int np_parse_quoted(const struct __sk_buff *skb, const struct np_packet *packet, struct np_ct_key *key)
{
	np_u32 offset = packet->transport + 8;
	np_u8 transport[8];
	key->family = packet->key.family;
	if (key->family == 4) {
		np_u8 header[20];
		if (np_load_bytes(skb, offset, header, sizeof(header)))
			return 0;
		if (header[0] >> 4 != 4 || (header[0] & 15) < 5 || np_be16(header + 6) & 0x1fff)
			return 0;
		__builtin_memcpy(key->source, header + 12, 4);
		__builtin_memcpy(key->destination, header + 16, 4);
		key->protocol = header[9];
		offset += (header[0] & 15) * 4;
	} else {
		np_u8 header[40];
		if (np_load_bytes(skb, offset, header, sizeof(header)) || header[0] >> 4 != 6)
			return 0;
		__builtin_memcpy(key->source, header + 8, 16);
		__builtin_memcpy(key->destination, header + 24, 16);
		key->protocol = header[6];
		offset += sizeof(header);
	}
	if (np_load_bytes(skb, offset, transport, sizeof(transport)))
		return 0;
	np_set_ports(key, transport);
	return 1;
}

#endif
