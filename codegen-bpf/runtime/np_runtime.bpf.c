/* np_runtime.bpf.c — what every pod's programs have in common.
 *
 * parse → reply or related to an allowed connection? → who is it? → policy → remember
 *
 * Two programs, both on the host side of the pod's veth: np_from_pod judges what the pod
 * sends, np_to_pod what it receives. The policy they ask is generated, see np_policy.h.
 */
#include "np_conntrack.h"

NP_INLINE np_u32 np_identity(const np_u8 *address, np_u8 family, const struct np_config *config)
{
	if (family == 4) {
		struct np_lpm4 key = { .prefixlen = 32 };
		__builtin_memcpy(key.address, address, sizeof(key.address));
		np_u32 *identity = np_map_lookup(&np_ipcache4, &key);
		return identity ? *identity : config->world4;
	}
	struct np_lpm6 key = { .prefixlen = 128 };
	__builtin_memcpy(key.address, address, sizeof(key.address));
	np_u32 *identity = np_map_lookup(&np_ipcache6, &key);
	return identity ? *identity : config->world6;
}

NP_INLINE np_u32 np_remote_identity(const struct np_packet *packet, const struct np_config *config)
{
	const np_u8 *remote = packet->key.direction == NP_EGRESS ? packet->key.destination : packet->key.source;
	return np_identity(remote, packet->key.family, config);
}

/* No router forwards what comes from fe80::/10 or from ::. */
NP_INLINE int np_on_link_only(const np_u8 *address)
{
	np_u64 words[2];
	__builtin_memcpy(words, address, sizeof(words));
	return (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) || (words[0] | words[1]) == 0;
}

/* Whom a packet is from is what its source address says, to other pods' policies too: a pod must
 * not send in the name of others. Asked of new connections only, since others began with one. */
NP_INLINE int np_source_is_own(const struct np_packet *packet, const struct np_config *config)
{
	if (packet->key.direction != NP_EGRESS)
		return 1;
	np_u32 ifindex = packet->key.ifindex;
	struct np_interface *interface = np_map_lookup(&np_interfaces, &ifindex);
	np_u8 family = packet->key.family;
	if (!interface || !(interface->families & (family == 4 ? NP_SOURCE_IPV4 : NP_SOURCE_IPV6)))
		return 1;
	if (family == 6 && np_on_link_only(packet->key.source))
		return 1;
	return np_identity(packet->key.source, family, config) == interface->identity;
}

NP_INLINE void np_report(const struct __sk_buff *skb, const struct np_packet *packet, np_verdict verdict)
{
	struct np_event *event = np_ring_reserve(&np_events, sizeof(*event), 0);
	if (!event)
		return; /* the reader is slow; the counters have it */
	event->time = np_now();
	event->program = np_program_tag();
	event->ifindex = skb->ifindex;
	event->rule = np_rule(verdict);
	event->identity = packet->flow.identity;
	event->length = skb->len;
	__builtin_memcpy(event->source, packet->key.source, 16);
	__builtin_memcpy(event->destination, packet->key.destination, 16);
	event->source_port = packet->key.source_port;
	event->destination_port = packet->key.destination_port;
	event->protocol = packet->key.protocol;
	event->direction = packet->key.direction;
	event->family = packet->key.family;
	event->reason = np_reason(verdict);
	np_ring_submit(event, 0);
}

NP_INLINE int np_drop(const struct __sk_buff *skb, const struct np_packet *packet, np_verdict verdict)
{
	np_u32 reason = np_reason(verdict);
	struct np_counter *counter = np_map_lookup(&np_drops, &reason);
	if (counter) {
		counter->packets++;
		counter->bytes += skb->len;
	}
	np_report(skb, packet, verdict);
	return TC_ACT_SHOT;
}

NP_INLINE int np_refuse(const struct __sk_buff *skb, const struct np_packet *packet, np_u32 reason)
{
	return np_drop(skb, packet, NP_VERDICT(reason, NP_NO_RULE));
}

NP_INLINE int np_admit(const struct __sk_buff *skb, const struct np_packet *packet, np_verdict verdict,
		       const struct np_config *config, np_u64 now)
{
	if (np_ct_is_known(packet, now))
		return TC_ACT_UNSPEC;
	if (!np_source_is_own(packet, config))
		return np_refuse(skb, packet, NP_REASON_INVALID_SOURCE);
	if (!np_ct_open(packet, now))
		return np_refuse(skb, packet, NP_REASON_CT_CREATE_FAILED);
	if (config->flags & NP_CONFIG_REPORT_ALLOWED)
		np_report(skb, packet, verdict);
	return TC_ACT_UNSPEC;
}

/* One function for both programs: half the code to translate and to load. */
NP_SUBPROGRAM int np_handle(struct __sk_buff *skb, np_u32 direction)
{
	struct np_packet packet = {};
	packet.key.direction = direction;
	packet.key.ifindex = skb->ifindex;
	np_u32 parsed = np_parse(skb, &packet);
	if (parsed == NP_PASS)
		return TC_ACT_UNSPEC;
	if (parsed != NP_JUDGE)
		return np_refuse(skb, &packet, parsed);

	np_u64 now = np_now();
	if (np_ct_is_reply(&packet, now) || np_ct_is_related(skb, &packet, now))
		return TC_ACT_UNSPEC;

	np_u32 zero = 0;
	struct np_config *config = np_map_lookup(&np_config, &zero);
	if (!config || !config->ready)
		return np_refuse(skb, &packet, NP_REASON_NO_CONFIG);
	if (!(packet.key.family == 4 ? config->world4 : config->world6))
		return np_refuse(skb, &packet, NP_REASON_UNSUPPORTED_L3);
	packet.flow.identity = np_remote_identity(&packet, config);

	struct np_flow flow = packet.flow;
	np_verdict verdict = direction == NP_EGRESS ? np_policy_egress(&flow) : np_policy_ingress(&flow);
	np_count_rule(direction, np_rule(verdict), skb->len);
	if (np_reason(verdict) != NP_REASON_FORWARDED)
		return np_drop(skb, &packet, verdict);
	return np_admit(skb, &packet, verdict, config, now);
}

SEC("tc")
int np_from_pod(struct __sk_buff *skb)
{
	return np_handle(skb, NP_EGRESS);
}

SEC("tc")
int np_to_pod(struct __sk_buff *skb)
{
	return np_handle(skb, NP_INGRESS);
}

char np_license[] SEC("license") = "Dual MIT/GPL";
