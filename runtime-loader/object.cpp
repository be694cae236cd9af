#include "runtime-loader/object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace netpolc::loader {
namespace {

constexpr std::array<std::string_view, 14> kShared = {
    NP_MAP_FLOWS4,   NP_MAP_FLOWS6, NP_MAP_FRAGMENTS, NP_MAP_ADDRESSES4, NP_MAP_ADDRESSES6, NP_MAP_NEAR4, NP_MAP_IPCACHE4, NP_MAP_IPCACHE6,
    NP_MAP_ROWS,     NP_MAP_CONFIG, NP_MAP_INTERFACES, NP_MAP_DROPS,     NP_MAP_STATS,      NP_MAP_EVENTS};
constexpr std::size_t kLogSize = 1u << 20;

thread_local std::string* libbpf_said = nullptr;

int keep_libbpf_words(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || libbpf_said == nullptr || libbpf_said->size() > 4096) return 0;
  char line[512];
  vsnprintf(line, sizeof line, format, arguments);
  *libbpf_said += line;
  return 0;
}

// What libbpf prints while this lives goes to `said` instead of the terminal.
struct Listen {
  std::string said;
  Listen() {
    silence_libbpf();
    libbpf_said = &said;
  }
  ~Listen() { libbpf_said = nullptr; }
};

MapShape declared_shape(const bpf_map* map) {
  return {static_cast<std::uint32_t>(bpf_map__type(map)), bpf_map__key_size(map), bpf_map__value_size(map),
          bpf_map__max_entries(map)};
}

// Size may differ (chosen when the map was made), the rest may not.
bool fits(const bpf_map* map, int existing) {
  auto shape = map_shape(existing);
  if (!shape) return false;
  shape->max_entries = bpf_map__max_entries(map);
  return *shape == declared_shape(map);
}

Done prepare_shared(bpf_map* map, SharedMaps& shared) {
  const std::string name = bpf_map__name(map);
  if (const auto found = shared.by_name.find(name); found != shared.by_name.end()) {
    if (!fits(map, found->second.get()))
      return bad_input("map " + name +
                       " has another layout than the one in use; if another version of the loader made that, run "
                       "`netpol-loader unload` first");
    if (const int error = -bpf_map__reuse_fd(map, found->second.get()); error != 0)
      return refused("sharing map " + name, error);
  } else if (const auto size = shared.max_entries.find(name); size != shared.max_entries.end()) {
    bpf_map__set_max_entries(map, size->second);
  }
  return {};
}

Done prepare_peers(bpf_map* map, const PeerBits& peers, SharedMaps& shared) {
  if (!peers.empty() && NP_ROW_WORDS(peers.begin()->second.size()) * 8 != bpf_map__value_size(map))
    return bad_input(std::string(bpf_map__name(map)) + ": the bundle has " +
                     std::to_string(peers.begin()->second.size()) + " words per peer, the object's rows have " +
                     std::to_string(bpf_map__value_size(map) / 8));
  for (const auto& [identity, words] : peers) shared.rows.add(identity);
  if (shared.row_capacity == 0) shared.row_capacity = std::max(256u, 2 * shared.rows.count());
  if (shared.rows.count() > shared.row_capacity)
    return refused("there are " + std::to_string(shared.rows.count()) + " kinds of peers, and room for " + std::to_string(shared.row_capacity));
  bpf_map__set_max_entries(map, shared.row_capacity);
  return {};
}

// A constant of the object's by its name; empty: there is none.
std::string_view constant(const bpf_object* object, std::string_view name) {
  const btf* types = bpf_object__btf(object);
  bpf_map* data = nullptr;
  bpf_object__for_each_map(data, object) if (bpf_map__is_internal(data) && std::string_view(bpf_map__name(data)).ends_with(".rodata")) break;
  const int section = types == nullptr ? -1 : btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
  std::size_t size = 0;
  const char* bytes = data == nullptr ? nullptr : static_cast<const char*>(bpf_map__initial_value(data, &size));
  if (section < 0 || bytes == nullptr) return {};
  const btf_type* variables = btf__type_by_id(types, static_cast<std::uint32_t>(section));
  const btf_var_secinfo* variable = btf_var_secinfos(variables);
  for (std::uint32_t i = 0; i < btf_vlen(variables); ++i, ++variable) {
    const char* its_name = btf__name_by_offset(types, btf__type_by_id(types, variable->type)->name_off);
    if (its_name != name) continue;
    if (variable->offset > size || variable->size > size - variable->offset) return {};
    return {bytes + variable->offset, variable->size};
  }
  return {};
}

