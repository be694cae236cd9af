// codegen-bpf/codegen.h — from a decision table to C worth reading, and from that to an object
// the kernel loads.
//
// The C says only what this policy says; what all policies share is the hand-written runtime
// (runtime/), translated once, when netpolc is built. Same table, same bytes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/base/diagnostics.h"
#include "ir/decide/table.h"

namespace netpolc::codegen_bpf {

struct EmitOptions {
  bool l7_drop = false;  // what only an L7 rule allows is dropped, reason 240
};

// A line of the C (1-based) that speaks for a rule of the table.
struct LineOrigin {
  std::uint32_t line = 0;
  ir::Direction direction = ir::Direction::Ingress;
  std::uint32_t rule = 0;  // index into DirectionTable::rules
};

struct Emitted {
  std::string c;
  std::vector<LineOrigin> source_map;  // by line
  std::uint64_t tag = 0;               // what events call the program
  std::uint32_t ingress_words = 1, egress_words = 1;  // of the peers maps
};

// Why a table can't become a program.
enum class Obstacle : std::uint8_t {
  Conflict,  // rules contradict each other
  Size,      // more than an object holds
  L7,        // nobody enforces L7 rules yet; the only one that an option helps with
};
struct Unenforceable {
  std::string reason;
  Obstacle obstacle = Obstacle::Conflict;
  std::vector<ir::RuleRef> rules;
};
std::optional<Unenforceable> unenforceable(const ir::DecisionTable& table, const EmitOptions& options);

// May peers of this direction depend on prefixes shorter than an address? If not, its program
// never asks for any, and addresses that no exact entry names are the world's to it.
bool asks_for_prefixes(const ir::DirectionTable& table);

// Whose policy it is. A node's program judges the node's own packets at all its devices (the host
// firewall) and lets those of others pass.
enum class Subject : std::uint8_t { Pod, Node };

// Cannot fail. Without `l7_drop`, ask `unenforceable` first; what needs L7 is dropped either way.
Emitted emit(const ir::DecisionTable& table, Subject subject = Subject::Pod);

struct Instructions {
  std::uint32_t programs = 0;     // the two entry points
  std::uint32_t subprograms = 0;  // shared by both
  std::uint32_t total() const { return programs + subprograms; }
};
struct Object {
  std::string bytes;  // ELF with BTF, without DWARF
  Instructions instructions;
};
// Thread-safe.
Result<Object> compile(const Emitted& emitted);

// Names a program by what it is made of: its C and the runtime.
std::string digest(const Emitted& emitted);

// What lies beside generated C so that it compiles alone.
struct RuntimeFile {
  std::string_view name, text;
};
const std::vector<RuntimeFile>& runtime_files();
std::string_view runtime_object();  // with BTF, without DWARF

// Names how C becomes an object: versions of clang and libbpf, and what we ask of them.
std::string translator();
std::string_view translation_sources();  // a digest of the code that asks

std::string sha256_hex(std::string_view bytes);

}  // namespace netpolc::codegen_bpf
