// The order of things: sections, then functions and constants by symbol, then maps by BTF, then relocations.
#include "verify/bytecode/object.h"

#include <bpf/btf.h>
#include <gelf.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint32_t kAbsolute64 = 1, kCall = 10;  // R_BPF_64_64, R_BPF_64_32

struct Section {
  std::string name;
  GElf_Shdr header{};
  std::string bytes;
};
struct Symbol {
  std::string name;
  std::uint64_t value = 0, size = 0;
  std::size_t section = 0;
  int type = 0;
};
// Thrown within this file alone.
struct Unreadable {
  std::string why;
};

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  Object read() {
    read_sections();
    read_symbols();
    read_maps();
    for (const Section& section : sections_)
      if (section.header.sh_type == SHT_REL || section.header.sh_type == SHT_RELA) relocate(section);
    resolve_local_calls();
    return std::move(out_);
  }

 private:
  void read_sections() {
    if (elf_version(EV_CURRENT) == EV_NONE) throw Unreadable{"libelf doesn't know the current version of ELF"};
    elf_.reset(elf_memory(const_cast<char*>(bytes_.data()), bytes_.size()));
    GElf_Ehdr header;
    if (!elf_ || gelf_getehdr(elf_.get(), &header) == nullptr || header.e_machine != EM_BPF) throw Unreadable{"it is no ELF file for BPF"};
    std::size_t names = 0;
    if (elf_getshdrstrndx(elf_.get(), &names) != 0) throw Unreadable{"its sections have no names"};
    sections_.emplace_back();
    for (Elf_Scn* scn = nullptr; (scn = elf_nextscn(elf_.get(), scn)) != nullptr;) {
      Section section;
      if (gelf_getshdr(scn, &section.header) == nullptr) throw Unreadable{"a section has no header"};
      const char* name = elf_strptr(elf_.get(), names, section.header.sh_name);
      section.name = name != nullptr ? name : "";
      const Elf_Data* data = section.header.sh_type == SHT_NOBITS ? nullptr : elf_rawdata(scn, nullptr);
      if (data != nullptr && data->d_buf != nullptr) section.bytes.assign(static_cast<const char*>(data->d_buf), data->d_size);
      if (section.header.sh_type == SHT_SYMTAB) symbols_at_ = scn;
      sections_.push_back(std::move(section));
    }
  }

  void read_symbols() {
    Elf_Data* table = symbols_at_ != nullptr ? elf_getdata(symbols_at_, nullptr) : nullptr;
    if (table == nullptr) throw Unreadable{"it has no symbols"};
    GElf_Shdr header;
    gelf_getshdr(symbols_at_, &header);
    GElf_Sym raw;
    for (int i = 0; gelf_getsym(table, i, &raw) != nullptr; ++i) {
      const char* name = elf_strptr(elf_.get(), header.sh_link, raw.st_name);
      Symbol symbol{name != nullptr ? name : "", raw.st_value, raw.st_size, raw.st_shndx, GELF_ST_TYPE(raw.st_info)};
      if (symbol.section < sections_.size()) {
        if (symbol.type == STT_FUNC) add_function(symbol);
        if (symbol.type == STT_OBJECT && is_constant(symbol.section)) add_constant(symbol);
      }
      symbols_.push_back(std::move(symbol));
    }
  }

  void add_function(const Symbol& symbol) {
    const Section& section = sections_[symbol.section];
    if (symbol.value % 8 != 0 || symbol.size % 8 != 0 || symbol.value > section.bytes.size() || symbol.size > section.bytes.size() - symbol.value)
      throw Unreadable{"the function " + symbol.name + " lies outside of its section"};
    functions_at_[{symbol.section, symbol.value}] = out_.functions.size();
    out_.functions.push_back({symbol.name, decode(std::string_view(section.bytes).substr(symbol.value, symbol.size)),
                              static_cast<std::size_t>(section.header.sh_offset + symbol.value)});
    places_.push_back({symbol.section, symbol.value});
  }

  bool is_constant(std::size_t section) const {
    const Section& s = sections_[section];
    return s.name.starts_with(".rodata") && s.header.sh_type == SHT_PROGBITS && (s.header.sh_flags & SHF_WRITE) == 0;
  }
  std::size_t data_of(std::size_t section) {
    const auto [at, fresh] = data_at_.try_emplace(section, out_.data.size());
    if (fresh) out_.data.push_back({sections_[section].name, sections_[section].bytes, sections_[section].header.sh_offset});
    return at->second;
  }
  void add_constant(const Symbol& symbol) {
    const std::size_t data = data_of(symbol.section);
    if (symbol.value > out_.data[data].bytes.size() || symbol.size > out_.data[data].bytes.size() - symbol.value)
      throw Unreadable{"the constant " + symbol.name + " lies outside of its section"};
    out_.constants.push_back({symbol.name, data, symbol.value, symbol.size});
  }

  const Section* section(std::string_view name) const {
    const auto at = std::find_if(sections_.begin(), sections_.end(), [&](const Section& s) { return s.name == name; });
    return at == sections_.end() ? nullptr : &*at;
  }

  // The kernel's own types would be put into instructions: the third part of .BTF.ext.
  void refuse_core() const {
    const Section* ext = section(".BTF.ext");
    if (ext == nullptr) return;
    std::uint32_t words[8] = {};
    if (ext->bytes.size() < 8) throw Unreadable{"its .BTF.ext is cut short"};
    std::memcpy(words, ext->bytes.data(), std::min(sizeof words, ext->bytes.size()));
    const std::uint32_t header = words[1];
    if (header >= 32 && words[7] != 0) throw Unreadable{"its instructions depend on the kernel's types (CO-RE)"};
  }

  void read_maps() {
    refuse_core();
    const Section* text = section(".BTF");
    if (text == nullptr) throw Unreadable{"it has no BTF"};
    const std::unique_ptr<btf, FreeBtf> types(btf__new(text->bytes.data(), static_cast<std::uint32_t>(text->bytes.size())));
    if (!types) throw Unreadable{"its BTF can't be read"};
    const int maps = btf__find_by_name_kind(types.get(), ".maps", BTF_KIND_DATASEC);
    if (maps < 0) return;
    const btf_type* all = btf__type_by_id(types.get(), static_cast<std::uint32_t>(maps));
    for (int i = 0; i < btf_vlen(all); ++i) {
      const btf_type* variable = btf__type_by_id(types.get(), btf_var_secinfos(all)[i].type);
      if (variable == nullptr) throw Unreadable{"a map has no type"};
      Map map = map_of(*types, *variable);
      const auto symbol = std::find_if(symbols_.begin(), symbols_.end(), [&](const Symbol& s) {
        return s.type == STT_OBJECT && s.name == map.name && s.section < sections_.size() && sections_[s.section].name == ".maps";
      });
      if (symbol == symbols_.end()) throw Unreadable{"the map " + map.name + " has no symbol"};
      maps_at_[{symbol->section, symbol->value}] = out_.maps.size();
      out_.maps.push_back(std::move(map));
    }
  }

  // Null: there is none, or it never ends.
  static const btf_type* plain(const btf& types, std::uint32_t id) {
    const btf_type* type = btf__type_by_id(&types, id);
    for (int turn = 0; type != nullptr && (btf_is_mod(type) || btf_is_typedef(type)); ++turn)
      type = turn < 32 ? btf__type_by_id(&types, type->type) : nullptr;
    return type;
  }
  static std::string name_at(const btf& types, std::uint32_t offset) {
    const char* name = btf__str_by_offset(&types, offset);
    if (name == nullptr) throw Unreadable{"its BTF has a name that is none"};
    return name;
  }
  static Map map_of(const btf& types, const btf_type& variable) {
    Map out;
    out.name = name_at(types, variable.name_off);
    const btf_type* definition = plain(types, variable.type);
    if (definition == nullptr || !btf_is_struct(definition)) throw Unreadable{"the map " + out.name + " has no definition"};
    for (int i = 0; i < btf_vlen(definition); ++i) {
      const btf_member& member = btf_members(definition)[i];
      const std::string name = name_at(types, member.name_off);
      const btf_type* pointer = plain(types, member.type);
      if (pointer == nullptr || !btf_is_ptr(pointer)) throw Unreadable{"the map " + out.name + " is defined in words that are not understood"};
      const btf_type* target = plain(types, pointer->type);
      const auto number = [&] { return target != nullptr && btf_is_array(target) ? btf_array(target)->nelems : 0; };
      const auto size = [&] { return static_cast<std::uint32_t>(std::max<std::int64_t>(0, btf__resolve_size(&types, pointer->type))); };
      if (name == "type") out.type = number();
      else if (name == "max_entries") out.max_entries = number();
      else if (name == "key_size") out.key_size = number();
      else if (name == "value_size") out.value_size = number();
      else if (name == "key") out.key_size = size();
      else if (name == "value") out.value_size = size();
    }
    return out;
  }

  std::optional<std::pair<std::size_t, std::size_t>> instruction_at(std::size_t section, std::uint64_t offset) const {
    for (std::size_t f = 0; f < places_.size(); ++f)
      if (places_[f].first == section && offset >= places_[f].second && offset < places_[f].second + out_.functions[f].code.size() * 8 && offset % 8 == 0)
        return std::pair(f, static_cast<std::size_t>((offset - places_[f].second) / 8));
    return std::nullopt;
  }

  void relocate(const Section& entries) {
    const std::size_t target = entries.header.sh_info;
    if (target >= sections_.size() || (sections_[target].header.sh_flags & SHF_EXECINSTR) == 0) {
      if (target < sections_.size() && (sections_[target].header.sh_flags & SHF_ALLOC) != 0)
        throw Unreadable{"its section " + sections_[target].name + " has relocations, which are not understood"};
      return;  // BTF and the like
    }
    if (entries.header.sh_type != SHT_REL) throw Unreadable{"its relocations have addends of their own"};
    for (std::size_t at = 0; at + sizeof(Elf64_Rel) <= entries.bytes.size(); at += sizeof(Elf64_Rel)) {
      Elf64_Rel raw;
      std::memcpy(&raw, entries.bytes.data() + at, sizeof raw);
      relocate(target, raw.r_offset, ELF64_R_TYPE(raw.r_info), ELF64_R_SYM(raw.r_info));
    }
  }

  void relocate(std::size_t section, std::uint64_t offset, std::uint64_t type, std::size_t number) {
    const auto where = instruction_at(section, offset);
    if (!where) throw Unreadable{"a relocation of " + sections_[section].name + " is outside of all functions"};
    Instruction& instruction = out_.functions[where->first].code[where->second];
    if (number >= symbols_.size()) throw Unreadable{"a relocation is of no symbol"};
    const Symbol& symbol = symbols_[number];
    if (symbol.section == SHN_UNDEF || symbol.section >= sections_.size()) {
      instruction.refers = {Refers::Elsewhere, out_.elsewhere.size(), 0};
      out_.elsewhere.push_back(symbol.name);
      return;
    }
    if (type == kCall && instruction.is_call() && instruction.src == BPF_PSEUDO_CALL) {
      instruction.refers = call(symbol.section, static_cast<std::int64_t>(symbol.value) + 8 * (std::int64_t{instruction.imm} + 1));
    } else if (type == kAbsolute64 && instruction.is_wide() && instruction.src == 0) {
      instruction.refers = address(symbol, instruction);
    } else {
      throw Unreadable{"a relocation of " + out_.functions[where->first].name + " is of a kind that is not understood"};
    }
  }

  Reference call(std::size_t section, std::int64_t to) const {
    const auto function = to < 0 ? functions_at_.end() : functions_at_.find({section, static_cast<std::uint64_t>(to)});
    if (function == functions_at_.end()) throw Unreadable{"a call leads to the middle of nowhere"};
    return {Refers::Function, function->second, 0};
  }

  Reference address(const Symbol& symbol, const Instruction& instruction) {
    if (const auto map = maps_at_.find({symbol.section, symbol.value}); map != maps_at_.end() && instruction.wide == 0)
      return {Refers::Map, map->second, 0};
    if ((sections_[symbol.section].header.sh_flags & SHF_EXECINSTR) != 0) return call(symbol.section, static_cast<std::int64_t>(symbol.value) + instruction.imm);
    if (!is_constant(symbol.section)) throw Unreadable{"it refers to " + symbol.name + " in " + sections_[symbol.section].name + ", which is no constant"};
    // libbpf keeps the lower half as what is added, and writes over the upper one.
    return {Refers::Data, data_of(symbol.section), static_cast<std::int64_t>(symbol.value) + instruction.imm};
  }

  // Calls within a section need no relocation.
  void resolve_local_calls() {
    for (std::size_t f = 0; f < out_.functions.size(); ++f)
      for (std::size_t i = 0; i < out_.functions[f].code.size(); ++i) {
        Instruction& one = out_.functions[f].code[i];
        if (!one.is_call() || one.src != BPF_PSEUDO_CALL || one.refers.what != Refers::Nothing) continue;
        one.refers = call(places_[f].first, static_cast<std::int64_t>(places_[f].second) + 8 * (static_cast<std::int64_t>(i) + one.imm + 1));
      }
  }

  std::string_view bytes_;
  std::unique_ptr<Elf, EndElf> elf_;
  Elf_Scn* symbols_at_ = nullptr;
  std::vector<Section> sections_;
  std::vector<Symbol> symbols_;
  std::vector<std::pair<std::size_t, std::uint64_t>> places_;  // of out_.functions
  std::map<std::pair<std::size_t, std::uint64_t>, std::size_t> functions_at_, maps_at_;
  std::map<std::size_t, std::size_t> data_at_;
  Object out_;
};

template <typename Range>
auto* named(Range& range, std::string_view name) {
  const auto at = std::find_if(range.begin(), range.end(), [&](const auto& one) { return one.name == name; });
  return at == range.end() ? nullptr : &*at;
}

}  // namespace

const Function* Object::function(std::string_view name) const { return named(functions, name); }
const Map* Object::map(std::string_view name) const { return named(maps, name); }
std::string_view Object::constant(std::string_view name) const {
  const Constant* found = named(constants, name);
  return found != nullptr ? std::string_view(data[found->data].bytes).substr(found->offset, found->size) : std::string_view();
}

Result<Object> read_object(std::string_view bytes) {
  try {
    return Reader(bytes).read();
  } catch (const Unreadable& problem) {
    return tl::unexpected(Failure{"the BPF object can't be read: " + problem.why});
  }
}

}  // namespace netpolc::verify::bytecode
