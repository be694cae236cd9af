// One object of two: the runtime's, translated when netpolc was built, and a policy's. libbpf's
// static linker joins code, maps, BTF and line information as it does for any BPF program; it
// knows files by name only, so these are files in memory.
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "codegen-bpf/clang/combine.h"

namespace netpolc::codegen_bpf {
namespace {

tl::unexpected<Failure> failed(const std::string& what, int error) {
  return tl::make_unexpected(Failure{"compiling a policy: " + what + ": " + std::strerror(error)});
}

class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(memfd_create(name, MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  bool usable() const { return descriptor_ >= 0; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  bool read(std::string& out) const {
    struct stat status {};
    if (fstat(descriptor_, &status) != 0) return false;
    out.resize(static_cast<std::size_t>(status.st_size));
    for (std::size_t have = 0; have < out.size();) {
      const ssize_t got = pread(descriptor_, out.data() + have, out.size() - have, static_cast<off_t>(have));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      have += static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  int descriptor_;
};

struct FreeLinker {
  void operator()(bpf_linker* linker) const { bpf_linker__free(linker); }
};

}  // namespace

Result<std::string> combine(std::string_view runtime, std::string_view policy) {
  MemoryFile first("runtime"), second("policy"), output("program");
  if (!first.usable() || !second.usable() || !output.usable()) return failed("making files in memory", errno);
  if (!first.write(runtime) || !second.write(policy)) return failed("filling files in memory", errno);
  const std::unique_ptr<bpf_linker, FreeLinker> linker(bpf_linker__new(output.path().c_str(), nullptr));
  if (!linker) return failed("starting libbpf's linker (is /proc mounted?)", errno);
  for (const MemoryFile* file : {&first, &second})
    if (const int error = bpf_linker__add_file(linker.get(), file->path().c_str(), nullptr); error != 0)
      return failed(file == &first ? "libbpf's linker refuses the runtime" : "libbpf's linker refuses the policy", error < 0 ? -error : error);
  if (const int error = bpf_linker__finalize(linker.get()); error != 0) return failed("policy and runtime don't link", error < 0 ? -error : error);
  std::string bytes;
  if (!output.read(bytes)) return failed("reading what was linked", errno);
  return bytes;
}

}  // namespace netpolc::codegen_bpf
