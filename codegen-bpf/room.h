// codegen-bpf/room.h — what policies take of the kernel: room in a program, beyond which `unenforceable` refuses them, and rows
// of the peers maps.
#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "ir/decide/table.h"

namespace netpolc::codegen_bpf {

// What a direction takes of what a program holds. Mostly 0: small policies are code.
struct Room {
  std::uint64_t authenticated = 0;  // pairs of port and peer that ask for authentication
  std::uint64_t data = 0;           // constant tables, in words of 64 bits
  std::uint64_t turns = 0;          // of loops over these tables, each of which the kernel's verifier walks
};
// The most. 32 MiB of data; a turn is about 25 instructions, and the verifier gives up after a million.
inline constexpr Room kRoom{2048, 4u << 20, 16384};
Room room(const ir::DirectionTable& table);

// Words of 64 bits in a row of the direction's peers map.
std::uint32_t row_words(const ir::DirectionTable& table);
// Identities that its peers hold for, each with its bits: what the map is filled with.
std::map<std::uint32_t, std::vector<std::uint64_t>> peer_rows(const ir::DirectionTable& table);

}  // namespace netpolc::codegen_bpf
