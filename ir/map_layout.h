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
// An object may be that of a node (the host firewall): the node is the pod, then, and its programs
// are at both kinds of devices where its packets pass, those that lead out of the node and its pods'
// veths. There what the node sends leaves at tc egress (np_from_pod) and what it receives arrives
// at tc ingress (np_to_pod), so the sides are the other way round. Packets of others pass.
//
// Shared maps are used by all objects of a load and pinned by name; flows, drop counters and
// events outlive a load. The others belong to one object. Sizes of the per-object maps:
// value_size of the peers maps is 8 * words (the bundle's "words"), which the object states.
// max_entries of np_rules must be set before loading, to np_counters.others + 2 (a constant of the
// object); those of the peers maps (rows) and of the flow tables (a power of two) may be.
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
// In an object of its own, at the node's external device: SEC("xdp"), see "outside" below.
#define NP_PROGRAM_FROM_OUTSIDE "np_from_outside"

// ---- maps ----------------------------------------------------------------------------------------
// shared, pinned
#define NP_MAP_FLOWS4 "np_flows4"          // array: np_bucket4, connections
#define NP_MAP_FLOWS6 "np_flows6"          // array: np_bucket6
#define NP_MAP_FRAGMENTS "np_fragments"    // LRU hash: np_fragment_key → np_fragment
#define NP_MAP_ADDRESSES4 "np_addresses4"  // hash: address[4] → np_address, single addresses
#define NP_MAP_ADDRESSES6 "np_addresses6"  // hash: address[16] → np_address
#define NP_MAP_NEAR4 "np_near4"            // array: np_near_bucket, most of np_addresses4 nearer at hand
#define NP_MAP_IPCACHE4 "np_ipcache4"      // LPM trie: np_lpm4 → np_address, shorter prefixes
#define NP_MAP_IPCACHE6 "np_ipcache6"      // LPM trie: np_lpm6 → np_address
#define NP_MAP_ROWS "np_rows"              // hash: identity → row (np_u32); the loader's own
#define NP_MAP_CONFIG "np_config"          // array of one: np_config
#define NP_MAP_INTERFACES "np_interfaces"  // hash: ifindex (np_u32) → np_interface, the pod behind it
#define NP_MAP_DROPS "np_drops"            // per-CPU array [256], by reason: np_outcomes
#define NP_MAP_STATS "np_stats"            // per-CPU array [NP_STATS]: np_u64, see NP_STAT_*
#define NP_MAP_EVENTS "np_events"          // ring buffer of np_event
// per object
#define NP_MAP_PEERS_IN "np_peers_in"      // array: row → np_u64[NP_ROW_WORDS(words)], bits of the ingress peers
#define NP_MAP_PEERS_OUT "np_peers_out"    // the same for egress
#define NP_MAP_RULES "np_rules"            // per-CPU array: np_counter, see below

// of the object for the external device; the first three are pinned
#define NP_MAP_OUTSIDE "np_outside"        // array of one: np_outside
#define NP_MAP_LOCAL4 "np_local4"          // hash: address[4] → ifindex (np_u32) of the pod that has it
#define NP_MAP_LOCAL6 "np_local6"          // hash: address[16] → ifindex
#define NP_MAP_CLASSES "np_classes"        // hash: identity → class (np_u32)
#define NP_MAP_DENIED "np_denied"          // array: class → np_denied

// Slots of np_rules, for I ingress and E egress rules: ingress rule r at r, egress rule r at
// I + r, packets that no rule decided at I + E (ingress) and I + E + 1 (egress).
#define NP_CONSTANT_COUNTERS "np_counters"  // of each object, in .rodata
struct np_counters {
	np_u32 egress;  // I
	np_u32 others;  // I + E
};

// A row of the peers maps: the bits in words of 64. Of more than NP_PLAIN_WORDS words a summary follows, in which
// bit w says that word w is not 0: so a policy with thousands of peer conditions need not look at each word.
#define NP_PLAIN_WORDS 32
#define NP_SUMMARY_WORDS(words) ((words) > NP_PLAIN_WORDS ? ((words) + 63) / 64 : 0)
#define NP_ROW_WORDS(words) ((words) + NP_SUMMARY_WORDS(words))

struct np_lpm4 {
	np_u32 prefixlen;  // 0 to 31
	np_u8 address[4];
};

struct np_lpm6 {
	np_u32 prefixlen;  // 0 to 127
	np_u8 address[16];
};

// Who an address is. Identities for which the same selector bits hold in every program share a
// row of the peers maps. Row 0: bit 0 (everyone) alone, which holds in every row.
struct np_address {
	np_u32 identity;
	np_u32 row;
};

