/* baseline.bpf.c — what a generic datapath does for a packet, from section 8 (and 5.4) of
 * docs/reference/cilium-policy-semantics.md: everything is a map, whatever the policy says.
 *
 *   source address of the pod → conntrack, in both orders → identity of the peer → policy, twice
 *   → event → connection and its companion for ICMP errors → metrics
 *
 * IPv4 with TCP and UDP only; no service translation, no proxies, no delivery, no tail calls.
 * Where there is a choice, the cheaper way is taken: packets are read in place, the clock is the
 * coarse one, events go to a ring buffer, an entry's counters are in the entry, and addresses have
 * no cluster in front of them.
 */
#include "kernel.h"

#define ETHERTYPE_IPV4_BE BSWAP16(0x0800)
#define FRAGMENT_BE BSWAP16(0x3fff)
#define ICMP 1
#define TCP 6
#define UDP 17
#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4

#define INGRESS 1
#define EGRESS 2

#define FORWARDED 0
#define DROP_INVALID_SOURCE -132
#define DROP_POLICY -133
#define DROP_INVALID -134
#define DROP_UNKNOWN_L4 -137
#define DROP_UNKNOWN_L3 -139
#define DROP_CT_CREATE -155
#define DROP_FRAGMENT -157
#define DROP_POLICY_DENY -181
#define DROP_AUTH_REQUIRED -189

#define WORLD 2

/* Seconds: section 8.2. */
#define LIFETIME_TCP 8000
#define LIFETIME_SYN 60
#define LIFETIME_OTHER 60
#define LIFETIME_CLOSED 10
#define REPORT_INTERVAL 5

#define CT_NEW 0
#define CT_ESTABLISHED 1
#define CT_REPLY 2

/* As many connections as netpolc's table holds. */
#define CONNECTIONS 458752

MAP(BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, 512000, struct lpm_address, struct endpoint, ipcache);
MAP(BPF_MAP_TYPE_LRU_HASH, 0, CONNECTIONS, struct ct_tuple, struct ct_entry, ct_tcp);
MAP(BPF_MAP_TYPE_LRU_HASH, 0, CONNECTIONS, struct ct_tuple, struct ct_entry, ct_any);
MAP(BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, 65536, struct policy_key, struct policy_entry, policy);
MAP(BPF_MAP_TYPE_PERCPU_HASH, 0, 1024, struct metrics_key, struct metrics, metrics);
MAP(BPF_MAP_TYPE_ARRAY, 0, 1, u32, struct settings, settings);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct packet {
	struct ct_tuple tuple; /* as the packet has it; flags not set */
	u8 tcp_flags;
};

/* ---- parse ---- */

INLINE int parse(const struct __sk_buff *skb, struct packet *packet)
{
	const u8 *data = (const u8 *)(long)skb->data, *end = (const u8 *)(long)skb->data_end;
	if (skb->protocol != ETHERTYPE_IPV4_BE)
		return DROP_UNKNOWN_L3;
	const struct ipv4 *ip = (const void *)(data + sizeof(struct ethernet));
	if ((const u8 *)(ip + 1) > end || ip->version_length != 0x45)
		return DROP_INVALID;
	if (ip->fragment & FRAGMENT_BE)
		return DROP_FRAGMENT;
	packet->tuple.source_be = ip->source;
	packet->tuple.destination_be = ip->destination;
	packet->tuple.protocol = ip->protocol;
	packet->tuple.flags = 0;
	packet->tuple.zero = 0;
	packet->tcp_flags = 0;
	const u8 *transport = (const u8 *)(ip + 1);
	if (ip->protocol == TCP) {
		if (transport + 20 > end)
			return DROP_INVALID;
		packet->tcp_flags = transport[13];
	} else if (ip->protocol != UDP) {
		return DROP_UNKNOWN_L4;
	} else if (transport + 8 > end) {
		return DROP_INVALID;
	}
	const struct ports *ports = (const void *)transport;
	packet->tuple.source_port_be = ports->source;
	packet->tuple.destination_port_be = ports->destination;
	return 0;
}

/* ---- conntrack ---- */

INLINE u32 seconds(void)
{
	return coarse_nanoseconds() / 1000000000;
}

INLINE void ct_reverse(struct ct_tuple *tuple)
{
	u32 address = tuple->source_be;
	u16 port = tuple->source_port_be;
	tuple->source_be = tuple->destination_be;
	tuple->destination_be = address;
	tuple->source_port_be = tuple->destination_port_be;
	tuple->destination_port_be = port;
	tuple->flags ^= CT_IN;
}

