/* np_runtime.bpf.c — what every endpoint's programs have in common.
 *
 * parse → a flow that is known? → who is it? → policy → remember
 *
 * Two programs, both on the host side of the pod's veth: np_from_pod judges what the pod
 * sends, np_to_pod what it receives. Where the endpoint is a node (NP_NODE, the host firewall) they
 * judge what the node sends and receives, at each of its devices. The policy they ask is generated, see np_policy.h. What a
 * packet of a known flow needs is inlined into them; the rest are subprograms.
 */
#include "np_addresses.h"
#include "np_fast.h"
#include "np_flows.h"

/* The program's own; the loader makes it as large as np_counters says. */
NP_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, 0, 1, np_u32, struct np_counter, np_rules);

NP_INLINE void np_count_rule(np_u32 direction, np_u32 rule, np_u32 bytes)
{
	np_u32 slot = direction == NP_EGRESS ? np_counters.egress + rule : rule;
	if (rule == NP_NO_RULE)
		slot = np_counters.others + (direction == NP_EGRESS);
	struct np_counter *counter = np_map_lookup(&np_rules, &slot);
	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
}

NP_INLINE np_u32 np_planned(np_u32 direction)
{
	return direction == NP_EGRESS ? np_plan.egress : np_plan.ingress;
}

NP_INLINE int np_judged(np_u32 direction)
{
	return np_planned(direction) & NP_JUDGED;
}

/* Does policy select the pod at all? If not, nothing is dropped but what is sent in another's name.
 * Its flows are remembered all the same: the policy that comes tomorrow must know who opened them. */
NP_INLINE int np_enforced(void)
{
	return (np_plan.ingress | np_plan.egress) & NP_JUDGED;
}

NP_INLINE int np_of_node(void)
{
	return np_plan.ingress & NP_NODE;
}

/* Whose flows: a pod's are those of its interface, a node's the same at all its devices. */
NP_INLINE np_u32 np_site(const struct __sk_buff *skb)
{
	return np_of_node() ? 0 : skb->ifindex;
}

/* Of what leaves through a device: is the node the sender? What it forwards came in by another. But a
 * packet that was put together and cut again on its way through may have lost the device that it came
 * by (IPv6, ip6_copy_metadata); a socket it never had. */
NP_INLINE int np_made_here(const struct __sk_buff *skb)
{
	return skb->ingress_ifindex == 0;
}

/* Is what a pod receives from the host? */
NP_INLINE int np_from_host(const struct __sk_buff *skb)
{
	return !np_of_node() && np_made_here(skb) && skb->sk;
}

/* ---- who ---- */

NP_INLINE int np_near(np_u32 address, struct np_address *who)
{
	np_u32 index = np_near_index(address);
	const struct np_near_bucket *bucket = np_map_lookup(&np_near4, &index);
	if (!bucket)
		return 0;
	for (int i = 0; i < NP_NEAR_ENTRIES; i++) {
		np_u64 both = *(const volatile np_u64 *)&bucket->entry[i].address;
		if ((np_u32)both != address)
			continue;
		who->row = both >> 32;
		who->identity = *(const volatile np_u32 *)&bucket->entry[i].identity;
		return who->identity != 0;
	}
	return 0;
}

/* 1: it is known; 0: for want of anything known, or asked for, it is the world's. */
NP_INLINE int np_who(const np_u64 *address, np_u8 family, const struct np_config *config, int prefixes, struct np_address *who)
{
	if (family == 4 && np_near(address[0], who))
		return 1;
	const struct np_address *found = np_exactly(address, family);
	if (!found && prefixes)
		found = np_by_prefix(address, family);
	*who = found ? *found : family == 4 ? config->world4 : config->world6;
	return found != 0;
}

/* The other side of a packet. What the node itself sends to a pod is from the host, whichever
 * address it has; what came through a device isn't, whatever it says (semantics 8.6). */
NP_INLINE int np_remote(const struct __sk_buff *skb, const struct np_packet *packet, np_u32 direction,
			const struct np_config *config, int prefixes, struct np_address *who)
{
	if (direction == NP_EGRESS)
		return np_who(packet->destination, packet->family, config, prefixes, who);
	if (np_from_host(skb)) {
		*who = config->host;
		return 1;
	}
	int known = np_who(packet->source, packet->family, config, prefixes, who);
	if (who->identity == NP_HOST)
		*who = packet->family == 4 ? config->world4 : config->world6;
	return known;
}

