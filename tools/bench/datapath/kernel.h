/* kernel.h — the kernel as the programs of this benchmark see it. Its own words, so that what is
 * compared with netpolc's runtime shares nothing with it. Also what the loader of these programs
 * needs to know of their maps.
 */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include "layout.h"

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name

#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_PROG_ARRAY 3
#define BPF_MAP_TYPE_PERCPU_HASH 5
#define BPF_MAP_TYPE_LRU_HASH 9
#define BPF_MAP_TYPE_LPM_TRIE 11
#define BPF_MAP_TYPE_RINGBUF 27
#define BPF_F_NO_PREALLOC 1

#define MAP(kind, flags, entries, key_type, value_type, name) \
	struct {                                              \
		__uint(type, kind);                           \
		__uint(map_flags, flags);                     \
		__uint(max_entries, entries);                 \
		__type(key, key_type);                        \
		__type(value, value_type);                    \
	} name SEC(".maps")

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const tail_call)(void *context, void *programs, u32 index) = (void *)12;
static void *(*const ring_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const ring_submit)(void *record, u64 flags) = (void *)132;
static u64 (*const coarse_nanoseconds)(void) = (void *)160;

/* The head of the kernel's struct __sk_buff. */
struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol;
	u32 vlan_present;
	u32 vlan_tci;
	u32 vlan_proto;
	u32 priority;
	u32 ingress_ifindex;
	u32 ifindex;
	u32 tc_index;
	u32 cb[5];
	u32 hash;
	u32 tc_classid;
	u32 data;
	u32 data_end;
};

#define TC_ACT_UNSPEC (-1)
#define TC_ACT_SHOT 2

#define BSWAP16(number) ((u16)(((number) & 0xff) << 8 | ((number) >> 8 & 0xff)))

struct ethernet {
	u8 destination[6], source[6];
	u16 type;
};

struct ipv4 {
	u8 version_length, traffic_class;
	u16 total, id, fragment;
	u8 hop_limit, protocol;
	u16 checksum;
	u32 source, destination;
};

struct ports {
	u16 source, destination;
};

#endif
