// codegen-bpf/cache.h — objects of former runs, and what was found out about them, in a directory. What is found
// there is what doing it again would give, or it is not found.
#pragma once
#include <optional>
#include <string>

#include "codegen-bpf/codegen.h"

namespace netpolc::codegen_bpf {

// An entry's name says what its object was made of: the C, the runtime, how they were translated
// and by which versions. Its content is checked against a SHA-256 beside it; what doesn't fit is
// as good as missing, and replaced. That finds damage, not malice: so a directory that others may
// write to is refused.
//
// Thread-safe; processes may share a directory. Nothing is ever removed: delete the directory to
// make room.
class ObjectCache {
 public:
  // Makes the directory, for its owner alone, if there is none.
  static Result<ObjectCache> open(const std::string& directory);

  std::optional<Object> find(const Emitted& emitted) const;
  // A full disk is no reason to fail: then there is no entry.
  void keep(const Emitted& emitted, const Object& object) const;

  // Anything else. `name` is a SHA-256 in hexadecimal digits, of all that the content follows from.
  std::optional<std::string> find(const std::string& name) const;
  void keep(const std::string& name, const std::string& content) const;

  std::string path_of(const Emitted& emitted) const;

 private:
  std::string path_of(const std::string& name) const { return directory_ + "/" + name.substr(0, 2) + "/" + name; }
  explicit ObjectCache(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
};

}  // namespace netpolc::codegen_bpf
