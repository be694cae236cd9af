#include "tools/bench/datapath/kernel_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "codegen-bpf/codegen.h"

namespace netpolc::datapath_bench {
namespace {

constexpr std::size_t kLogSize = 1u << 20;
constexpr std::uint32_t kLogStatistics = 4;

[[noreturn]] void fail(const std::string& what, int error) { throw std::runtime_error(what + ": " + std::generic_category().message(error)); }

std::uint32_t number_after(const std::string& text, const char* words) {
  const auto at = text.find(words);
  return at == text.npos ? 0 : static_cast<std::uint32_t>(std::strtoul(text.c_str() + at + std::string_view(words).size(), nullptr, 10));
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

struct TemporaryDirectory {
  std::filesystem::path path;
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "netpolc-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) fail("making a directory for a policy's object", errno);
    path = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

KernelObject::KernelObject(std::string_view bytes, const LoadOptions& options) {
  libbpf_set_print(nullptr);
  bpf_object_open_opts open{};
  open.sz = sizeof open;
  open.object_name = "netpolc_bench";
  object_ = bpf_object__open_mem(bytes.data(), bytes.size(), &open);
  if (object_ == nullptr) fail("opening a benchmark's object", errno);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_) {
    const std::string name = bpf_map__name(map);
    bpf_map__set_pin_path(map, nullptr);
    if (const auto size = options.max_entries.find(name); size != options.max_entries.end()) bpf_map__set_max_entries(map, size->second);
    if (const auto found = options.reuse.find(name); found != options.reuse.end() && bpf_map__reuse_fd(map, found->second) != 0)
      fail("sharing map " + name, errno);
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    const std::string name = bpf_program__name(program);
    bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS);
    if (!options.only.empty()) bpf_program__set_autoload(program, std::find(options.only.begin(), options.only.end(), name) != options.only.end());
    auto& log = logs_[name];
    log.resize(kLogSize);
    bpf_program__set_log_buf(program, log.data(), log.size());
    if (options.statistics) bpf_program__set_log_level(program, kLogStatistics);
  }
  if (const int error = -bpf_object__load(object_); error != 0) {
    std::string said;
    for (const auto& [name, log] : logs_) {
      const std::string text(log.data());
      if (!text.empty()) said += "\n" + name + ":\n" + text.substr(text.size() > 1500 ? text.size() - 1500 : 0);
    }
    bpf_object__close(object_);
    fail("the kernel refuses a benchmark's object" + said, error);
  }
}

KernelObject::~KernelObject() { bpf_object__close(object_); }

int KernelObject::program(const char* name) const {
  const bpf_program* program = bpf_object__find_program_by_name(object_, name);
  if (program == nullptr || bpf_program__fd(program) < 0) throw std::runtime_error(std::string("no program ") + name);
  return bpf_program__fd(program);
}

int KernelObject::map(const char* name) const {
  const int fd = bpf_object__find_map_fd_by_name(object_, name);
  if (fd < 0) throw std::runtime_error(std::string("no map ") + name);
  return fd;
}

std::vector<ProgramCost> KernelObject::costs() const {
  std::vector<ProgramCost> out;
  for (const auto& [name, log] : logs_) {
    const bpf_program* program = bpf_object__find_program_by_name(object_, name.c_str());
    if (bpf_program__fd(program) < 0) continue;
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) != 0) fail("asking about program " + name, errno);
    const std::string text(log.data());
    out.push_back({name, info.xlated_prog_len / 8, info.jited_prog_len, info.verified_insns, number_after(text, "verification time ")});
  }
  return out;
}

void put_bytes(int map, const void* key, const void* value) {
  if (bpf_map_update_elem(map, key, value, BPF_ANY) != 0) fail("writing to a benchmark's map", errno);
}

std::uint64_t memory_of(int fd) {
  std::ifstream in("/proc/self/fdinfo/" + std::to_string(fd));
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("memlock:")) return std::strtoull(line.c_str() + 8, nullptr, 10);
  return 0;
}

Ring::Ring(int map) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  consumer_ = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
  producer_ = mmap(nullptr, page, PROT_READ, MAP_SHARED, map, static_cast<off_t>(page));
  if (consumer_ == MAP_FAILED || producer_ == MAP_FAILED) fail("mapping a ring buffer", errno);
}

Ring::~Ring() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  munmap(consumer_, page);
  munmap(producer_, page);
}

std::uint64_t Ring::drain() {
  std::atomic_ref<std::uint64_t> consumer(*static_cast<std::uint64_t*>(consumer_));
  const std::uint64_t written = std::atomic_ref<std::uint64_t>(*static_cast<std::uint64_t*>(producer_)).load();
  const std::uint64_t waiting = written - consumer.load();
  consumer.store(written);
  return waiting;
}

std::string link_policy(const std::string& policy_c, std::string_view with) {
  const TemporaryDirectory directory;
  const auto at = [&](const char* name) { return (directory.path / name).string(); };
  std::filesystem::create_directory(directory.path / "include");
  for (const auto& file : codegen_bpf::runtime_files()) write_file(directory.path / "include" / file.name, file.text);
  write_file(at("policy.c"), policy_c);
  write_file(at("with.o"), with);
  const std::string command = std::string("cd '") + directory.path.string() + "' && " NETPOLC_BPF_CLANG " -target bpf -mcpu=v3 -O2 -g -I include -c policy.c -o policy.o";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("compiling a policy with " NETPOLC_BPF_CLANG " failed");
  bpf_linker_opts options{};
  options.sz = sizeof options;
  bpf_linker* linker = bpf_linker__new(at("linked.o").c_str(), &options);
  const bool linked = linker != nullptr && bpf_linker__add_file(linker, at("with.o").c_str(), nullptr) == 0 &&
                      bpf_linker__add_file(linker, at("policy.o").c_str(), nullptr) == 0 && bpf_linker__finalize(linker) == 0;
  bpf_linker__free(linker);
  if (!linked) throw std::runtime_error("linking a policy with the benchmark's program failed");
  std::ostringstream out;
  out << std::ifstream(at("linked.o"), std::ios::binary).rdbuf();
  return out.str();
}

}  // namespace netpolc::datapath_bench