/* No router forwards what comes from fe80::/10 or from ::. */
NP_INLINE int np_on_link_only(const np_u64 *address)
{
	const np_u8 *bytes = (const np_u8 *)address;
	return (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) || (address[0] | address[1]) == 0;
}

/* Whom a packet is from is what its source address says, to other pods' policies too: a pod must
 * not send in the name of others. Asked of new connections only, since others began with one. Apart,
 * for the sake of the stack. */
NP_APART int np_source_is_own(const struct np_packet *packet)
{
	const struct np_config *config = np_configuration();
	if (!packet || !config)
		return 0;
	np_u32 site = packet->site;
	const struct np_interface *interface = np_map_lookup(&np_interfaces, &site);
	if (!interface || !(interface->flags & (packet->family == 4 ? NP_SOURCE_IPV4 : NP_SOURCE_IPV6)))
		return 1;
	if (packet->family == 6 && np_on_link_only(packet->source))
		return 1;
	struct np_address who;
	np_who(packet->source, packet->family, config, 1, &who);
	return who.identity == interface->identity;
}

/* Arguments of bpf_fib_lookup, as the kernel has them (struct bpf_fib_lookup of linux/bpf.h). */
struct np_route {
	np_u8 family, protocol;
	np_u16 ports[2], length;
	np_u32 ifindex, flow;
	np_u32 source[4], destination[4]; /* afterwards the next hop */
	np_u32 vlan;
	np_u8 ethernet[12];
};
#define NP_AF_INET6 10
#define NP_ROUTE_FOUND 0
#define NP_ROUTE_UNKNOWN_TUNNEL 6
#define NP_ROUTE_NO_NEIGHBOUR 7
#define NP_ROUTE_TOO_LONG 8
static long (*const np_fib_lookup)(void *ctx, void *params, int length, np_u32 flags) = (void *)69;

/* Would the node send it on, off the pod's link? So it is with what is addressed to the node's own side of the link, and else
 * with what goes to a gateway or into a tunnel. */
NP_INLINE int np_goes_beyond(struct __sk_buff *skb, const struct np_packet *packet)
{
	struct np_route route = { .family = NP_AF_INET6, .protocol = packet->protocol, .ifindex = skb->ifindex };
	__builtin_memcpy(route.source, packet->source, 16);
	__builtin_memcpy(route.destination, packet->destination, 16);
	long found = np_fib_lookup(skb, &route, sizeof(route), 0);
	if (found == NP_ROUTE_UNKNOWN_TUNNEL)
		return 1;
	if (found != NP_ROUTE_FOUND && found != NP_ROUTE_NO_NEIGHBOUR && found != NP_ROUTE_TOO_LONG)
		return 0;
	np_u64 next[2];
	__builtin_memcpy(next, route.destination, 16);
	return skb->pkt_type == NP_PACKET_HOST || np_differ(next, packet->destination);
}

/* What passes whatever policy says, if a pod sends it. ICMP in another's name does not. Neighbour discovery is the
 * link's: the hop limit shows that to whoever receives it, but nothing keeps a pod from writing the same into what the
 * node then carries away, so that policy is asked about it. Apart, for the sake of the stack. */
NP_APART np_u32 np_exempt(struct __sk_buff *skb, const struct np_packet *packet)
{
	if (!packet || (packet->protocol != NP_ICMP && packet->protocol != NP_ICMPV6))
		return NP_PASS;
	if (packet->family == 4)
		return np_source_is_own(packet) ? NP_PASS : NP_REASON_INVALID_SOURCE;
	return np_goes_beyond(skb, packet) ? NP_JUDGE : NP_PASS;
}

/* ---- what becomes of a packet ---- */

struct np_outcome {
	np_u32 direction;
	np_u32 identity; /* of the remote side; 0: not looked up */
	np_verdict verdict;
	np_u32 flags; /* NP_EVENT_* */
	np_u32 state; /* of the flow that the packet has already, as it was found; without its rule */
	np_u32 generation; /* as it was before policy was asked */
};

