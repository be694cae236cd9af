// frontend/ignored.h — which files below a named directory are passed over, by globs as in .gitignore: the last one that fits decides,
// `!` takes back, `/` at the end means directories, `**` any number of them, and a glob without another `/` fits at any depth. What is
// in a directory that is passed over cannot be taken back.
//
// Paths and globs are compared as absolute ones, without looking at the disk.
#pragma once
#include <string>
#include <vector>

namespace netpolc::frontend {

// A glob of a file in `directory`, as an absolute one. A leading `/` means that directory.
std::string rooted_glob(const std::string& glob, const std::string& directory);

class IgnoreRules {
 public:
  IgnoreRules() = default;
  // What is not absolute is relative to the working directory.
  explicit IgnoreRules(const std::vector<std::string>& globs);
  bool skips(const std::string& path, bool is_directory) const;

 private:
  struct Rule {
    std::vector<std::string> parts;
    bool takes_back = false, directories_only = false;
  };
  std::vector<Rule> rules_;
};

}  // namespace netpolc::frontend