/* Flags and times of reports are written when they change, or a while after the last time. */
INLINE void ct_update_timeout(struct ct_entry *entry, const struct packet *packet, int reply, u32 now)
{
	u32 lifetime = LIFETIME_OTHER;
	if (packet->tuple.protocol == TCP) {
		if (!(packet->tcp_flags & TCP_SYN))
			entry->seen_non_syn = 1;
		lifetime = entry->seen_non_syn ? LIFETIME_TCP : LIFETIME_SYN;
	}
	entry->lifetime = now + lifetime;
	u8 *seen = reply ? &entry->rx_flags_seen : &entry->tx_flags_seen;
	u32 *last = reply ? &entry->last_rx_report : &entry->last_tx_report;
	u8 flags = *seen | packet->tcp_flags;
	if (*last + REPORT_INTERVAL < now || flags != *seen) {
		*seen = flags;
		*last = now;
	}
}

INLINE int ct_alive(const struct ct_entry *entry)
{
	return !entry->rx_closing || !entry->tx_closing;
}

INLINE int ct_find(struct ct_tuple *tuple, const struct packet *packet, int reply, u32 now)
{
	struct ct_entry *entry = tuple->protocol == TCP ? map_lookup(&ct_tcp, tuple) : map_lookup(&ct_any, tuple);
	if (!entry)
		return 0;
	if (ct_alive(entry))
		ct_update_timeout(entry, packet, reply, now);
	if (packet->tuple.protocol != TCP)
		return 1;
	if (packet->tcp_flags & (TCP_FIN | TCP_RST)) {
		if (reply)
			entry->rx_closing = 1;
		else
			entry->tx_closing = 1;
		if (packet->tcp_flags & TCP_RST)
			entry->rx_closing = entry->tx_closing = 1;
		if (!ct_alive(entry))
			entry->lifetime = now + LIFETIME_CLOSED;
	} else if (packet->tcp_flags & TCP_SYN && (entry->rx_closing || entry->tx_closing)) {
		entry->rx_closing = entry->tx_closing = 0;
		entry->seen_non_syn = 0;
		ct_update_timeout(entry, packet, reply, now);
	}
	return 1;
}

/* An entry's tuple names the side that opened it as source, with the direction in which it was
 * opened as seen from the endpoint. *tuple ends as the key of a new entry. */
INLINE int ct_lookup(const struct packet *packet, struct ct_tuple *tuple, u32 direction, u32 now)
{
	*tuple = packet->tuple;
	tuple->flags = direction == EGRESS ? CT_OUT : CT_IN;
	ct_reverse(tuple);
	if (ct_find(tuple, packet, 1, now))
		return CT_REPLY;
	ct_reverse(tuple);
	return ct_find(tuple, packet, 0, now) ? CT_ESTABLISHED : CT_NEW;
}

INLINE int ct_create(const struct packet *packet, const struct ct_tuple *tuple, u32 identity, u32 now)
{
	struct ct_entry entry = { .identity = identity, .last_tx_report = now };
	entry.tx_flags_seen = packet->tcp_flags;
	entry.seen_non_syn = tuple->protocol == TCP && !(packet->tcp_flags & TCP_SYN);
	entry.lifetime = now + (entry.seen_non_syn ? LIFETIME_TCP : tuple->protocol == TCP ? LIFETIME_SYN : LIFETIME_OTHER);
	/* errors about it, between the same two addresses */
	struct ct_tuple related = { .destination_be = tuple->destination_be, .source_be = tuple->source_be };
	struct ct_entry companion = { .lifetime = now + LIFETIME_OTHER, .identity = identity, .seen_non_syn = 1 };
	related.protocol = ICMP;
	related.flags = tuple->flags | CT_RELATED;
	if (map_update(&ct_any, &related, &companion, 0) < 0)
		return DROP_CT_CREATE;
	long error = tuple->protocol == TCP ? map_update(&ct_tcp, tuple, &entry, 0) : map_update(&ct_any, tuple, &entry, 0);
	return error < 0 ? DROP_CT_CREATE : 0;
}

/* ---- who, and may they ---- */

INLINE u32 identity_of(u32 address_be)
{
	struct lpm_address key = { .prefixlen = 32, .address_be = address_be };
	const struct endpoint *found = map_lookup(&ipcache, &key);
	return found ? found->identity : WORLD;
}

INLINE struct policy_entry *policy_of(u32 identity, const struct ct_tuple *packet, u32 direction)
{
	struct policy_key key = { .prefixlen = POLICY_FULL_PREFIX, .identity = identity, .egress = direction == EGRESS };
	key.protocol = packet->protocol;
	key.port_be = packet->destination_port_be;
	return map_lookup(&policy, &key);
}

