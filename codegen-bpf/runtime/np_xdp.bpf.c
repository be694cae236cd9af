/* np_xdp.bpf.c — at the node's external device, before the stack does any work: drops what
 * comes from outside the cluster to a pod of the node, where no pod's policy lets it in.
 *
 * What it drops, np_to_pod would drop, and everything else passes: what it can't read at a
 * glance, what is not for a pod, what may be a reply. It knows no rules: the loader tells it
 * which ports are denied to whom (map_layout.h, "outside").
 */
#include "np_addresses.h"
#include "np_fast.h"
#include "np_flows.h"

/* The kernel's struct xdp_md, as far as we read it. */
struct xdp_md {
	np_u32 data;
	np_u32 data_end;
};

#define XDP_DROP 1
#define XDP_PASS 2

NP_MAP(BPF_MAP_TYPE_ARRAY, 0, 1, np_u32, struct np_outside, np_outside);
NP_MAP(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, 16384, np_u32, np_u32, np_local4);
NP_MAP(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, 16384, np_u64[2], np_u32, np_local6);
NP_MAP(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, 131072, np_u32, np_u32, np_classes);
NP_MAP(BPF_MAP_TYPE_ARRAY, 0, NP_OUTSIDE_CLASSES, np_u32, struct np_denied, np_denied);

/* ---- what it is ---- */

/* An echo request is never a reply, so that it needs no flow. */
NP_INLINE int np_echo_request(struct np_packet *packet, const np_u8 *transport, const np_u8 *end, np_u32 length)
{
	np_u8 protocol = packet->family == 4 ? NP_ICMP : NP_ICMPV6, echo = packet->family == 4 ? 8 : 128;
	if (packet->protocol != protocol || transport + 8 > end || length < 8 || transport[0] != echo)
		return 0;
	packet->source_port = np_be16(transport + 4);
	packet->destination_port = packet->number = echo;
	packet->tcp_flags = 0;
	return 1;
}

NP_INLINE int np_transport(struct np_packet *packet, const np_u8 *transport, const np_u8 *end, np_u32 length)
{
	return np_fast_transport(packet, transport, end, length) || np_echo_request(packet, transport, end, length);
}

NP_INLINE np_u32 np_length(const struct xdp_md *frame)
{
	return (const np_u8 *)(long)frame->data_end - (const np_u8 *)(long)frame->data;
}

/* 0: not one of the packets that are dropped here. As np_fast, but of what has no tags. */
NP_INLINE int np_glance(const struct xdp_md *frame, struct np_packet *packet)
{
	const np_u8 *data = (const np_u8 *)(long)frame->data, *end = (const np_u8 *)(long)frame->data_end;
	if (data + NP_ETHERNET_LENGTH > end)
		return 0;
	np_u32 length = 0;
	const np_u8 *transport = np_fast_network(packet, *(const np_u16 *)(data + 12), data, end, np_length(frame) - NP_ETHERNET_LENGTH, &length);
	return transport && np_transport(packet, transport, end, length);
}

/* ---- whose it is, and who sent it ---- */

NP_INLINE const np_u32 *np_local(const np_u64 *address, np_u8 family)
{
	np_u32 four = address[0];
	return family == 4 ? np_map_lookup(&np_local4, &four) : np_map_lookup(&np_local6, address);
}

/* Who sends to a service's address is answered by somebody behind it, under that one's own address
 * as long as the packet is here. Of TCP the first packet can't be such an answer. */
NP_INLINE int np_of_a_service(const struct np_packet *packet)
{
	return (packet->protocol == NP_TCP && !np_opens(packet)) || np_local(packet->source, packet->family);
}

/* Null: of the world, for all that is known. */
NP_INLINE const struct np_address *np_sender(const struct np_packet *packet, int prefixes)
{
	const struct np_address *found = np_exactly(packet->source, packet->family);
	return !found && prefixes ? np_by_prefix(packet->source, packet->family) : found;
}

NP_INLINE np_u32 np_class_of(const struct np_packet *packet, const struct np_outside *outside, int prefixes)
{
	const struct np_address *sender = np_sender(packet, prefixes);
	if (!sender)
		return packet->family == 4 ? outside->world4 : outside->world6;
	np_u32 identity = sender->identity;
	const np_u32 *class = np_map_lookup(&np_classes, &identity);
	return class ? *class : 0;
}

/* ---- may it be dropped? ---- */

