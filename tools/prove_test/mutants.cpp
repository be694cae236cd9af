#include "tools/prove_test/mutants.h"

#include <functional>
#include <iterator>

namespace netpolc::prove_test {
namespace {

using verify::bytecode::Function;
using verify::bytecode::Instruction;
using verify::bytecode::Object;
using verify::bytecode::Refers;

constexpr std::size_t kMostOfConstant = 256;
constexpr const char* kProved[] = {"np_policy_ingress", "np_policy_egress", "np_admit_in", "np_admit_out"};

bool is_branch(const Instruction& i) { return i.is_jump() && !i.is_call() && !i.is_exit() && (i.code & 0xf0) != BPF_JA; }
bool has_constant(const Instruction& i) { return (i.code & BPF_X) == 0; }
bool is_arithmetic(const Instruction& i) { return i.kind() == BPF_ALU || i.kind() == BPF_ALU64; }
bool moves_constant(const Instruction& i) { return is_arithmetic(i) && (i.code & 0xf0) == BPF_MOV && has_constant(i); }
bool reads(const Instruction& i) { return i.kind() == BPF_LDX; }
bool writes(const Instruction& i) { return i.kind() == BPF_STX && (i.code & 0xe0) == BPF_MEM; }

std::uint8_t opposite(std::uint8_t operation) {
  switch (operation) {
    case BPF_JEQ: return BPF_JNE;
    case BPF_JNE: return BPF_JEQ;
    case BPF_JGT: return BPF_JLE;
    case BPF_JLE: return BPF_JGT;
    case BPF_JGE: return BPF_JLT;
    case BPF_JLT: return BPF_JGE;
    case BPF_JSGT: return BPF_JSLE;
    case BPF_JSLE: return BPF_JSGT;
    case BPF_JSGE: return BPF_JSLT;
    case BPF_JSLT: return BPF_JSGE;
    default: return operation;
  }
}

struct Kind {
  const char* name;
  std::function<bool(const Instruction&)> fits;
  std::function<void(bpf_insn&)> change;
};

void keep_going(bpf_insn& raw) { raw = {BPF_JMP | BPF_JA, 0, 0, 0, 0}; }
void return_a(bpf_insn& raw, std::int32_t value) { raw = {BPF_ALU | BPF_MOV, 0, 0, 0, value}; }

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"comparison flipped", is_branch, [](bpf_insn& raw) { raw.code = static_cast<std::uint8_t>((raw.code & 0x0f) | opposite(raw.code & 0xf0)); }},
      {"bound off by one", [](const auto& i) { return is_branch(i) && has_constant(i); }, [](bpf_insn& raw) { ++raw.imm; }},
      {"check left out", is_branch, keep_going},
      {"branch always taken", is_branch, [](bpf_insn& raw) { raw = {BPF_JMP | BPF_JA, 0, 0, raw.off, 0}; }},
      {"port byte order", [](const auto& i) { return is_branch(i) && has_constant(i) && i.imm > 0 && i.imm < 65536 && i.imm % 257 != 0; },
       [](bpf_insn& raw) { raw.imm = __builtin_bswap16(static_cast<std::uint16_t>(raw.imm)); }},
      {"another rule or number", moves_constant, [](bpf_insn& raw) { raw.imm ^= 1; }},
      {"another reason", [](const auto& i) { return moves_constant(i) && i.dst == BPF_REG_0; }, [](bpf_insn& raw) { raw.imm ^= 1 << 24; }},
      {"another bit of the peer", [](const auto& i) { return is_arithmetic(i) && (i.code & 0xf0) == BPF_AND && has_constant(i); },
       [](bpf_insn& raw) { raw.imm = static_cast<std::int32_t>(static_cast<std::uint32_t>(raw.imm) << 1 | static_cast<std::uint32_t>(raw.imm) >> 31); }},
      {"another field read", reads, [](bpf_insn& raw) { raw.off = static_cast<std::int16_t>(raw.off ^ 8); }},
      {"another field written", writes, [](bpf_insn& raw) { raw.off = static_cast<std::int16_t>(raw.off ^ 4); }},
      {"store left out", writes, keep_going},
      {"call left out, as if it had said no", [](const auto& i) { return i.is_call(); }, [](bpf_insn& raw) { return_a(raw, 0); }},
      {"call left out, as if it had said yes", [](const auto& i) { return i.is_call(); }, [](bpf_insn& raw) { return_a(raw, 1); }},
      {"early end", [](const auto& i) { return i.is_call(); }, [](bpf_insn& raw) { raw = {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}; }},
  };
  return all;
}

}  // namespace

std::vector<Mutant> mutants_of(const std::vector<std::string>& functions, const std::string& bytes, const Object& object) {
  std::vector<Mutant> out;
  for (const std::string& name : functions) {
    const Function* function = object.function(name);
    if (function == nullptr) continue;
    for (std::size_t at = 0; at < function->code.size(); ++at) {
      const Instruction& one = function->code[at];
      if (one.second || one.is_wide()) continue;
      for (const Kind& kind : kinds()) {
        // a relocation that is of another instruction now is none of the faults meant here
        if (!kind.fits(one) || (one.refers.what != Refers::Nothing && one.src == BPF_PSEUDO_CALL && one.imm == -1)) continue;
        bpf_insn raw{one.code, one.dst, one.src, one.off, one.imm};
        kind.change(raw);
        Mutant mutant{kind.name, name, "instruction " + std::to_string(at) + ", " + verify::bytecode::to_string(one), bytes};
        mutant.bytes.replace(function->at + at * sizeof raw, sizeof raw, reinterpret_cast<const char*>(&raw), sizeof raw);
        if (mutant.bytes != bytes) out.push_back(std::move(mutant));
      }
    }
  }
  return out;
}

std::vector<Mutant> mutants(const std::string& bytes, const Object& object) {
  std::vector<std::string> names(std::begin(kProved), std::end(kProved));
  for (const Function& function : object.functions)
    if (function.name.ends_with("_turn")) names.push_back(function.name);  // of a search through many peers
  std::vector<Mutant> out = mutants_of(names, bytes, object);
  for (const Object::Constant& constant : object.constants) {
    if (constant.name == "np_program_tag") continue;  // says nothing about packets
    // of long tables some bytes; of that of ports port 80's
    const std::size_t step = 1 + constant.size / kMostOfConstant;
    for (std::size_t at = 80 % step; at < constant.size; at += step) {
      Mutant mutant{"another constant", constant.name, "byte " + std::to_string(at), bytes};
      mutant.bytes[object.data[constant.data].at + constant.offset + at] ^= 1;
      out.push_back(std::move(mutant));
    }
  }
  return out;
}

}  // namespace netpolc::prove_test