// A counter a rule, and two for what no rule decided.
Done prepare_rules(const bpf_object* object, bpf_map* map) {
  np_counters counters{};
  const std::string_view bytes = constant(object, NP_CONSTANT_COUNTERS);
  if (bytes.size() == sizeof counters) std::memcpy(&counters, bytes.data(), sizeof counters);
  if (bytes.size() != sizeof counters || counters.egress > counters.others || counters.others >= NP_NO_RULE)
    return bad_input("it does not say how many rules it has (" NP_CONSTANT_COUNTERS "): compiled by another version of netpolc?");
  bpf_map__set_max_entries(map, counters.others + 2);
  return {};
}

Done prepare_maps(bpf_object* object, SharedMaps& shared, const PeerBits& in, const PeerBits& out,
                  const std::map<std::string, int>& reuse) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = bpf_map__name(map);
    bpf_map__set_pin_path(map, nullptr);  // pinning is ours to decide
    Done done;
    if (is_shared_map(name)) done = prepare_shared(map, shared);
    if (name == NP_MAP_PEERS_IN) done = prepare_peers(map, in, shared);
    if (name == NP_MAP_PEERS_OUT) done = prepare_peers(map, out, shared);
    if (name == NP_MAP_RULES) done = prepare_rules(object, map);
    if (!done) return done;
    const auto existing = reuse.find(name);
    const auto shape = existing == reuse.end() ? Result<MapShape>(MapShape{}) : map_shape(existing->second);
    if (existing != reuse.end() && shape && *shape == declared_shape(map)) bpf_map__reuse_fd(map, existing->second);
  }
  return {};
}

using Opened = std::unique_ptr<bpf_object, decltype(&bpf_object__close)>;

Fd copy_of(int fd) { return Fd{fcntl(fd, F_DUPFD_CLOEXEC, 0)}; }

Done keep_descriptors(bpf_object* object, std::map<std::string, Fd>& programs, std::map<std::string, Fd>& maps) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) programs.emplace(bpf_program__name(program), copy_of(bpf_program__fd(program)));
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) maps.emplace(bpf_map__name(map), copy_of(bpf_map__fd(map)));
  for (const auto* all : {&programs, &maps})
    for (const auto& [name, fd] : *all)
      if (!fd) return refused("keeping " + name, errno);
  return {};
}

// A log of a program's; it isn't touched where the kernel has nothing to complain about.
using Log = std::unique_ptr<char[]>;
Log empty_log() {
  Log log = std::make_unique_for_overwrite<char[]>(kLogSize);
  log[0] = '\0';
  return log;
}

Done remember_shared(bpf_object* object, SharedMaps& shared) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = bpf_map__name(map);
    if (!is_shared_map(name) || shared.by_name.contains(name)) continue;
    Fd copy = copy_of(bpf_map__fd(map));
    if (!copy) return refused("keeping map " + name, errno);
    shared.by_name.emplace(name, std::move(copy));
  }
  return {};
}

}  // namespace

void silence_libbpf() {
  static const auto former = libbpf_set_print(keep_libbpf_words);  // once, whichever thread is first
  (void)former;
}

bool is_shared_map(std::string_view name) { return std::find(kShared.begin(), kShared.end(), name) != kShared.end(); }

std::string verifier_excerpt(std::string_view log) {
  constexpr std::size_t kLines = 24;
  std::vector<std::string_view> lines;
  std::string_view source;
  for (std::size_t begin = 0; begin < log.size();) {
    const std::size_t end = std::min(log.find('\n', begin), log.size());
    const std::string_view line = log.substr(begin, end - begin);
    begin = end + 1;
    if (line.empty() || line.starts_with("verification time") || line.starts_with("stack depth") ||
        line.starts_with("processed "))
      continue;
    if (line.starts_with("; ")) source = line.substr(2);
    lines.push_back(line);
  }
  std::string text;
  if (!source.empty()) text += "  at: " + std::string(source) + "\n";
  for (std::size_t i = lines.size() > kLines ? lines.size() - kLines : 0; i < lines.size(); ++i)
    text += "  | " + std::string(lines[i].substr(0, 200)) + "\n";
  return text;
}