// np_near4 has the same as np_addresses4, as far as there is room in an address's bucket: reading it
// takes no helper. Only the loader writes. An entry without identity is none; row and address are
// written as one, and an entry's identity after them.
struct np_near {
	np_u32 address;   // as on the wire
	np_u32 row;
	np_u32 identity;
	np_u32 zero;
};
#define NP_NEAR_ENTRIES 4
#define NP_NEAR_BITS 14
struct np_near_bucket {
	struct np_near entry[NP_NEAR_ENTRIES];
};
// The bucket of an address.
static inline np_u32 np_near_index(np_u32 address)
{
	return (address * 0x9e3779b1u) >> (32 - NP_NEAR_BITS);
}

// Until the loader has written `ready`, programs drop everything but ARP and neighbour
// discovery (reason 165). Time is counted in ticks of 2^tick_shift jiffies, about a second.
struct np_config {
	np_u32 ready;              // 1
	np_u32 generation;         // 1 to 0x7fffffff; another one after every change of policy, addresses or rows
	struct np_address world4;  // of addresses not known: 2, or 9 in dual stack; 0: no IPv4 (reason 139)
	struct np_address world6;  // 2, or 10 in dual stack; 0: no IPv6
	np_u64 seed;               // of the flow tables' hash; stays as long as they do
	np_u32 flags;              // NP_CONFIG_*
	np_u32 event_limit;        // events a CPU, tick and reason; what is more is counted in NP_STAT_SUPPRESSED
	np_u32 buckets4, buckets6; // of the flow tables
	// How long a flow lives after its last packet, in ticks (semantics 8.2), by what it is:
	// NP_IS_TCP + NP_IS_ESTABLISHED + NP_IS_CLOSED.
	np_u32 lifetimes[8];
	// A flow that had answers and longer than this to live, in ticks, was used just now and gives way to no other.
	np_u32 evictable[8];
	np_u32 tick_shift;
	np_u16 tunnel_port;        // UDP, of the overlay between nodes: no pod sends there (reason 170); 0: none
	np_u16 zero;
	struct np_address host;    // what the node itself sends is from: identity 1
};
#define NP_IS_CLOSED 1u  // both ways; counts with TCP only
#define NP_IS_ESTABLISHED 2u
#define NP_IS_TCP 4u
#define NP_CONFIG_REPORT_ALLOWED 1u  // an event for each new allowed connection too
#define NP_CONFIG_FENCE 2u           // the machine reorders loads: anything but x86
#define NP_CONFIG_PREFIXES 4u        // there are prefixes that are pods' or nodes': all programs ask for prefixes
#define NP_CONFIG_AUDIT 8u           // some interface is NP_AUDIT

// Whose addresses a pod may send from: of the families named here those with its identity, of
// others all. An interface that isn't in the map may send from any address. Interface 0 is the
// node's own, whichever its packets take; only NP_AUDIT counts there.
struct np_interface {
	np_u32 identity;
	np_u32 flags;      // NP_SOURCE_*, NP_AUDIT
};
#define NP_SOURCE_IPV4 1u
#define NP_SOURCE_IPV6 2u
#define NP_AUDIT 4u    // what policy denies passes, and is reported and counted (semantics 8.10)

struct np_counter {
	np_u64 packets;
	np_u64 bytes;
};

#define NP_STAT_OPENED 0      // flows
#define NP_STAT_EVICTED 1     // live flows that gave way to new ones
#define NP_STAT_REFUSED 2     // new flows that found no room, dropped with reason 155
#define NP_STAT_SUPPRESSED 3  // events beyond event_limit, or that the ring had no room for
#define NP_STAT_AUDITED 4     // packets that audit mode let pass
#define NP_STATS 8

// What was dropped for a reason (or, for reason 0, passed), and the events about it: each reason has its own, so that
// many drops of one kind don't hide the others.
struct np_outcomes {
	struct np_counter dropped;
	np_u64 jiffies;  // when `time` was read
	np_u64 time;     // CLOCK_MONOTONIC (coarse, which moves with jiffies), ns
	np_u32 tick;
	np_u32 reported; // in this tick
};