NP_INLINE void np_describe(struct np_event *event, const struct __sk_buff *skb, const struct np_packet *packet,
			   const struct np_outcome *outcome, np_u64 time)
{
	event->time = time;
	event->program = np_program_tag;
	event->ifindex = skb->ifindex;
	event->rule = np_rule(outcome->verdict);
	event->identity = outcome->identity;
	event->length = skb->len;
	__builtin_memcpy(event->source, packet->source, 16);
	__builtin_memcpy(event->destination, packet->destination, 16);
	event->source_port = packet->source_port;
	event->destination_port = packet->number; /* of answers of ICMP, the tuple has the identifier there */
	event->protocol = packet->protocol;
	event->direction = outcome->direction;
	event->family = packet->family;
	event->reason = np_reason(outcome->verdict);
	event->flags = outcome->flags;
	event->tcp_flags = packet->fragment >> 3 ? 0 : packet->tcp_flags; /* a later fragment's are the first one's */
	event->zero[0] = event->zero[1] = event->zero[2] = 0;
}

/* `outcomes`: of the verdict's reason. */
NP_APART int np_report(struct __sk_buff *skb, const struct np_packet *packet, const struct np_outcome *outcome,
		       struct np_outcomes *outcomes)
{
	const struct np_config *config = np_configuration();
	struct np_event *event = 0;
	if (!packet || !outcome || !outcomes || !config)
		return 0;
	if (np_may_report(outcomes, config))
		event = np_ring_reserve(&np_events, sizeof(*event), 0);
	if (!event) {
		np_count(NP_STAT_SUPPRESSED); /* the counters have it */
		return 0;
	}
	np_describe(event, skb, packet, outcome, outcomes->time);
	np_ring_submit(event, 0);
	return 0;
}

NP_INLINE struct np_outcomes *np_outcomes_of(np_verdict verdict)
{
	np_u32 reason = np_reason(verdict);
	return np_map_lookup(&np_drops, &reason);
}

NP_INLINE int np_drop(struct __sk_buff *skb, const struct np_packet *packet, const struct np_outcome *outcome)
{
	struct np_outcomes *outcomes = np_outcomes_of(outcome->verdict);
	if (outcomes) {
		outcomes->dropped.packets++;
		outcomes->dropped.bytes += skb->len;
	}
	np_report(skb, packet, outcome, outcomes);
	return TC_ACT_SHOT;
}

NP_SUBPROGRAM int np_refuse(struct __sk_buff *skb, const struct np_packet *packet, np_u32 direction, np_u32 reason, np_u32 identity)
{
	struct np_outcome outcome = {
		.direction = direction, .identity = identity, .verdict = NP_VERDICT(reason, NP_NO_RULE)
	};
	return np_drop(skb, packet, &outcome);
}

/* ---- the packets that policy must be asked about ---- */

NP_INLINE int np_audited(const struct np_packet *packet, const struct np_config *config)
{
	np_u32 site = packet->site;
	if (!(config->flags & NP_CONFIG_AUDIT))
		return 0;
	const struct np_interface *interface = np_map_lookup(&np_interfaces, &site);
	return interface && interface->flags & NP_AUDIT;
}

/* Is there such a flow? Apart, for the sake of the stack. */
NP_APART int np_is_alive(const struct np_key *key)
{
	np_u64 state = 0;
	const struct np_config *config = np_configuration();
	return key && config && np_find(key, config, np_ticks(config), &state);
}

/* An ICMP error, from the far end or from a router on the way, about a live flow of this pod,
 * sent to whoever sent the packet that it quotes. */
NP_APART int np_related(struct __sk_buff *skb, const struct np_packet *packet, np_u32 direction)
{
	struct np_packet quoted = {};
	struct np_key key = {};
	const struct np_config *config = np_configuration();
	if (!packet || !config || !np_parse_quoted(skb, packet, &quoted) || np_differ(quoted.source, packet->destination))
		return 0;
	np_key_of(&key, &quoted, packet->site, NP_REVERSE(direction), config->seed);
	return np_is_alive(&key);
}

NP_INLINE np_verdict np_ask(const struct np_packet *packet, const struct np_address *who, np_u32 direction, np_u32 planned)
{
	struct np_flow flow = { .identity = who->identity, .row = who->row, .port = packet->number, .protocol = packet->protocol };
	if (!(planned & NP_JUDGED))
		return np_default_allow();
	return direction == NP_EGRESS ? np_policy_egress(&flow) : np_policy_ingress(&flow);
}

/* Before anything is asked: addresses may change meanwhile, and a new generation comes after them. Were it read later, a
 * flow would have that of answers which are not its own. */
NP_INLINE void np_begin(struct np_outcome *outcome, const struct np_config *config)
{
	outcome->generation = *(const volatile np_u32 *)&config->generation;
	np_fence_at(config, &outcome->generation);
}

