/* np_fast.h — the packets that nearly all are, read in place: IPv4 without options or
 * fragments, IPv6 without extension headers, with TCP, UDP or SCTP in the linear part.
 */
#ifndef NP_FAST_H
#define NP_FAST_H

#include "np_parse.h"

struct np_ipv4_header {
	np_u8 version_length;
	np_u8 traffic_class;
	np_u16 total;
	np_u16 id;
	np_u16 fragment;
	np_u8 hop_limit;
	np_u8 protocol;
	np_u16 checksum;
	np_u32 source;
	np_u32 destination;
};

struct np_ipv6_header {
	np_u8 version;
	np_u8 label[3];
	np_u16 length;
	np_u8 next;
	np_u8 hop_limit;
	np_u32 source[4];
	np_u32 destination[4];
};

#define NP_WIRE16(number) ((np_u16)(((number) & 0xff) << 8 | (number) >> 8))

NP_INLINE np_u16 np_host16(np_u16 wire)
{
	return __builtin_bswap16(wire);
}

NP_INLINE np_u64 np_pair(const np_u32 *words)
{
	return words[0] | (np_u64)words[1] << 32;
}

/* 0: it is not one of those, np_parse must look at it. */
NP_INLINE int np_fast_transport(struct np_packet *packet, const np_u8 *transport, const np_u8 *end, np_u32 length)
{
	if (transport + NP_SCTP_HEADER > end || length < NP_UDP_HEADER)
		return 0;
	packet->source_port = np_host16(*(const np_u16 *)transport);
	packet->destination_port = np_host16(*(const np_u16 *)(transport + 2));
	packet->number = packet->destination_port;
	packet->tcp_flags = 0;
	packet->answers = 1;
	packet->icmp_error = 0;
	packet->query = 0;
	packet->network = packet->transport = 0;
	packet->fragment = packet->fragment_id = packet->fragment_protocol = packet->end = packet->hop_limit = 0;
	if (packet->protocol == NP_TCP) {
		if (transport + NP_TCP_HEADER > end || length < NP_TCP_HEADER || transport[12] >> 4 < 5)
			return 0;
		packet->tcp_flags = transport[13];
		return 1;
	}
	return packet->protocol == NP_UDP || (packet->protocol == NP_SCTP && length >= NP_SCTP_HEADER);
}

/* The network header of an untagged frame of EtherType `type` (network order), with `there` bytes
 * behind its Ethernet header. The transport header, of which *length bytes are the packet's; 0: np_parse
 * must look at it. */
NP_INLINE const np_u8 *np_fast_network(struct np_packet *packet, np_u16 type, const np_u8 *data, const np_u8 *end, np_u32 there,
				       np_u32 *length)
{
	if (type == NP_WIRE16(NP_ETHERTYPE_IPV4)) {
		const struct np_ipv4_header *ip = (const void *)(data + NP_ETHERNET_LENGTH);
		if ((const np_u8 *)(ip + 1) > end || ip->version_length != 0x45 || ip->fragment & NP_WIRE16(0x3fff))
			return 0;
		np_u32 total = np_host16(ip->total);
		if (total < sizeof(*ip) || total > there)
			return 0;
		packet->family = 4;
		packet->protocol = ip->protocol;
		packet->source[0] = ip->source;
		packet->destination[0] = ip->destination;
		packet->source[1] = packet->destination[1] = 0;
		*length = total - sizeof(*ip);
		return (const np_u8 *)(ip + 1);
	}
	if (type == NP_WIRE16(NP_ETHERTYPE_IPV6)) {
		const struct np_ipv6_header *ip = (const void *)(data + NP_ETHERNET_LENGTH);
		if ((const np_u8 *)(ip + 1) > end || ip->version >> 4 != 6)
			return 0;
		*length = np_host16(ip->length);
		if (*length + sizeof(*ip) > there)
			return 0;
		packet->family = 6;
		packet->protocol = ip->next;
		packet->source[0] = np_pair(ip->source);
		packet->source[1] = np_pair(ip->source + 2);
		packet->destination[0] = np_pair(ip->destination);
		packet->destination[1] = np_pair(ip->destination + 2);
		return (const np_u8 *)(ip + 1);
	}
	return 0;
}

NP_INLINE int np_fast(const struct __sk_buff *skb, struct np_packet *packet)
{
	const np_u8 *data = (const np_u8 *)(long)skb->data, *end = (const np_u8 *)(long)skb->data_end;
	np_u32 length = 0;
	const np_u8 *transport = np_fast_network(packet, skb->protocol, data, end, skb->len - NP_ETHERNET_LENGTH, &length);
	return transport && np_fast_transport(packet, transport, end, length);
}

/* NP_JUDGE, NP_PASS, or the reason to drop. */
NP_INLINE np_u32 np_read(struct __sk_buff *skb, struct np_packet *packet, np_u32 direction, np_u32 site)
{
	packet->site = site;
	if (np_fast(skb, packet))
		return NP_JUDGE;
	__builtin_memset(packet, 0, sizeof(*packet));
	packet->site = site;
	return np_parse(skb, packet, direction);
}

#endif
