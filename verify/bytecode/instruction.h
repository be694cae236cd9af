// verify/bytecode/instruction.h — eBPF instructions as an object has them, with what its relocations
// say they refer to. Opcodes are the kernel's (linux/bpf.h).
#pragma once
#include <linux/bpf.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netpolc::verify::bytecode {

// What an instruction names in its object: `index` into the object's maps, data, functions or symbols of elsewhere.
enum class Refers : std::uint8_t { Nothing, Map, Data, Function, Elsewhere };
struct Reference {
  Refers what = Refers::Nothing;
  std::size_t index = 0;
  std::int64_t offset = 0;  // into data
};

struct Instruction {
  std::uint8_t code = 0, dst = 0, src = 0;
  std::int16_t off = 0;
  std::int32_t imm = 0;
  std::uint64_t wide = 0;  // of a 64-bit immediate, both halves
  bool second = false;     // the second half of one: never run
  Reference refers;

  std::uint8_t kind() const { return code & 0x07; }
  bool is_jump() const { return kind() == BPF_JMP || kind() == BPF_JMP32; }
  bool is_exit() const { return code == (BPF_JMP | BPF_EXIT); }
  bool is_call() const { return code == (BPF_JMP | BPF_CALL); }
  bool is_wide() const { return code == (BPF_LD | BPF_IMM | BPF_DW); }
};

// Eight bytes each. A 64-bit immediate without its second half, or with what the kernel reserves in it, is
// left as it is and is none (`is_wide` of a `second` never holds).
std::vector<Instruction> decode(std::string_view bytes);

// "r1 += 8", "w2 = *(u32 *)(r1 + 4)": for people, as llvm-objdump writes it.
std::string to_string(const Instruction& instruction);

}  // namespace netpolc::verify::bytecode
