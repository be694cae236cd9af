#include "compiler/version/host.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

namespace netpolc::compiler {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string out;
  std::getline(in, out);
  return out;
}

// Lines of mounts: what, where, which kind, and more. Blanks in names are written as \040, so that none are left.
std::string mounted_bpffs(const std::string& path) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string what, where, kind;
    if (words >> what >> where >> kind && kind == "bpf") return where;
  }
  return "";
}

}  // namespace

HostFeatures host_features(const std::string& root) {
  HostFeatures out;
  out.kernel = first_line(root + "/proc/sys/kernel/osrelease");
  out.bpffs = mounted_bpffs(root + "/proc/self/mounts");
  std::ifstream file(root + "/sys/kernel/btf/vmlinux", std::ios::binary);
  const std::string types{std::istreambuf_iterator<char>(file), {}};
  out.btf = !types.empty();
  // Names of types end with a zero each, and this one came with tcx.
  if (out.btf) out.tcx = types.find(std::string("\0tcx_entry", 10) + '\0') != std::string::npos;
  return out;
}

std::string to_text(const HostFeatures& host) {
  return (host.kernel.empty() ? "kernel not known" : "Linux " + host.kernel) + ": " + (host.bpffs.empty() ? "no bpffs" : "bpffs on " + host.bpffs) +
         (host.btf ? ", BTF" : ", no BTF") + (!host.tcx ? ", tcx not known" : *host.tcx ? ", tcx" : ", no tcx");
}

nlohmann::ordered_json to_json(const HostFeatures& host) {
  using Json = nlohmann::ordered_json;
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return {{"kernel", or_null(host.kernel)}, {"bpffs", or_null(host.bpffs)}, {"btf", host.btf}, {"tcx", host.tcx ? Json(*host.tcx) : Json()}};
}

}  // namespace netpolc::compiler