struct Object::Kind {
  bpf_prog_type type;
  std::vector<const char*> programs;  // that it has, or it is none
  const PeerBits& peers_in;
  const PeerBits& peers_out;
  const std::map<std::string, int>& reuse;
};

namespace {

// What objects that are loaded side by side share: rows, and which maps there are. The kernel's part of loading, which is
// nearly all of it, needs nothing of that.
std::mutex shared_guard;

}  // namespace

Result<Object> Object::load(std::string_view bytes, const std::string& name, SharedMaps& shared,
                            const PeerBits& peers_in, const PeerBits& peers_out,
                            const std::map<std::string, int>& reuse) {
  auto object = load(bytes, name, shared,
                     Kind{BPF_PROG_TYPE_SCHED_CLS, {NP_PROGRAM_FROM_POD, NP_PROGRAM_TO_POD}, peers_in, peers_out, reuse});
  if (!object) return object;
  const std::scoped_lock lock(shared_guard);
  if (const Done done = fill_peers(object->map(NP_MAP_PEERS_IN), peers_in, shared.rows); !done)
    return tl::make_unexpected(done.error());
  if (const Done done = fill_peers(object->map(NP_MAP_PEERS_OUT), peers_out, shared.rows); !done)
    return tl::make_unexpected(done.error());
  return object;
}

Result<Object> Object::load_outside(std::string_view bytes, const std::string& name, SharedMaps& shared) {
  return load(bytes, name, shared, Kind{BPF_PROG_TYPE_XDP, {NP_PROGRAM_FROM_OUTSIDE}, {}, {}, {}});
}

Result<Object> Object::load_without_peers(std::string_view bytes, const std::string& name, SharedMaps& shared) {
  return load(bytes, name, shared, Kind{BPF_PROG_TYPE_SCHED_CLS, {NP_PROGRAM_FROM_POD, NP_PROGRAM_TO_POD}, {}, {}, {}});
}

Result<Object> Object::load(std::string_view bytes, const std::string& name, SharedMaps& shared, const Kind& kind) {
  Listen listen;
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.object_name = "netpolc";
  const Opened opened(bpf_object__open_mem(bytes.data(), bytes.size(), &options), bpf_object__close);
  bpf_object* const raw = opened.get();
  if (raw == nullptr)
    return bad_input(name + ": no usable BPF object (" + std::generic_category().message(errno) + ")\n" + listen.said);
  Object object;

  std::map<std::string, Log> logs;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, raw) {
    bpf_program__set_type(program, kind.type);
    Log& log = logs[bpf_program__name(program)] = empty_log();
    bpf_program__set_log_buf(program, log.get(), kLogSize);
  }
  for (const char* needed : kind.programs)
    if (bpf_object__find_program_by_name(raw, needed) == nullptr) return bad_input(name + ": the object lacks program " + needed);
  {
    const std::scoped_lock lock(shared_guard);
    if (const Done done = prepare_maps(raw, shared, kind.peers_in, kind.peers_out, kind.reuse); !done)
      return tl::make_unexpected(Failure{done.error().kind, name + ": " + done.error().message});
  }

  if (const int error = -bpf_object__load(raw); error != 0) {
    std::string message = name + ": the kernel refuses it: " + std::generic_category().message(error) + "\n";
    for (const auto& [program_name, log] : logs) {
      const std::string_view text(log.get());
      // A log without a complaint is that of a program that was accepted.
      if (!text.empty()) message += " " + program_name + ":\n" + verifier_excerpt(text);
    }
    return refused(message + listen.said);
  }
  {
    const std::scoped_lock lock(shared_guard);
    if (const Done done = remember_shared(raw, shared); !done) return tl::make_unexpected(done.error());
  }
  if (const Done done = keep_descriptors(raw, object.programs_, object.maps_); !done) return tl::make_unexpected(done.error());
  return object;
}

int Object::program(const std::string& name) const {
  const auto found = programs_.find(name);
  return found == programs_.end() ? -ENOENT : found->second.get();
}
int Object::map(const std::string& name) const {
  const auto found = maps_.find(name);
  return found == maps_.end() ? -ENOENT : found->second.get();
}

}  // namespace netpolc::loader
