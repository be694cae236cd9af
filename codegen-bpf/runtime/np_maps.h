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
};

#define TC_ACT_UNSPEC (-1) /* of no objection: the next program, if there is one, decides */
#define TC_ACT_SHOT 2

static long (*const np_map_update)(void *map, const void *key, const void *value, np_u64 flags) = (void *)2;
static long (*const np_load_bytes)(const struct __sk_buff *skb, np_u32 offset, void *to, np_u32 length) = (void *)26;
static void *(*const np_ring_reserve)(void *ring, np_u64 size, np_u64 flags) = (void *)131;
static void (*const np_ring_submit)(void *data, np_u64 flags) = (void *)132;
/* bpf_ktime_get_coarse_ns (since 5.11): a tick's precision is plenty for timeouts of seconds. */
static np_u64 (*const np_now)(void) = (void *)160;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 262144);
	__type(key, struct np_ct_key);
	__type(value, struct np_ct_entry);
} np_conntrack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 512000);
	__type(key, struct np_lpm4);
	__type(value, np_u32);
} np_ipcache4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 512000);
	__type(key, struct np_lpm6);
	__type(value, np_u32);
} np_ipcache6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, np_u32);
	__type(value, struct np_config);
} np_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, np_u32);
	__type(value, struct np_interface);
} np_interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, np_u32);
	__type(value, struct np_counter);
} np_drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} np_events SEC(".maps");

#endif
