// runtime-loader/bundle_limits.h — how much of each a bundle may have. Far more than any cluster needs (a thousand policies
// over a thousand workloads make 60 MB of bundle.json with 2.6 million values), and little enough that whoever can write
// a bundle can't take a node's memory or time with it. docs/bundle.md says them too.
#pragma once
#include <cstddef>
#include <cstdint>

namespace netpolc::loader {

inline constexpr std::size_t kManifestLimit = 256u << 20;        // bytes of bundle.json
inline constexpr std::size_t kFileLimit = 64u << 20;             // bytes of any other file
inline constexpr std::uint64_t kAllFilesLimit = 4ull << 30;      // bytes of all of them
inline constexpr std::size_t kPathLimit = 255, kPathParts = 8;   // bytes of a path, and names in it
inline constexpr std::size_t kTextBytes = 1u << 20;              // of any string in bundle.json
inline constexpr std::size_t kValues = 1u << 24;                 // numbers, strings, arrays, objects in it
inline constexpr std::size_t kDepth = 64;                        // of arrays and objects inside each other
inline constexpr std::size_t kFiles = 1u << 18, kPrograms = 1u << 16, kEndpoints = 1u << 18, kNodes = 1u << 16;
inline constexpr std::size_t kIdentities = 1u << 20, kAddresses = 1u << 21, kSelectors = 1u << 20;
inline constexpr std::size_t kRules = 1u << 16, kWords = 1u << 16;  // of a direction of a program
inline constexpr std::size_t kOutsideIdentities = 1u << 24;      // written out, of all programs

}  // namespace netpolc::loader
