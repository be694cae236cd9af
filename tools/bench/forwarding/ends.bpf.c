/* ends.bpf.c — what stands at the ends of a measured path: a program that does nothing, at the hooks
 * where netpolc's would be, and where packets arrive one that counts and drops them.
 */
#include "kernel.h"

MAP(BPF_MAP_TYPE_ARRAY, 0, 1, u32, u64, arrived);

SEC("tc")
int nothing(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

SEC("tc")
int arrival(struct __sk_buff *skb)
{
	(void)skb;
	u32 zero = 0;
	u64 *count = map_lookup(&arrived, &zero);
	if (count)
		*count += 1; /* one processor sends, and what it sends arrives on it */
	return TC_ACT_SHOT;
}

char terms[] SEC("license") = "Dual MIT/GPL";
