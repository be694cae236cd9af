// verify/bytecode/object.h — a BPF object as the kernel will get it: functions, constants, maps.
// Read from the ELF file and its BTF themselves; nothing of what made it is asked. Relocations are resolved as
// libbpf resolves them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/base/diagnostics.h"
#include "verify/bytecode/instruction.h"

namespace netpolc::verify::bytecode {

// `at`: where it lies in the file.
struct Function {
  std::string name;
  std::vector<Instruction> code;
  std::size_t at = 0;
};
// Sizes in bytes, as BTF states them to the loader.
struct Map {
  std::string name;
  std::uint32_t type = 0, key_size = 0, value_size = 0, max_entries = 0;
};
// Constants of a section that nobody writes.
struct Data {
  std::string section, bytes;
  std::size_t at = 0;
};
struct Object {
  std::vector<Function> functions;
  std::vector<Map> maps;
  std::vector<Data> data;

  struct Constant {
    std::string name;
    std::size_t data = 0, offset = 0, size = 0;
  };
  std::vector<Constant> constants;  // named parts of `data`
  std::vector<std::string> elsewhere;  // symbols that an object to be linked with defines

  const Function* function(std::string_view name) const;
  const Map* map(std::string_view name) const;
  // The bytes of a constant; empty where there is none of that name.
  std::string_view constant(std::string_view name) const;
};

// Fails on what is no such object, and on whatever a loader would change that is not understood here:
// relocations against the kernel's types (CO-RE), data that can be written.
Result<Object> read_object(std::string_view bytes);

}  // namespace netpolc::verify::bytecode