/* The reason to, as policy gives it; 0: not denied. */
NP_INLINE np_u32 np_denied_for(const struct np_packet *packet, const struct np_denied *denied)
{
	if (packet->protocol == NP_ICMP)
		return denied->echo[0];
	if (packet->protocol == NP_ICMPV6)
		return denied->echo[1];
	np_u32 protocol = packet->protocol == NP_TCP ? 0 : packet->protocol == NP_UDP ? 1 : 2;
	np_u32 word = packet->number >> 6 & 1023;
	np_u64 bit = 1ULL << (packet->number & 63);
	if (!(denied->denied[protocol][word] & bit))
		return 0;
	return denied->by_rule[protocol][word] & bit ? NP_REASON_DENY : NP_REASON_DEFAULT_DENY;
}

/* Does it belong to a connection of the pod? Then np_to_pod knows what to do. */
NP_INLINE int np_of_a_flow(const struct np_packet *packet, np_u32 ifindex, const struct np_config *config, np_u32 now)
{
	struct np_key key;
	np_u64 state = 0;
	if (packet->protocol == NP_ICMP || packet->protocol == NP_ICMPV6)
		return 0;
	np_key_of(&key, packet, ifindex, NP_INGRESS, config->seed);
	return np_find(&key, config, now, &state) != 0;
}

/* ---- what is told of it ---- */

struct np_refusal {
	np_u32 reason;
	np_u32 ifindex;
	np_u32 length;
	np_u32 now;
};

NP_INLINE void np_tell(const struct np_packet *packet, const struct np_config *config, const struct np_refusal *refusal,
		       struct np_outcomes *outcomes)
{
	struct np_event *event = np_may_report(outcomes, config) ? np_ring_reserve(&np_events, sizeof(*event), 0) : 0;
	if (!event) {
		np_count(NP_STAT_SUPPRESSED); /* the counters have it */
		return;
	}
	/* by prefix too: its class didn't need to know so exactly, but people will */
	const struct np_address *sender = np_sender(packet, 1);
	np_u32 world = packet->family == 4 ? config->world4.identity : config->world6.identity;
	event->time = outcomes->time;
	event->program = 0;
	event->ifindex = refusal->ifindex;
	event->rule = NP_NO_RULE; /* each pod has its own */
	event->identity = sender ? sender->identity : world;
	event->length = refusal->length;
	__builtin_memcpy(event->source, packet->source, 16);
	__builtin_memcpy(event->destination, packet->destination, 16);
	event->source_port = packet->source_port;
	event->destination_port = packet->destination_port;
	event->protocol = packet->protocol;
	event->direction = NP_INGRESS;
	event->family = packet->family;
	event->reason = refusal->reason;
	event->flags = NP_EVENT_OUTSIDE;
	event->tcp_flags = packet->tcp_flags;
	event->zero[0] = event->zero[1] = event->zero[2] = 0;
	np_ring_submit(event, 0);
}

NP_INLINE int np_turn_away(const struct np_packet *packet, const struct np_config *config, const struct np_refusal *refusal)
{
	np_u32 reason = refusal->reason;
	struct np_outcomes *outcomes = np_map_lookup(&np_drops, &reason);
	if (outcomes) {
		outcomes->dropped.packets++;
		outcomes->dropped.bytes += refusal->length;
		np_tell(packet, config, refusal, outcomes);
	}
	return XDP_DROP;
}

SEC("xdp")
int np_from_outside(struct xdp_md *frame)
{
	struct np_packet packet;
	np_u32 zero = 0;
	if (!np_glance(frame, &packet))
		return XDP_PASS;
	const np_u32 *ifindex = np_local(packet.destination, packet.family);
	const struct np_outside *outside = np_map_lookup(&np_outside, &zero);
	const struct np_config *config = np_configuration();
	if (!ifindex || !*ifindex || !outside || !outside->ready || !config || !config->ready)
		return XDP_PASS;
	if (outside->flags & NP_OUTSIDE_SERVICES && np_of_a_service(&packet))
		return XDP_PASS;

	const int settled = outside->generation == config->generation;
	np_u32 class = np_class_of(&packet, outside, !settled || outside->flags & NP_OUTSIDE_PREFIXES);
	const struct np_denied *denied = np_map_lookup(&np_denied, &class);
	if (!class || !denied)
		return XDP_PASS;
	struct np_refusal refusal = { np_denied_for(&packet, denied), *ifindex, np_length(frame), 0 };
	if (!refusal.reason)
		return XDP_PASS;
	refusal.now = np_ticks(config);
	if (!(settled && denied->nothing_sent) && np_of_a_flow(&packet, refusal.ifindex, config, refusal.now))
		return XDP_PASS;
	return np_turn_away(&packet, config, &refusal);
}

char np_license[] SEC("license") = "Dual MIT/GPL";
