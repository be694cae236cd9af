// runtime-loader/object.h — a compiled object in the kernel: opened from memory, its shared maps
// taken from the installation, the others its own. The door to libbpf's objects.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "runtime-loader/fd.h"
#include "runtime-loader/maps.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

// Maps by name that objects use instead of their own. What isn't there is created by the first
// object that is loaded, and used by those after it.
struct SharedMaps {
  std::map<std::string, Fd> by_name;
  // Sizes to create with, where the object's own don't fit.
  std::map<std::string, std::uint32_t> max_entries;
  // Of all objects: who has no row yet gets one of its own with the first object that knows it.
  PeerRows rows;
  std::uint32_t row_capacity = 0;  // of the peers maps; 0: what the first object needs, and as much again
};

bool is_shared_map(std::string_view name);

class Object {
 public:
  // `name` is for messages. `reuse`: maps of this object alone that exist already (its counters).
  // A reused map of another shape than the object declares is left alone and made anew. Several may be loaded at a
  // time, by threads, once the first has made the shared maps.
  static Result<Object> load(std::string_view bytes, const std::string& name, SharedMaps& shared,
                             const PeerBits& peers_in, const PeerBits& peers_out,
                             const std::map<std::string, int>& reuse = {});
  // The object for external devices: one program, no peers.
  static Result<Object> load_outside(std::string_view bytes, const std::string& name, SharedMaps& shared);
  // An object for pods that has no policy (blocked.h).
  static Result<Object> load_without_peers(std::string_view bytes, const std::string& name, SharedMaps& shared);
  // What is asked for by name; negative: absent.
  int program(const std::string& name) const;
  int map(const std::string& name) const;

 private:
  struct Kind;
  static Result<Object> load(std::string_view bytes, const std::string& name, SharedMaps& shared, const Kind& kind);
  // Descriptors alone: libbpf's own copy of the object is gone, and with it most of the memory.
  std::map<std::string, Fd> programs_, maps_;
};

// From now on libbpf says nothing on the terminal; what it says of an object is in the error.
void silence_libbpf();

// The end of a verifier's log with its C lines, short enough to read.
std::string verifier_excerpt(std::string_view log);

}  // namespace netpolc::loader
