/* empty.bpf.c — the floor: what the kernel's test run costs with a program that does nothing. */
#include "kernel.h"

SEC("tc")
int empty(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

char terms[] SEC("license") = "Dual MIT/GPL";
