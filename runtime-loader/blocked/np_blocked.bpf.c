/* np_blocked.bpf.c — at a pod's interface as long as there is no program for the pod: nothing passes
 * but ARP and neighbour discovery, as with a program that isn't configured yet. Drops count and are
 * reported with reason 203, endpoint not ready (semantics 8.8).
 */
#include "map_layout.h"

#define SEC(name) __attribute__((section(name), used))
#define NP_INLINE static inline __attribute__((always_inline))
#define NP_REASON_NOT_READY 203

/* The head of the kernel's struct __sk_buff, as far as we read it. */
struct __sk_buff {
	np_u32 len;
	np_u32 pkt_type, mark, queue_mapping;
	np_u32 protocol; /* EtherType, network order */
	np_u32 vlan_present, vlan_tci, vlan_proto, priority, ingress_ifindex;
	np_u32 ifindex;
};
#define TC_ACT_UNSPEC (-1)
#define TC_ACT_SHOT 2

static void *(*const lookup)(void *map, const void *key) = (void *)1;
static long (*const load_bytes)(const struct __sk_buff *skb, np_u32 offset, void *to, np_u32 length) = (void *)26;
static np_u64 (*const jiffies)(void) = (void *)118;
static void *(*const ring_reserve)(void *ring, np_u64 size, np_u64 flags) = (void *)131;
static void (*const ring_submit)(void *data, np_u64 flags) = (void *)132;
static np_u64 (*const now)(void) = (void *)160;

struct {
	int (*type)[6]; /* BPF_MAP_TYPE_PERCPU_ARRAY */
	int (*map_flags)[0];
	int (*max_entries)[256];
	np_u32 *key;
	struct np_outcomes *value;
} np_drops SEC(".maps");
struct {
	int (*type)[27]; /* BPF_MAP_TYPE_RINGBUF */
	int (*max_entries)[1 << 20];
} np_events SEC(".maps");

#define ETHERNET 14
#define IPV4 0x0008 /* as on the wire */
#define ARP 0x0608
#define IPV6 0xdd86
#define ICMPV6 58

NP_INLINE int neighbour_discovery(const struct __sk_buff *skb)
{
	np_u8 head[2] = {0, 0}, type = 0; /* next header, hop limit: what was forwarded is none (RFC 4861) */
	if (skb->protocol != IPV6 || load_bytes(skb, ETHERNET + 6, head, 2) || head[0] != ICMPV6 || head[1] != 255)
		return 0;
	return !load_bytes(skb, ETHERNET + 40, &type, 1) && type >= 133 && type <= 136;
}

NP_INLINE np_u16 host_order(np_u16 number)
{
	return number << 8 | number >> 8;
}

/* Who to whom, where the headers are plain. */
NP_INLINE void describe(const struct __sk_buff *skb, struct np_event *event)
{
	np_u16 ports[2] = {0, 0};
	np_u32 transport = 0;
	if (skb->protocol == IPV4) {
		np_u8 version = 0, fragment[2] = {0, 0};
		event->family = 4;
		load_bytes(skb, ETHERNET + 9, &event->protocol, 1);
		load_bytes(skb, ETHERNET + 12, event->source, 4);
		load_bytes(skb, ETHERNET + 16, event->destination, 4);
		if (!load_bytes(skb, ETHERNET, &version, 1) && !load_bytes(skb, ETHERNET + 6, fragment, 2) && !(fragment[0] & 0x1f || fragment[1]))
			transport = ETHERNET + (version & 15) * 4; /* a later fragment has none */
	} else if (skb->protocol == IPV6) {
		event->family = 6;
		load_bytes(skb, ETHERNET + 6, &event->protocol, 1);
		load_bytes(skb, ETHERNET + 8, event->source, 16);
		load_bytes(skb, ETHERNET + 24, event->destination, 16);
		transport = ETHERNET + 40;
	}
	int ported = event->protocol == 6 || event->protocol == 17 || event->protocol == 132;
	if (!transport || !ported || load_bytes(skb, transport, ports, sizeof ports))
		return;
	event->source_port = host_order(ports[0]);
	event->destination_port = host_order(ports[1]);
	if (event->protocol == 6)
		load_bytes(skb, transport + 13, &event->tcp_flags, 1);
}

/* So many events a processor and 256 jiffies; the others are only counted. */
#define EVENTS 64

NP_INLINE int may_report(struct np_outcomes *outcomes)
{
	np_u32 tick = jiffies() >> 8;
	if (outcomes->tick != tick) {
		outcomes->tick = tick;
		outcomes->reported = 0;
		outcomes->time = now();
	}
	return outcomes->reported++ < EVENTS;
}

NP_INLINE int blocked(const struct __sk_buff *skb, np_u8 direction)
{
	np_u32 reason = NP_REASON_NOT_READY;
	struct np_outcomes *outcomes;
	struct np_event *event;
	if (skb->protocol == ARP || neighbour_discovery(skb))
		return TC_ACT_UNSPEC;
	outcomes = lookup(&np_drops, &reason);
	if (!outcomes)
		return TC_ACT_SHOT;
	outcomes->dropped.packets++;
	outcomes->dropped.bytes += skb->len;
	if (!may_report(outcomes))
		return TC_ACT_SHOT;
	event = ring_reserve(&np_events, sizeof *event, 0);
	if (!event)
		return TC_ACT_SHOT;
	__builtin_memset(event, 0, sizeof *event);
	event->time = now();
	event->ifindex = skb->ifindex;
	event->rule = NP_NO_RULE;
	event->length = skb->len;
	event->direction = direction;
	event->reason = NP_REASON_NOT_READY;
	describe(skb, event);
	ring_submit(event, 0);
	return TC_ACT_SHOT;
}

SEC("tc")
int np_from_pod(struct __sk_buff *skb)
{
	return blocked(skb, NP_EGRESS);
}

SEC("tc")
int np_to_pod(struct __sk_buff *skb)
{
	return blocked(skb, NP_INGRESS);
}

char np_license[] SEC("license") = "Dual MIT/GPL";
