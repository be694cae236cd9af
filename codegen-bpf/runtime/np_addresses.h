/* np_addresses.h — what the maps say of an address: who it is, by itself or by its prefix. */
#ifndef NP_ADDRESSES_H
#define NP_ADDRESSES_H

#include "np_maps.h"

NP_INLINE const struct np_address *np_exactly(const np_u64 *address, np_u8 family)
{
	np_u32 four = address[0];
	np_u64 six[2] = { address[0], address[1] }; /* Linux 6.1 takes keys from the stack only */
	return family == 4 ? np_map_lookup(&np_addresses4, &four) : np_map_lookup(&np_addresses6, six);
}

NP_INLINE const struct np_address *np_by_prefix(const np_u64 *address, np_u8 family)
{
	if (family == 4) {
		struct np_lpm4 key = { .prefixlen = 32 };
		__builtin_memcpy(key.address, address, sizeof(key.address));
		return np_map_lookup(&np_ipcache4, &key);
	}
	struct np_lpm6 key = { .prefixlen = 128 };
	__builtin_memcpy(key.address, address, sizeof(key.address));
	return np_map_lookup(&np_ipcache6, &key);
}

#endif
