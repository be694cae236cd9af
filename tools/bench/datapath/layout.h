/* layout.h — maps of the benchmark's own programs, for those programs and for who fills their
 * maps. Plain C, numbers in host byte order but where `be` says otherwise.
 */
#ifndef BENCH_LAYOUT_H
#define BENCH_LAYOUT_H

#if defined(__bpf__)
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
#else
#include <cstdint>
namespace netpolc::datapath_bench {
using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = unsigned long long;
#endif

/* ---- mutate.bpf.c: packets made different from each other before a program is tail-called ---- */

struct mutation {
	u64 count;      /* of packets so far: which tuple comes next */
	u64 random;     /* state of the generator, not 0 */
	u64 modulus;    /* so many tuples, then from the beginning */
	u32 peers;      /* tuple n goes to peer n % peers, with client port 1024 + n / peers % 64000 */
	u32 peer_bytes; /* offset of the last four bytes of the peer's address in the frame */
	u32 port_bytes; /* offset of the client's port */
	u32 zero;
};

/* The address of peer i of all benchmarks is or ends with 10.1.(i / 100).(i % 100 + 1): up to 25,600 of them. */
#define PEERS_A_NODE 100

/* ---- baseline.bpf.c ---- */

struct lpm_address {
	u32 prefixlen;
	u32 address_be;
};
struct endpoint {
	u32 identity;
	u32 tunnel;
	u32 flags;
};

struct ct_tuple {
	u32 destination_be, source_be;
	u16 destination_port_be, source_port_be;
	u8 protocol;
	u8 flags; /* CT_IN, CT_OUT, CT_RELATED */
	u16 zero;
};
#define CT_OUT 0
#define CT_IN 1
#define CT_RELATED 2

struct ct_entry {
	u32 lifetime; /* second in which it ends */
	u32 identity; /* of the source */
	u16 rx_closing : 1, tx_closing : 1, seen_non_syn : 1, proxy_redirect : 1, reserved : 12;
	u8 tx_flags_seen, rx_flags_seen;
	u32 last_tx_report, last_rx_report;
};

/* Semantics reference, section 5.4. */
struct policy_key {
	u32 prefixlen; /* of what follows: identity and direction always count */
	u32 identity;
	u8 egress;
	u8 protocol;
	u16 port_be;
};
#define POLICY_FULL_PREFIX 64
#define POLICY_STATIC_PREFIX 40
struct policy_entry {
	u16 proxy_port_be;
	u8 deny : 1, reserved : 2, lpm_prefix_length : 5;
	u8 auth_type;
	u32 precedence;
	u32 cookie;
	u32 zero;
	u64 packets, bytes;
};
#define PRECEDENCE_DENY 0xffffffffu
#define PRECEDENCE_ALLOW 0xffffff01u

struct metrics_key {
	u8 reason;
	u8 direction;
	u16 line;
};
struct metrics {
	u64 count, bytes;
};

/* Semantics reference, section 8.9, and as much of the packet as has its headers. */
struct verdict_event {
	u8 type, subtype;
	u16 source;
	u32 hash;
	u32 length;
	u16 captured, version;
	u32 remote_identity;
	int verdict; /* negative: reason of the drop */
	u16 port;
	u8 protocol;
	u8 flags;
	u8 auth_type;
	u8 zero[3];
	u32 cookie;
	u32 pad;
	u64 headers[7];
};

struct settings {
	u32 pod_address_be;
	u32 pod_identity;
	u32 report_allowed; /* an event for every new allowed connection */
	u32 zero;
};

#if !defined(__bpf__)
}  // namespace netpolc::datapath_bench
#endif
#endif
