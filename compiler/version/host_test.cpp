#include "compiler/version/host.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace netpolc::compiler;
namespace fs = std::filesystem;

namespace {

// A machine's files, gone at the end.
struct Machine {
  fs::path root;
  Machine() {
    std::string name = (fs::temp_directory_path() / "netpolc-host-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root = name;
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() { fs::remove_all(root); }
  void file(const char* path, const std::string& text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path, std::ios::binary) << text;
  }
};

}  // namespace

TEST_CASE("a kernel with tcx has it among the names of its types") {
  const Machine machine;
  machine.file("proc/sys/kernel/osrelease", "6.6.13-amd64\n");
  machine.file("proc/self/mounts", "sysfs /sys sysfs rw 0 0\nbpf /sys/fs/bpf bpf rw,mode=700 0 0\nbpf /run/b bpf rw 0 0\n");
  machine.file("sys/kernel/btf/vmlinux", std::string("\0tcx_link\0tcx_entry\0int", 23));
  const HostFeatures host = host_features(machine.root.string());
  CHECK(to_text(host) == "Linux 6.6.13-amd64: bpffs on /sys/fs/bpf, BTF, tcx");
  CHECK(to_json(host).dump() == R"({"kernel":"6.6.13-amd64","bpffs":"/sys/fs/bpf","btf":true,"tcx":true})");
}

TEST_CASE("an older kernel has none, though a name may begin so") {
  const Machine machine;
  machine.file("proc/sys/kernel/osrelease", "6.1.0\n");
  machine.file("proc/self/mounts", "bpf /sys/fs/bpf tmpfs rw 0 0\n");
  machine.file("sys/kernel/btf/vmlinux", std::string("\0tcx_entry_point\0a_tcx_entry\0", 29));
  CHECK(to_text(host_features(machine.root.string())) == "Linux 6.1.0: no bpffs, BTF, no tcx");
}

TEST_CASE("where nothing can be read nothing is claimed") {
  const Machine machine;
  const HostFeatures host = host_features(machine.root.string());
  CHECK(to_text(host) == "kernel not known: no bpffs, no BTF, tcx not known");
  CHECK(to_json(host).dump() == R"({"kernel":null,"bpffs":null,"btf":false,"tcx":null})");
}
