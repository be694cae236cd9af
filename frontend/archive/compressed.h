// frontend/archive/compressed.h — one compressed file, such as `kubectl get … -o json | gzip`, as text. Like an archive it is read
// whole or not at all: one that is damaged, cut short, larger than the limit or not compressed as its name says is refused with the
// reason. Nothing is written to disk.
#pragma once
#include <string>

#include "frontend/archive/archive.h"

namespace netpolc::frontend {

// By its name: .gz, .zst or .xz, and no archive.
bool is_compressed(const std::string& path);
// "pods.json" of "pods.json.gz"; precondition: is_compressed().
std::string uncompressed_name(const std::string& path);

// `limits.member` bounds the text. gzip's checksum is compared, and those that zstd and xz have.
Result<std::string> read_compressed(const std::string& path, const ArchiveLimits& limits = {});

}  // namespace netpolc::frontend
