// compiler/version/host.h — what of the kernel that netpolc runs on matters to the programs it makes. Only looks at files that everybody
// may read, and loads nothing: whether this user may load programs is another question (`netpol-loader` says so).
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace netpolc::compiler {

struct HostFeatures {
  std::string kernel;       // "6.6.13"; "" where that is not known
  std::string bpffs;        // where bpffs is mounted first, "" for nowhere
  bool btf = false;         // the kernel describes its types, which the loader's libbpf asks for
  std::optional<bool> tcx;  // it attaches programs with tcx (Linux 6.6), by its types; none: without those it is not known
};

// `root`: where /proc and /sys lie, "" by custom.
HostFeatures host_features(const std::string& root = "");

std::string to_text(const HostFeatures& host);  // "Linux 6.6.13: bpffs on /sys/fs/bpf, BTF, tcx"
nlohmann::ordered_json to_json(const HostFeatures& host);

}  // namespace netpolc::compiler
