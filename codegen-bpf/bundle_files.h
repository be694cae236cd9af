// codegen-bpf/bundle_files.h — a bundle as files: written as a whole, read back with every checksum compared, and
// certificates added to it (docs/bundle.md).
#pragma once
#include <map>
#include <string>

#include "ir/base/diagnostics.h"

namespace netpolc::codegen_bpf {

// Content by path in the bundle; bundle.json is one of them.
using BundleFiles = std::map<std::string, std::string>;

inline constexpr const char* kManifestPath = "bundle.json";

// Only a bundle, or an empty directory, is ours to replace.
Result<void> check_replaceable(const std::string& directory);
// Readers see the old bundle or the new one, whatever happens.
Result<void> write_bundle(const std::string& directory, const BundleFiles& files);

// All that bundle.json lists, and itself; fails where something is missing, was changed, or would be outside of it.
Result<BundleFiles> read_bundle(const std::string& directory);

// Puts a certificate for each program, by the program's digest (that for external devices: ir::kOutsideProgram), into proofs/, in place of all that was there, and returns
// bundle.json's new digest. Every program must have one. The same bundle and certificates give the same bytes,
// whether there were others before or none.
Result<std::string> add_certificates(BundleFiles& files, const std::map<std::string, std::string>& by_program);

}  // namespace netpolc::codegen_bpf
