#include "tools/bench/forwarding/objects.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

namespace netpolc::forwarding_bench {
namespace {

unsigned long long charged(int fd) {
  std::ifstream in("/proc/self/fdinfo/" + std::to_string(fd));
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("memlock:")) return std::strtoull(line.c_str() + 8, nullptr, 10);
  return 0;
}

template <class Info>
void print_all(const char* kind, int (*next)(unsigned, unsigned*), int (*open)(unsigned)) {
  unsigned id = 0;
  while (next(id, &id) == 0) {
    const int fd = open(id);
    if (fd < 0) continue;  // gone meanwhile
    Info info{};
    unsigned length = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) throw std::runtime_error(std::string("asking about a ") + kind + ": " + std::strerror(errno));
    std::printf("%s %u %s %llu\n", kind, id, info.name[0] == 0 ? "-" : info.name, charged(fd));
    close(fd);
  }
  if (errno != ENOENT) throw std::runtime_error(std::string("listing each ") + kind + ": " + std::strerror(errno));
}

}  // namespace

int print_objects() {
  print_all<bpf_prog_info>("prog", bpf_prog_get_next_id, bpf_prog_get_fd_by_id);
  print_all<bpf_map_info>("map", bpf_map_get_next_id, bpf_map_get_fd_by_id);
  return 0;
}

}  // namespace netpolc::forwarding_bench
