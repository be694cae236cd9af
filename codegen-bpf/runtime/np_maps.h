/* np_maps.h — the kernel as the runtime sees it: its packet context, the helpers it calls,
 * and the maps shared by all programs of an installation.
 */
#ifndef NP_MAPS_H
#define NP_MAPS_H

#include "np_policy.h"

/* The head of the kernel's struct __sk_buff, as far as we read it. */
struct __sk_buff {
	np_u32 len;
	np_u32 pkt_type;
	np_u32 mark;
	np_u32 queue_mapping;
	np_u32 protocol; /* EtherType, network order */
	np_u32 vlan_present;
	np_u32 vlan_tci;
	np_u32 vlan_proto;
	np_u32 priority;
	np_u32 ingress_ifindex;
	np_u32 ifindex;
	np_u32 tc_index;
	np_u32 cb[5];
	np_u32 hash;
	np_u32 tc_classid;
	np_u32 data;
	np_u32 data_end;
	np_u32 napi_id;
	np_u32 family;
	np_u32 remote_ip4, local_ip4;
	np_u32 remote_ip6[4], local_ip6[4];
	np_u32 remote_port, local_port;
	np_u32 data_meta;
	np_u64 flow_keys; /* a pointer */
	np_u64 tstamp;
	np_u32 wire_len;
	np_u32 gso_segs;
	np_u64 sk; /* a pointer: the socket that sent it; 0 for what is forwarded */
};

#define NP_PACKET_HOST 0 /* pkt_type: addressed to the device's own Ethernet address */
#define TC_ACT_UNSPEC (-1) /* of no objection: the next program, if there is one, decides */
#define TC_ACT_SHOT 2

static long (*const np_map_update)(void *map, const void *key, const void *value, np_u64 flags) = (void *)2;
static long (*const np_load_bytes)(const struct __sk_buff *skb, np_u32 offset, void *to, np_u32 length) = (void *)26;
static void *(*const np_ring_reserve)(void *ring, np_u64 size, np_u64 flags) = (void *)131;
static void (*const np_ring_submit)(void *data, np_u64 flags) = (void *)132;
/* bpf_jiffies64 costs a load; bpf_ktime_get_coarse_ns (since 5.11) moves with it. */
static np_u64 (*const np_jiffies)(void) = (void *)118;
static np_u64 (*const np_now)(void) = (void *)160;

#define NP_MAP(kind, flags, entries, key_type, value_type, name) \
	struct {                                                 \
		__uint(type, kind);                              \
		__uint(map_flags, flags);                        \
		__uint(max_entries, entries);                    \
		__type(key, key_type);                           \
		__type(value, value_type);                       \
	} name SEC(".maps")

/* 458,752 flows each: 16 and 32 MiB. */
NP_MAP(BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, 65536, np_u32, struct np_bucket4, np_flows4);
NP_MAP(BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, 65536, np_u32, struct np_bucket6, np_flows6);
NP_MAP(BPF_MAP_TYPE_LRU_HASH, 0, 8192, struct np_fragment_key, struct np_fragment, np_fragments);
NP_MAP(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, 262144, np_u32, struct np_address, np_addresses4);
NP_MAP(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, 262144, np_u64[2], struct np_address, np_addresses6);
NP_MAP(BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, 1 << NP_NEAR_BITS, np_u32, struct np_near_bucket, np_near4);
NP_MAP(BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, 512000, struct np_lpm4, struct np_address, np_ipcache4);
NP_MAP(BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, 512000, struct np_lpm6, struct np_address, np_ipcache6);
NP_MAP(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, 65536, np_u32, np_u32, np_rows);
NP_MAP(BPF_MAP_TYPE_ARRAY, 0, 1, np_u32, struct np_config, np_config);
NP_MAP(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, 65536, np_u32, struct np_interface, np_interfaces);
NP_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, 0, 256, np_u32, struct np_outcomes, np_drops);
NP_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, 0, NP_STATS, np_u32, np_u64, np_stats);
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} np_events SEC(".maps");

NP_INLINE const struct np_config *np_configuration(void)
{
	np_u32 zero = 0;
	return np_map_lookup(&np_config, &zero);
}

NP_INLINE np_u32 np_ticks(const struct np_config *config)
{
	return np_jiffies() >> (config->tick_shift & 63);
}

/* May there be another event in this tick? */
NP_INLINE int np_may_report(struct np_outcomes *outcomes, const struct np_config *config)
{
	np_u64 jiffies = np_jiffies();
	if (outcomes->jiffies != jiffies) {
		np_u32 tick = jiffies >> (config->tick_shift & 63);
		outcomes->jiffies = jiffies;
		outcomes->time = np_now();
		if (outcomes->tick != tick) {
			outcomes->tick = tick;
			outcomes->reported = 0;
		}
	}
	return outcomes->reported++ < config->event_limit;
}

NP_INLINE void np_count(np_u32 stat)
{
	np_u64 *count = np_map_lookup(&np_stats, &stat);
	if (count)
		++*count;
}

#endif
