/* verdict.bpf.c — netpolc's decision alone: address and port to rule, without connections. A third
 * program beside the runtime's two, for the benchmark; linked with a policy's own object.
 */
#include "np_runtime.bpf.c"

SEC("tc")
int verdict_alone(struct __sk_buff *skb)
{
	struct np_packet packet;
	if (np_read(skb, &packet, NP_EGRESS, np_site(skb)) != NP_JUDGE)
		return TC_ACT_SHOT;
	const struct np_config *config = np_configuration();
	if (!config)
		return TC_ACT_SHOT;
	struct np_address who;
	np_who(packet.destination, packet.family, config, np_needs_prefixes(np_plan.egress, config), &who);
	np_verdict verdict = np_ask(&packet, &who, NP_EGRESS, np_plan.egress);
	return np_reason(verdict) == NP_REASON_FORWARDED ? np_rule(verdict) : TC_ACT_SHOT;
}