/* Negative: dropped, for that reason. */
INLINE int verdict_of(u32 identity, const struct ct_tuple *packet, u32 direction, struct policy_entry **decided)
{
	struct policy_entry *best = policy_of(identity, packet, direction);
	if (!best || best->precedence != PRECEDENCE_DENY) {
		struct policy_entry *anyone = policy_of(0, packet, direction);
		if (anyone && (!best || anyone->precedence > best->precedence ||
			       (anyone->precedence == best->precedence && anyone->lpm_prefix_length > best->lpm_prefix_length)))
			best = anyone;
	}
	*decided = best;
	if (!best)
		return DROP_POLICY;
	if (best->deny)
		return DROP_POLICY_DENY;
	return best->auth_type ? DROP_AUTH_REQUIRED : 0;
}

INLINE void account(struct policy_entry *entry, u32 bytes)
{
	if (!entry)
		return;
	__sync_fetch_and_add(&entry->packets, 1);
	__sync_fetch_and_add(&entry->bytes, bytes);
}

INLINE void count(u32 direction, int verdict, u32 bytes)
{
	struct metrics_key key = { .reason = -verdict, .direction = direction };
	struct metrics *found = map_lookup(&metrics, &key);
	if (found) {
		found->count++;
		found->bytes += bytes;
		return;
	}
	struct metrics first = { 1, bytes };
	map_update(&metrics, &key, &first, 0);
}

/* ---- events ---- */

INLINE void report(const struct __sk_buff *skb, const struct packet *packet, u32 direction, u32 identity, int verdict,
		   const struct policy_entry *entry)
{
	const u8 *data = (const u8 *)(long)skb->data, *end = (const u8 *)(long)skb->data_end;
	struct verdict_event *event;
	if (data + sizeof(event->headers) > end)
		return;
	event = ring_reserve(&events, sizeof(*event), 0);
	if (!event)
		return;
	event->type = 5;
	event->subtype = 0;
	event->source = 1;
	event->hash = skb->hash;
	event->length = skb->len;
	event->captured = sizeof(event->headers);
	event->version = 1;
	event->remote_identity = identity;
	event->verdict = verdict;
	event->port = BSWAP16(packet->tuple.destination_port_be);
	event->protocol = packet->tuple.protocol;
	event->flags = direction | (entry ? 2 << 3 : 0);
	event->auth_type = entry ? entry->auth_type : 0;
	event->zero[0] = event->zero[1] = event->zero[2] = 0;
	event->cookie = entry ? entry->cookie : 0;
	event->pad = 0;
	for (u32 i = 0; i < sizeof(event->headers) / 8; i++)
		event->headers[i] = ((const u64 *)data)[i];
	ring_submit(event, 0);
}

/* ---- a packet ---- */

INLINE int judge(struct __sk_buff *skb, const struct packet *packet, const struct settings *config, u32 direction)
{
	struct ct_tuple tuple;
	u32 now = seconds();
	if (direction == EGRESS && packet->tuple.source_be != config->pod_address_be)
		return DROP_INVALID_SOURCE;
	int known = ct_lookup(packet, &tuple, direction, now);
	if (known == CT_REPLY)
		return FORWARDED;
	u32 identity = identity_of(direction == EGRESS ? packet->tuple.destination_be : packet->tuple.source_be);
	struct policy_entry *entry = 0;
	int verdict = verdict_of(identity, &packet->tuple, direction, &entry);
	account(entry, skb->len);
	if (verdict < 0 || (known == CT_NEW && config->report_allowed))
		report(skb, packet, direction, identity, verdict, entry);
	if (verdict < 0)
		return verdict;
	return known == CT_NEW ? ct_create(packet, &tuple, direction == EGRESS ? config->pod_identity : identity, now) : FORWARDED;
}

INLINE int handle(struct __sk_buff *skb, u32 direction)
{
	u32 zero = 0;
	struct packet packet;
	const struct settings *config = map_lookup(&settings, &zero);
	if (!config)
		return TC_ACT_SHOT;
	int verdict = parse(skb, &packet);
	if (verdict == 0)
		verdict = judge(skb, &packet, config, direction);
	count(direction, verdict, skb->len);
	return verdict < 0 ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tc")
int from_pod(struct __sk_buff *skb)
{
	return handle(skb, EGRESS);
}

SEC("tc")
int to_pod(struct __sk_buff *skb)
{
	return handle(skb, INGRESS);
}

/* Address and port to verdict, and nothing else. */
SEC("tc")
int verdict_alone(struct __sk_buff *skb)
{
	struct packet packet;
	struct policy_entry *entry = 0;
	if (parse(skb, &packet) < 0)
		return TC_ACT_SHOT;
	int verdict = verdict_of(identity_of(packet.tuple.destination_be), &packet.tuple, EGRESS, &entry);
	return verdict < 0 || !entry ? TC_ACT_SHOT : (int)entry->cookie;
}

char terms[] SEC("license") = "Dual MIT/GPL";
