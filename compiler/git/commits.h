// compiler/git/commits.h — manifests as they are in a commit, read from the repository's objects: nothing is checked out, nothing
// is written, and no hook, filter or other program of the repository is run (so that it need not be the user's own).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "frontend/discover.h"

namespace netpolc::compiler {

// 40 hexadecimal digits.
using CommitId = std::string;

// Two states of one repository. Nothing for `after`: the working tree.
struct GitRange {
  CommitId before;
  std::optional<CommitId> after;
};

class GitRepository {
 public:
  // The repository that `path` lies in; a path that is not there (any more) counts as lying in its nearest directory that is.
  static tl::expected<GitRepository, std::string> open(const std::string& path);
  ~GitRepository();
  GitRepository(GitRepository&&) noexcept;
  GitRepository& operator=(GitRepository&&) noexcept;

  // As `git diff` takes them: `A..B`, `A...B` (from where B left A), `A` (to the working tree). What is left out beside the dots
  // is HEAD. The error names the revision, and says so if it may be missing because the clone is shallow.
  tl::expected<GitRange, std::string> range(const std::string& text) const;

  // Whether the commit has a file or directory there. `path` is as for the shell: relative to the working directory.
  bool has(const CommitId& commit, const std::string& path) const;
  // An error message for a path that is outside of the repository, or "".
  std::string outside(const std::string& path) const;

  // What read_inputs would read of `paths`, were the commit checked out: the same files, by the same names, in the same order.
  // Paths that it has not are left out. Links that leave the repository, submodules and files in Git LFS are reported as not
  // readable (NP001).
  std::vector<frontend::Input> read(const CommitId& commit, const std::vector<std::string>& paths, const frontend::IgnoreRules& ignored, SourceManager& sources, DiagSink& sink) const;

 private:
  struct Handle;
  explicit GitRepository(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace netpolc::compiler
