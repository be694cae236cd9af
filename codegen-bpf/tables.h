// codegen-bpf/tables.h — many ports or peers as constant data: the number of a port's group,
// and for each group the peers that are allowed or denied. Costs the kernel's verifier the same
// whatever the size, where code would outgrow its jumps (32,767 instructions).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "codegen-bpf/l4_layout.h"
#include "codegen-bpf/writer.h"

namespace netpolc::codegen_bpf {

// The groups of one protocol function, and how C names what belongs to it.
struct TableInput {
  std::string name;                         // "ingress_tcp"
  std::vector<const PortGroup*> groups;     // the last one has every port that no other has
  std::uint16_t highest = 65535;            // number of a port
  std::size_t words = 1;                    // of a peer's bits
};

// Definitions, to stand before the function.
void write_tables(Writer& writer, const TableInput& input);
// The expression that asks them: an np_verdict, `otherwise` where no entry holds.
std::string ask_tables(const TableInput& input, const std::string& peer, const std::string& otherwise);
// 64-bit words of constant data that the tables take, to tell when it is too much.
std::uint64_t table_words(const TableInput& input);
// How often the kernel's verifier goes round the loops that read them, at most.
std::uint64_t table_turns(const TableInput& input);

}  // namespace netpolc::codegen_bpf
