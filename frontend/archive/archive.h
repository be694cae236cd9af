// frontend/archive/archive.h — files in a zip or tar archive, such as a Cilium sysdump: this folder alone knows libarchive. Nothing
// is ever unpacked to disk. An archive is read whole or not at all: one that is damaged, encrypted or too large, or has names that lead
// outside of it, is refused with the reason.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ir/base/diagnostics.h"

namespace netpolc::frontend {

// By its name: .zip, .tar, .tar.gz, .tgz, .tar.xz, .tar.zst.
bool is_archive(const std::string& path);

struct Member {
  std::string name;  // within the archive, "cilium-sysdump/k8s-pods-20260504.yaml"
  std::string text;
};
struct ArchiveLimits {
  std::size_t members = 200000;                // of any kind
  std::uint64_t bytes = std::uint64_t{4} << 30;  // of all that are wanted, unpacked
  std::uint64_t member = std::uint64_t{1} << 30; // of one: places are 32-bit offsets
};

// Regular files whose names are wanted, by name. Of two with one name the later counts.
Result<std::vector<Member>> read_archive(const std::string& path, const std::function<bool(const std::string&)>& wanted, const ArchiveLimits& limits = {});

}  // namespace netpolc::frontend