/* Apart, for the sake of the stack. */
NP_APART int np_key_apart(struct np_key *key, const struct np_packet *packet, np_u32 direction, np_u64 seed)
{
	if (key && packet)
		np_key_of(key, packet, packet->site, direction, seed);
	return 0;
}

/* Apart, so that what it needs of the stack is not taken from the policy. `known` with `fresh`: the
 * flow is over, and its tuple is used again. 0: there is no room, or another processor was quicker. */
NP_APART int np_remember(const struct np_packet *packet, const struct np_outcome *outcome,
			 struct np_track *known, np_u32 fresh)
{
	const struct np_config *config = np_configuration();
	if (!packet || !outcome || !config)
		return 0;
	const np_u32 direction = outcome->direction;
	struct np_opening opening = {};
	np_key_apart(&opening.key, packet, direction, config->seed);
	opening.rule = np_rule(outcome->verdict);
	opening.now = np_ticks(config);
	int from_host = direction == NP_INGRESS && outcome->identity == NP_HOST;
	int agreed = outcome->identity && !(outcome->flags & NP_EVENT_AUDITED); /* policy was asked */
	opening.generation = agreed ? outcome->generation | (from_host ? NP_FROM_HOST : 0) : 0;
	opening.flags = np_advance(packet, NP_FLOW_OPENED(direction), direction);
	return (known && np_restart(known, &opening, fresh, outcome->state)) || np_open(&opening);
}

NP_INLINE int np_needs_prefixes(np_u32 planned, const struct np_config *config)
{
	return planned & NP_PREFIXES || !(planned & NP_JUDGED) || config->flags & NP_CONFIG_PREFIXES;
}

/* Who it is, policy didn't need to know so exactly, but people will. Apart, for the sake of the stack. */
NP_APART np_u32 np_name(struct __sk_buff *skb, const struct np_packet *packet, np_u32 direction)
{
	const struct np_config *config = np_configuration();
	struct np_address who = {};
	if (packet && config)
		np_remote(skb, packet, direction, config, 1, &who);
	return who.identity;
}

/* ---- nodes: which packets are theirs ---- */

#define NP_OTHERS 0  /* none of the node's business */
#define NP_TRACKED 1 /* sent by others under the node's address: its answers must pass, policy has no say */
#define NP_OWN 2
#define NP_FORGED 3 /* came by a device under the node's address, to go elsewhere: its answers would be taken for the node's */

NP_INLINE int np_is_nodes(const np_u64 *address, np_u8 family, const struct np_config *config)
{
	struct np_address who;
	np_who(address, family, config, 0, &who);
	return who.identity == NP_HOST;
}

/* Who has no address yet asks for one (DHCP) from none. Apart, for the sake of the stack. */
NP_APART np_u32 np_claim(struct __sk_buff *skb, const struct np_packet *packet, np_u32 direction)
{
	const struct np_config *config = np_configuration();
	if (!packet || !config || !packet->family)
		return NP_OTHERS;
	if (direction == NP_EGRESS) {
		if (np_made_here(skb) && (skb->sk || np_is_nodes(packet->source, packet->family, config)))
			return packet->source[0] | packet->source[1] ? NP_OWN : NP_OTHERS;
		return np_is_nodes(packet->source, packet->family, config) ? NP_TRACKED : NP_OTHERS;
	}
	/* of a family that no endpoint has, whatever comes is for the node */
	if (!(packet->family == 4 ? config->world4.identity : config->world6.identity))
		return NP_OWN;
	if (np_is_nodes(packet->destination, packet->family, config))
		return NP_OWN;
	/* over IPv4 the kernel takes none of them (martian) */
	int unicast = *(const np_u8 *)packet->destination != 0xff;
	return packet->family == 6 && unicast && np_is_nodes(packet->source, packet->family, config) ? NP_FORGED : NP_OTHERS;
}

/* What a node needs of ICMPv6 passes, policy is asked about echo, the rest is forbidden (semantics 8.5). */
NP_INLINE np_u32 np_node_icmpv6(np_u32 type)
{
	if (type == 128 || type == 129)
		return NP_JUDGE;
	if ((type >= 1 && type <= 4) || (type >= 130 && type <= 136) || (type >= 141 && type <= 143) || type == 148 || type == 149 ||
	    (type >= 151 && type <= 153))
		return NP_PASS;
	return NP_REASON_FORBIDDEN_ICMPV6;
}

