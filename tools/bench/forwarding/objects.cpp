#include "tools/bench/forwarding/objects.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <vector>

namespace netpolc::forwarding_bench {
namespace {

constexpr std::size_t kMostMaps = 256;  // of a program; the kernel's limit is 64

class Object {
 public:
  Object(int fd, const std::string& what) : fd_(fd) {
    if (fd < 0) throw std::runtime_error("opening " + what + ": " + std::strerror(errno));
  }
  Object(const Object&) = delete;
  ~Object() { close(fd_); }
  template <class Info>
  Info info(Info out = {}) const {
    unsigned length = sizeof out;
    if (bpf_obj_get_info_by_fd(fd_, &out, &length) != 0) throw std::runtime_error(std::string("asking about an object: ") + std::strerror(errno));
    return out;
  }
  std::string kind() const { return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd_)).string(); }
  unsigned long long charged() const {
    std::ifstream in("/proc/self/fdinfo/" + std::to_string(fd_));
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("memlock:")) return std::strtoull(line.c_str() + 8, nullptr, 10);
    return 0;
  }

 private:
  int fd_;
};

void print(const char* kind, unsigned id, const char* name, const Object& object) {
  std::printf("%s %u %s %llu\n", kind, id, *name == 0 ? "-" : name, object.charged());
}

}  // namespace

int print_objects(const std::string& root) {
  std::set<unsigned> programs, maps;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_directory()) continue;
    const Object pinned(bpf_obj_get(entry.path().c_str()), entry.path().string());
    if (pinned.kind().find("link") != std::string::npos) programs.insert(pinned.info<bpf_link_info>().prog_id);
    else if (pinned.kind().find("map") != std::string::npos) maps.insert(pinned.info<bpf_map_info>().id);
  }
  for (const unsigned id : programs) {
    const Object program(bpf_prog_get_fd_by_id(id), "program " + std::to_string(id));
    std::vector<std::uint32_t> uses(kMostMaps);
    bpf_prog_info asked{};
    asked.nr_map_ids = kMostMaps;
    asked.map_ids = reinterpret_cast<std::uintptr_t>(uses.data());
    const bpf_prog_info info = program.info(asked);
    maps.insert(uses.begin(), uses.begin() + info.nr_map_ids);
    print("prog", id, info.name, program);
  }
  for (const unsigned id : maps) {
    const Object map(bpf_map_get_fd_by_id(id), "map " + std::to_string(id));
    print("map", id, map.info<bpf_map_info>().name, map);
  }
  return 0;
}

}  // namespace netpolc::forwarding_bench
