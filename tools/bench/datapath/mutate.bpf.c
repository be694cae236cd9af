/* mutate.bpf.c — makes each packet of a test run another one, then goes on in the program that is
 * measured, by a tail call whose target the kernel knows (a jump). The same happens in front of the
 * empty program, so what it costs is subtracted.
 */
#include "kernel.h"

MAP(BPF_MAP_TYPE_ARRAY, 0, 1, u32, struct mutation, mutation);
MAP(BPF_MAP_TYPE_PROG_ARRAY, 0, 1, u32, u32, measured);

/* Offsets that differ by family and direction: of the last four bytes of an address, of a port. */
INLINE int write_peer(struct __sk_buff *skb, const struct mutation *how, u32 address_be, u16 port)
{
	u8 *data = (u8 *)(long)skb->data, *end = (u8 *)(long)skb->data_end;
	u8 *peer = data + (how->peer_bytes & 63), *ports = data + (how->port_bytes & 63);
	if (peer + 4 > end || ports + 2 > end)
		return TC_ACT_SHOT;
	*(u32 *)peer = address_be;
	*(u16 *)ports = BSWAP16(port);
	tail_call(skb, &measured, 0);
	return TC_ACT_SHOT;
}

INLINE u32 peer_address(u32 peer)
{
	return 10 | 1 << 8 | peer / PEERS_A_NODE << 16 | (peer % PEERS_A_NODE + 1) << 24;
}

INLINE u32 next_random(struct mutation *how)
{
	u64 x = how->random;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	how->random = x;
	return x >> 16;
}

/* The tuples one after another. */
SEC("tc")
int rotate(struct __sk_buff *skb)
{
	u32 zero = 0;
	struct mutation *how = map_lookup(&mutation, &zero);
	if (!how)
		return TC_ACT_SHOT;
	u64 tuple = how->count++ % how->modulus;
	return write_peer(skb, how, peer_address(tuple % how->peers), 1024 + tuple / how->peers % 64000);
}

/* One tuple of a peer drawn at random. */
SEC("tc")
int random_peer(struct __sk_buff *skb)
{
	u32 zero = 0;
	struct mutation *how = map_lookup(&mutation, &zero);
	if (!how)
		return TC_ACT_SHOT;
	return write_peer(skb, how, peer_address(next_random(how) % how->peers), 40000);
}

/* Strangers, each seen once: addresses from 128.0.0.0 up. */
SEC("tc")
int stranger(struct __sk_buff *skb)
{
	u32 zero = 0;
	struct mutation *how = map_lookup(&mutation, &zero);
	if (!how)
		return TC_ACT_SHOT;
	u32 address = next_random(how) | 0x80;
	return write_peer(skb, how, address, next_random(how));
}

char terms[] SEC("license") = "Dual MIT/GPL";