/* What others send under the node's address opens a flow, so that its answers pass. Apart, for the sake of the stack. */
NP_APART int np_track_masked(struct __sk_buff *skb, const struct np_packet *packet, struct np_track *known, np_u32 state)
{
	struct np_outcome outcome = { .direction = NP_EGRESS, .verdict = np_default_allow(), .state = state };
	const struct np_config *config = np_configuration();
	if (!packet || !config)
		return TC_ACT_SHOT;
	int fresh = !known || (np_opens(packet) && state & NP_FLOW_CLOSING);
	if (!np_remember(packet, &outcome, known, fresh) && !np_remember(packet, &outcome, known, fresh))
		np_count(NP_STAT_REFUSED);
	if (fresh && config->flags & NP_CONFIG_REPORT_ALLOWED) {
		outcome.identity = np_name(skb, packet, NP_EGRESS);
		np_report(skb, packet, &outcome, np_outcomes_of(outcome.verdict));
	}
	return TC_ACT_UNSPEC;
}

/* UDP to the overlay's port of a node: only nodes encapsulate, or a pod could speak in the name of others to those that
 * believe what comes out (semantics 8.5). Apart, for the sake of the stack. */
NP_APART int np_encapsulates(const struct np_packet *packet)
{
	const struct np_config *config = np_configuration();
	if (!packet || !config || packet->protocol != NP_UDP)
		return 0;
	struct np_address who;
	np_who(packet->destination, packet->family, config, 0, &who);
	return np_is_node(who.identity);
}

/* `known`: the packet's flow, if it has one that does not let it pass as it is, and the state that it was found in. */
NP_INLINE int np_admit(struct __sk_buff *skb, const struct np_packet *packet, np_u32 direction, struct np_track *known, np_u32 state)
{
	const struct np_config *config = np_configuration();
	if (!config)
		return np_refuse(skb, packet, direction, NP_REASON_NO_CONFIG, 0);
	if (np_enforced() && !(packet->family == 4 ? config->world4.identity : config->world6.identity))
		return np_refuse(skb, packet, direction, NP_REASON_UNSUPPORTED_L3, 0);
	if (direction == NP_EGRESS && !np_of_node() && config->tunnel_port && packet->number == config->tunnel_port && np_encapsulates(packet))
		return np_refuse(skb, packet, direction, NP_REASON_ENCAPSULATION, 0);
	const int prefixes = np_needs_prefixes(np_planned(direction), config);
	struct np_outcome outcome = { .direction = direction, .state = state };
	np_begin(&outcome, config);
	struct np_address who = {};
	int named = prefixes && np_judged(direction);
	if (np_judged(direction))
		named |= np_remote(skb, packet, direction, config, prefixes, &who);

	outcome.identity = who.identity;
	outcome.verdict = np_ask(packet, &who, direction, np_planned(direction));
	const int fresh = !known || (np_opens(packet) && outcome.state & NP_FLOW_CLOSING);
	np_count_rule(direction, np_rule(outcome.verdict), skb->len);
	if (np_reason(outcome.verdict) != NP_REASON_FORWARDED) {
		if (!named)
			outcome.identity = np_name(skb, packet, direction);
		if (!np_audited(packet, config))
			return np_drop(skb, packet, &outcome);
		outcome.flags = NP_EVENT_AUDITED;
	}
	if (fresh && direction == NP_EGRESS && !np_of_node() && !np_source_is_own(packet)) {
		if (!named)
			outcome.identity = np_name(skb, packet, direction);
		return np_refuse(skb, packet, direction, NP_REASON_INVALID_SOURCE, outcome.identity);
	}
	int kept = np_remember(packet, &outcome, known, fresh) || np_remember(packet, &outcome, known, fresh);
	if (!kept)
		np_count(NP_STAT_REFUSED);
	if (!kept && np_judged(direction))
		return np_refuse(skb, packet, direction, NP_REASON_CT_CREATE_FAILED, outcome.identity);
	if (outcome.flags & NP_EVENT_AUDITED) {
		np_count(NP_STAT_AUDITED);
		np_report(skb, packet, &outcome, np_outcomes_of(outcome.verdict));
	} else if (fresh && config->flags & NP_CONFIG_REPORT_ALLOWED) {
		if (!named)
			outcome.identity = np_name(skb, packet, direction);
		np_report(skb, packet, &outcome, np_outcomes_of(outcome.verdict));
	}
	return TC_ACT_UNSPEC;
}