// ---- flows -----------------------------------------------------------------------------------
// Every pod has its own: ports name the interface, so what one pod may do opens nothing for
// another. The node's name interface 0, whichever they take. Local is the pod's side, remote the other, whichever direction a packet travels.
//
// Nobody locks. Who wants a way takes it with compare-and-swap on `state` (BUSY, protocol 0),
// writes the rest, and ends with the final state; every taking counts `sequence` on. Who reads
// compares state before and after. Time, generation and flags are written in place.
struct np_track {
	np_u64 ports;       // local | remote << 16 | ifindex << 32; ICMP: identifier and type of the request,
	                    // and bit 63 where the pod is who asks
	np_u64 state;       // flags | protocol << 8 | sequence << 16 | rule << 32; protocol 0: free
	np_u32 expires;     // tick
	np_u32 generation;  // np_config's when policy was asked last, with NP_FROM_HOST where that was about
	                    // what the node itself sent; 0: ask every time
};
#define NP_FROM_HOST 0x80000000u
#define NP_FLOW_OUT 1u          // opened by the pod
#define NP_FLOW_IN 2u           // opened from outside
#define NP_FLOW_ESTABLISHED 4u  // TCP: a packet without SYN was seen
#define NP_FLOW_REPLIED 8u      // packets went both ways
// Who sent FIN or RST: of the side that was called, four bits above who opened.
#define NP_FLOW_IN_CLOSING 16u
#define NP_FLOW_OUT_CLOSING 32u
#define NP_FLOW_BUSY 64u
#define NP_FLOW_PROTOCOL_SHIFT 8
#define NP_FLOW_SEQUENCE_SHIFT 16
#define NP_FLOW_RULE_SHIFT 32

struct np_flow4 {
	np_u64 addresses;  // as on the wire: local in the lower half, remote in the upper
	struct np_track track;
};
struct np_flow6 {
	np_u64 local[2], remote[2];
	struct np_track track;
	np_u64 zero;
};

#define NP_WAYS 7
// A byte of `tags` for each way, the lowest for way 0 (little-endian machines): part of its flow's hash, 0 where it was never used.
struct np_bucket4 {
	np_u64 tags;
	np_u64 zero[3];
	struct np_flow4 way[NP_WAYS];
};
struct np_bucket6 {
	np_u64 tags;
	np_u64 zero[7];
	struct np_flow6 way[NP_WAYS];
};

// ---- fragments ---------------------------------------------------------------------------------
// What the first fragment of a packet says about the others (RFC 791, RFC 8200 4.5).
struct np_fragment_key {
	np_u8 source[16];
	np_u8 destination[16];
	np_u32 id;
	np_u32 ifindex;
	np_u8 protocol;   // as every fragment names it: IPv6 may have more headers before the transport's
	np_u8 direction;
	np_u8 zero[2];
};
struct np_fragment {
	np_u16 source_port;
	np_u16 destination_port;
	np_u16 number;
	np_u8 protocol;   // of the transport header
	np_u8 answers;
	np_u8 query;
	np_u8 zero[3];
	np_u32 expires;   // tick
};

// ---- outside -----------------------------------------------------------------------------------
// What np_from_outside drops at the node's external device: packets to pods in np_local*, from
// addresses outside the cluster, that the ingress policy of every one of these pods denies.
// Identities that are denied the same have a class. Class 0: nothing is dropped here, which is
// also the class of identities that aren't in np_classes, those of pods and nodes among them.
//
// An np_local* entry with ifindex 0 is no pod's but of an address outside that stands behind a
// service: what comes from there may be a reply to what a pod sent to the service's address.
struct np_outside {
	np_u32 ready;           // 1; else everything passes
	// While np_config has this generation, `flags` and `nothing_sent` below may be relied upon.
	np_u32 generation;
	np_u32 world4, world6;  // classes of addresses not known
	np_u32 flags;           // NP_OUTSIDE_*
	np_u32 zero;
};
#define NP_OUTSIDE_SERVICES 1u  // there are services: of TCP only what opens a connection is dropped
#define NP_OUTSIDE_PREFIXES 2u  // prefixes have other classes than the world: they must be asked for

#define NP_OUTSIDE_CLASSES 64
struct np_denied {
	np_u64 denied[3][1024];   // TCP, UDP, SCTP: a bit a destination port
	np_u64 by_rule[3][1024];  // of these, which for a deny rule (181), not for want of one that allows (133)
	np_u32 echo[2];           // reason to drop ICMP, ICMPv6 echo requests; 0: they pass
	np_u32 nothing_sent;      // no pod may send there, and none has: replies can't come
	np_u32 zero;
};

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
#define NP_REASON_NO_CONFIG 165
#define NP_REASON_ENCAPSULATION 170
#define NP_REASON_FRAGMENT_NOT_FOUND 175
#define NP_REASON_FORBIDDEN_ICMPV6 176
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
	np_u32 flags;             // NP_EVENT_*
	np_u8 tcp_flags;          // as its header has them (RFC 9293, 3.1); 0: not known, or none
	np_u8 zero[3];
};
#define NP_EVENT_AUDITED 1u  // it passed, for audit mode
#define NP_EVENT_OUTSIDE 2u  // at the external device; `ifindex` is that of the pod it was meant for

#endif
