// ir/map_layout.h — what programs in the kernel and the loader share: names of programs and
// maps, and the bytes of every map key and value. Plain C, read by the BPF runtime, by code
// generation and by the loader; nobody writes an offset by hand.
//
// Numbers are in host byte order; only addresses (byte arrays) are as on the wire.
//
// Two programs per object. Seen from the host side of a pod's veth, what the pod sends
// arrives at tc ingress (np_from_pod: egress policy), what it receives leaves at tc egress
// (np_to_pod: ingress policy).
//
// Shared maps are used by all objects of a load and pinned by name; connection tracking, drop
// counters and events outlive a load. The others belong to one object. Sizes of the per-object
// maps: value_size of the peers maps is 8 * words (the bundle's "words"), max_entries of
// np_rules is the number of rules of both directions plus two; the object states both.
// max_entries of the peers maps may be set before loading.
#ifndef NETPOLC_IR_MAP_LAYOUT_H
#define NETPOLC_IR_MAP_LAYOUT_H

#if defined(__bpf__)
typedef unsigned char np_u8;
typedef unsigned short np_u16;
typedef unsigned int np_u32;
typedef unsigned long long np_u64;
#else
#include <linux/types.h>
typedef __u8 np_u8;
typedef __u16 np_u16;
typedef __u32 np_u32;
typedef __u64 np_u64;
#endif

// ---- programs ----------------------------------------------------------------------------------
#define NP_PROGRAM_FROM_POD "np_from_pod"  // SEC("tc"): the pod's egress policy, at tc(x) ingress
#define NP_PROGRAM_TO_POD "np_to_pod"      // SEC("tc"): the pod's ingress policy, at tc(x) egress

// ---- maps ----------------------------------------------------------------------------------------
// shared, pinned
#define NP_MAP_CONNTRACK "np_conntrack"  // LRU hash: np_ct_key → np_ct_entry
#define NP_MAP_IPCACHE4 "np_ipcache4"    // LPM trie: np_lpm4 → identity (np_u32)
#define NP_MAP_IPCACHE6 "np_ipcache6"    // LPM trie: np_lpm6 → identity (np_u32)
#define NP_MAP_CONFIG "np_config"        // array of one: np_config
#define NP_MAP_INTERFACES "np_interfaces"  // hash: ifindex (np_u32) → np_interface, the pod behind it
#define NP_MAP_DROPS "np_drops"          // per-CPU array [256], by reason: np_counter
#define NP_MAP_EVENTS "np_events"        // ring buffer of np_event
// per object
#define NP_MAP_PEERS_IN "np_peers_in"    // hash: identity (np_u32) → np_u64[words], bits of the ingress peers
#define NP_MAP_PEERS_OUT "np_peers_out"  // the same for egress; an absent identity has bit 0 only
#define NP_MAP_RULES "np_rules"          // per-CPU array: np_counter, see below

// Slots of np_rules, for I ingress and E egress rules: ingress rule r at r, egress rule r at
// I + r, packets that no rule decided at I + E (ingress) and I + E + 1 (egress).

struct np_lpm4 {
	np_u32 prefixlen;  // 0 to 32
	np_u8 address[4];
};

struct np_lpm6 {
	np_u32 prefixlen;  // 0 to 128
	np_u8 address[16];
};

// Identities of addresses that the ipcache doesn't know. Until the loader has written
// `ready`, programs drop everything but ARP and neighbour discovery (reason 165).
struct np_config {
	np_u32 ready;      // 1
	np_u32 world4;     // 2, or 9 in dual stack; 0: the cluster has no IPv4, it is dropped (reason 139)
	np_u32 world6;     // 2, or 10 in dual stack; 0: no IPv6
	np_u32 flags;      // NP_CONFIG_*
};
#define NP_CONFIG_REPORT_ALLOWED 1u  // an event for each new allowed connection too

// Whose addresses a pod may send from: of the families named here those with its identity, of
// others all. An interface that isn't in the map may send from any address.
struct np_interface {
	np_u32 identity;
	np_u32 families;   // NP_SOURCE_*
};
#define NP_SOURCE_IPV4 1u
#define NP_SOURCE_IPV6 2u

struct np_counter {
	np_u64 packets;
	np_u64 bytes;
};

// A connection as its first packet had it, and the direction in which the pod saw that.
// IPv4 addresses use the first four bytes. The interface says which pod it was: addresses can be
// forged, and what one pod may do opens nothing for another.
struct np_ct_key {
	np_u8 source[16];
	np_u8 destination[16];
	np_u16 source_port;       // ICMP: identifier
	np_u16 destination_port;  // ICMP: type of the request
	np_u8 protocol;
	np_u8 direction;          // NP_INGRESS, NP_EGRESS
	np_u8 family;             // 4 or 6
	np_u8 zero;
	np_u32 ifindex;           // host's end of the pod's veth
};

struct np_ct_entry {
	np_u64 expires;  // CLOCK_MONOTONIC, ns
	np_u32 flags;    // NP_CT_*
	np_u32 zero;
};
#define NP_CT_ESTABLISHED 1u
#define NP_CT_FORWARD_CLOSING 2u
#define NP_CT_REPLY_CLOSING 4u

#define NP_INGRESS 1
#define NP_EGRESS 2

// Why a packet was dropped: Cilium's numbers as `cilium monitor` shows them.
#define NP_REASON_FORWARDED 0
#define NP_REASON_INVALID_SOURCE 132
#define NP_REASON_DEFAULT_DENY 133
#define NP_REASON_INVALID_PACKET 134
#define NP_REASON_UNKNOWN_L4 137
#define NP_REASON_UNSUPPORTED_L3 139
#define NP_REASON_CT_CREATE_FAILED 155
#define NP_REASON_INVALID_EXTENSION 156
#define NP_REASON_FRAGMENT 157
#define NP_REASON_NO_CONFIG 165
#define NP_REASON_DENY 181
#define NP_REASON_AUTH_REQUIRED 189
#define NP_REASON_L7_NOT_ENFORCED 240  // ours: allowed by an L7 rule that nobody enforces yet

#define NP_NO_RULE 0xffffffu

struct np_event {
	np_u64 time;             // CLOCK_MONOTONIC, ns
	np_u64 program;          // the "tag" of the bundle's program
	np_u32 ifindex;
	np_u32 rule;             // of the direction; NP_NO_RULE: no rule decided
	np_u32 identity;         // of the remote side; 0 where it was not looked up
	np_u32 length;           // of the packet
	np_u8 source[16];
	np_u8 destination[16];
	np_u16 source_port;
	np_u16 destination_port;  // ICMP: type
	np_u8 protocol;
	np_u8 direction;          // NP_INGRESS, NP_EGRESS
	np_u8 family;             // 4, 6, or 0 where the packet was neither
	np_u8 reason;             // NP_REASON_*
};

#endif