/* Each direction apart: the verifier walks it once, and for one direction. */
NP_APART int np_admit_out(struct __sk_buff *skb, const struct np_packet *packet, struct np_track *known, np_u32 state)
{
	return packet ? np_admit(skb, packet, NP_EGRESS, known, state) : TC_ACT_SHOT;
}
NP_APART int np_admit_in(struct __sk_buff *skb, const struct np_packet *packet, struct np_track *known, np_u32 state)
{
	return packet ? np_admit(skb, packet, NP_INGRESS, known, state) : TC_ACT_SHOT;
}

/* ---- every packet ---- */

/* What a flow has that policy was asked about: for whoever opened it, if that is the host. */
NP_INLINE np_u32 np_generation(const struct __sk_buff *skb, np_u32 direction, const struct np_config *config)
{
	return config->generation | (direction == NP_INGRESS && np_from_host(skb) ? NP_FROM_HOST : 0);
}

NP_INLINE int np_handle(struct __sk_buff *skb, const np_u32 direction)
{
	np_u32 judged = np_judged(direction), masked = 0;
	struct np_packet packet;
	np_u32 parsed = np_read(skb, &packet, direction, np_site(skb));
	if (parsed == NP_PASS && direction == NP_EGRESS && !np_of_node())
		parsed = np_exempt(skb, &packet);
	if (parsed == NP_PASS || (parsed != NP_JUDGE && parsed != NP_REASON_INVALID_SOURCE && !np_enforced()))
		return TC_ACT_UNSPEC;
	const struct np_config *config = np_configuration();
	if (np_of_node() && config && config->ready) {
		np_u32 claim = np_claim(skb, &packet, direction);
		if (claim == NP_OTHERS || (claim != NP_OWN && parsed != NP_JUDGE))
			return TC_ACT_UNSPEC;
		if (claim == NP_FORGED)
			return np_enforced() ? np_refuse(skb, &packet, direction, NP_REASON_INVALID_SOURCE, 0) : TC_ACT_UNSPEC;
		masked = claim == NP_TRACKED;
		if (masked)
			judged = 0;
		if (claim == NP_OWN && parsed == NP_JUDGE && np_enforced() && packet.protocol == NP_ICMPV6)
			parsed = np_node_icmpv6(packet.number);
		if (parsed == NP_PASS)
			return TC_ACT_UNSPEC;
	}
	if (parsed != NP_JUDGE)
		return np_refuse(skb, &packet, direction, parsed, 0);
	if (!config || !config->ready)
		return np_enforced() ? np_refuse(skb, &packet, direction, NP_REASON_NO_CONFIG, 0) : TC_ACT_UNSPEC;

	struct np_key key;
	np_u64 state = 0;
	np_u32 now = np_ticks(config);
	np_key_of(&key, &packet, np_site(skb), direction, config->seed);
	struct np_track *track = np_find(&key, config, now, &state);
	if (track && !(np_opens(&packet) && state & NP_FLOW_CLOSING)) {
		if (state & NP_FLOW_OPENED(NP_REVERSE(direction)) && packet.answers) {
			np_touch(track, state, &packet, direction, NP_FLOW_REPLIED, config, now);
			return TC_ACT_UNSPEC;
		}
		/* the generation speaks of one direction: a flow that both sides opened is asked about each time; and an
		   error may be about another flow */
		if (!packet.icmp_error && !(state & NP_FLOW_OPENED(NP_REVERSE(direction))) && (!judged || track->generation == np_generation(skb, direction, config))) {
			np_touch(track, state, &packet, direction, 0, config, now);
			if (judged)
				np_count_rule(direction, state >> NP_FLOW_RULE_SHIFT, skb->len);
			return TC_ACT_UNSPEC;
		}
	}
	if (packet.icmp_error && np_related(skb, &packet, direction)) {
		if (direction == NP_EGRESS && !np_of_node() && !np_source_is_own(&packet))
			return np_refuse(skb, &packet, direction, NP_REASON_INVALID_SOURCE, 0);
		return TC_ACT_UNSPEC;
	}
	if (masked)
		return np_track_masked(skb, &packet, track, state);
	return direction == NP_EGRESS ? np_admit_out(skb, &packet, track, state) : np_admit_in(skb, &packet, track, state);
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
