#include "verify/bytecode/instruction.h"

#include <cstring>

namespace netpolc::verify::bytecode {
namespace {

std::string reg(std::uint8_t number, bool wide) { return (wide ? "r" : "w") + std::to_string(number); }

const char* arithmetic(std::uint8_t operation) {
  switch (operation) {
    case BPF_ADD: return "+=";
    case BPF_SUB: return "-=";
    case BPF_MUL: return "*=";
    case BPF_DIV: return "/=";
    case BPF_OR: return "|=";
    case BPF_AND: return "&=";
    case BPF_LSH: return "<<=";
    case BPF_RSH: return ">>=";
    case BPF_MOD: return "%=";
    case BPF_XOR: return "^=";
    case BPF_MOV: return "=";
    case BPF_ARSH: return "s>>=";
    default: return "?=";
  }
}

const char* comparison(std::uint8_t operation) {
  switch (operation) {
    case BPF_JEQ: return "==";
    case BPF_JNE: return "!=";
    case BPF_JGT: return ">";
    case BPF_JGE: return ">=";
    case BPF_JLT: return "<";
    case BPF_JLE: return "<=";
    case BPF_JSGT: return "s>";
    case BPF_JSGE: return "s>=";
    case BPF_JSLT: return "s<";
    case BPF_JSLE: return "s<=";
    case BPF_JSET: return "&";
    default: return "?";
  }
}

std::string place(std::uint8_t code, std::uint8_t base, std::int16_t off) {
  static constexpr const char* sizes[] = {"u32", "u16", "u8", "u64"};
  const int distance = off;
  return std::string("*(") + sizes[(code & 0x18) >> 3] + " *)(" + reg(base, true) + (distance < 0 ? " - " : " + ") +
         std::to_string(distance < 0 ? -distance : distance) + ")";
}

std::string alu(const Instruction& i) {
  const bool wide = i.kind() == BPF_ALU64;
  const std::uint8_t operation = i.code & 0xf0;
  if (operation == BPF_END)
    return reg(i.dst, true) + " = " + (wide ? "bswap" : (i.code & BPF_X) != 0 ? "be" : "le") + std::to_string(i.imm) + " " + reg(i.dst, true);
  if (operation == BPF_NEG) return reg(i.dst, wide) + " = -" + reg(i.dst, wide);
  return reg(i.dst, wide) + " " + arithmetic(operation) + " " + ((i.code & BPF_X) != 0 ? reg(i.src, wide) : std::to_string(i.imm));
}

std::string jump(const Instruction& i) {
  const std::string to = "goto " + std::string(i.off < 0 ? "" : "+") + std::to_string(i.off);
  if (i.is_exit()) return "exit";
  if (i.is_call()) return "call " + std::to_string(i.imm);
  if ((i.code & 0xf0) == BPF_JA) return to;
  const bool wide = i.kind() == BPF_JMP;
  return "if " + reg(i.dst, wide) + " " + comparison(i.code & 0xf0) + " " + ((i.code & BPF_X) != 0 ? reg(i.src, wide) : std::to_string(i.imm)) +
         " " + to;
}

}  // namespace

std::vector<Instruction> decode(std::string_view bytes) {
  std::vector<Instruction> out;
  for (std::size_t at = 0; at + sizeof(bpf_insn) <= bytes.size(); at += sizeof(bpf_insn)) {
    bpf_insn raw;
    std::memcpy(&raw, bytes.data() + at, sizeof raw);
    Instruction decoded;
    decoded.code = raw.code;
    decoded.dst = raw.dst_reg;
    decoded.src = raw.src_reg;
    decoded.off = raw.off;
    decoded.imm = raw.imm;
    const bool first_half = !out.empty() && out.back().is_wide() && !out.back().second;
    if (first_half && raw.code == 0 && raw.dst_reg == 0 && raw.src_reg == 0 && raw.off == 0) {
      decoded.second = true;
      out.back().wide = static_cast<std::uint32_t>(out.back().imm) | static_cast<std::uint64_t>(static_cast<std::uint32_t>(raw.imm)) << 32;
    }
    out.push_back(decoded);
  }
  return out;
}

std::string to_string(const Instruction& i) {
  if (i.second) return "(second half)";
  if (i.is_wide()) return reg(i.dst, true) + " = " + std::to_string(i.wide) + " ll";
  switch (i.kind()) {
    case BPF_ALU:
    case BPF_ALU64: return alu(i);
    case BPF_JMP:
    case BPF_JMP32: return jump(i);
    case BPF_LDX:
      if ((i.code & 0xe0) == BPF_MEM) return reg(i.dst, true) + " = " + place(i.code, i.src, i.off);
      break;
    case BPF_ST:
      if ((i.code & 0xe0) == BPF_MEM) return place(i.code, i.dst, i.off) + " = " + std::to_string(i.imm);
      break;
    case BPF_STX:
      if ((i.code & 0xe0) == BPF_MEM) return place(i.code, i.dst, i.off) + " = " + reg(i.src, true);
      if ((i.code & 0xe0) == BPF_ATOMIC) return "lock " + place(i.code, i.dst, i.off) + " op " + std::to_string(i.imm) + " " + reg(i.src, true);
      break;
    default: break;
  }
  return "unknown instruction " + std::to_string(i.code);
}

}  // namespace netpolc::verify::bytecode
