#include "compiler/git/commits.h"

#include <git2.h>

#include <algorithm>
#include <filesystem>

namespace netpolc::compiler {
namespace {

namespace fs = std::filesystem;

constexpr git_object_size_t kLargest = git_object_size_t{1} << 30;  // as for files: places are 32-bit offsets
constexpr int kMostLinks = 16;                                      // one after the other, as many as a kernel would say are too many

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const { Free(object); }
};
template <typename T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;
using Repository = Owned<git_repository, git_repository_free>;
using Object = Owned<git_object, git_object_free>;
using Tree = Owned<git_tree, git_tree_free>;
using Blob = Owned<git_blob, git_blob_free>;
using Entry = Owned<git_tree_entry, git_tree_entry_free>;

// Library-wide, once.
void start() {
  static const bool started = [] {
    git_libgit2_init();
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);  // nothing of the repository is run
    return true;
  }();
  static_cast<void>(started);
}

std::string last_error() {
  const git_error* error = git_error_last();
  return error != nullptr && error->message != nullptr ? error->message : "unknown error of libgit2";
}

std::string text_of(const git_oid& id) {
  std::string out(GIT_OID_HEXSZ, '0');
  git_oid_fmt(out.data(), &id);
  return out;
}

fs::path canonical(const std::string& path) {
  std::error_code error;
  fs::path out = fs::weakly_canonical(fs::absolute(path, error), error);
  if (!out.has_filename()) out = out.parent_path();  // "dir/"
  return out;
}

bool leaves(const fs::path& relative) { return relative.empty() || relative.is_absolute() || *relative.begin() == ".."; }

// A file of a tree: where its text is, and the name that it is shown by.
struct Found {
  std::string shown;
  git_oid blob;
};

}  // namespace

struct GitRepository::Handle {
  Repository repository;
  fs::path top;  // canonical; of a bare repository the working directory

  // Relative to the top; "." is the top itself.
  fs::path inside(const std::string& path) const { return canonical(path).lexically_relative(top); }

  Tree tree(const CommitId& commit) const {
    git_oid id;
    git_object* found = nullptr;
    git_tree* out = nullptr;
    if (git_oid_fromstr(&id, commit.c_str()) != 0 || git_object_lookup(&found, repository.get(), &id, GIT_OBJECT_COMMIT) != 0) return nullptr;
    const Object owned(found);
    git_object* peeled = nullptr;
    if (git_object_peel(&peeled, found, GIT_OBJECT_TREE) == 0) out = reinterpret_cast<git_tree*>(peeled);
    return Tree(out);
  }

  tl::expected<CommitId, std::string> commit(const std::string& name) const {
    git_object* found = nullptr;
    if (git_revparse_single(&found, repository.get(), name.c_str()) != 0)
      return tl::unexpected("`" + name + "` is no commit of this repository" + shallow_hint());
    const Object owned(found);
    git_object* peeled = nullptr;
    if (git_object_peel(&peeled, found, GIT_OBJECT_COMMIT) != 0) return tl::unexpected("`" + name + "` is no commit, nor does it name one");
    const Object commit(peeled);
    return text_of(*git_object_id(peeled));
  }

  std::string shallow_hint() const {
    return git_repository_is_shallow(repository.get()) == 1 ? ", which is a shallow clone: fetch more of it (fetch-depth: 0 in GitHub's checkout)" : "";
  }
};

namespace {

// Everything that read_inputs would take below one path.
class Walk {
 public:
  Walk(git_repository* repository, git_tree* top, const frontend::IgnoreRules& ignored, DiagSink& sink) : repository_(repository), top_(top), ignored_(ignored), sink_(sink) {}

  std::vector<Found> files(const fs::path& inside, const std::string& named) {
    if (inside == ".") {
      below(top_, "", named);
    } else if (const Entry entry = at(inside)) {
      add(entry.get(), inside, named, true);
    }
    std::sort(out_.begin(), out_.end(), [](const Found& a, const Found& b) { return a.shown < b.shown; });
    return std::move(out_);
  }

  Entry at(const fs::path& inside) const {
    git_tree_entry* out = nullptr;
    return Entry(git_tree_entry_bypath(&out, top_, inside.generic_string().c_str()) == 0 ? out : nullptr);
  }

 private:
  void unreadable(const std::string& shown, const std::string& why) {
    sink_.error({.kind = DiagKind::FileUnreadable, .where = std::nullopt, .message = "`" + shown + "` cannot be read from the commit: " + why});
  }

  void below(const git_tree* tree, const fs::path& inside, const std::string& shown) {
    for (std::size_t i = 0; i < git_tree_entrycount(tree); ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(tree, i);
      const std::string name = git_tree_entry_name(entry);
      add(entry, inside / name, (fs::path(shown) / name).string(), false);
    }
  }

  void add(const git_tree_entry* entry, const fs::path& inside, const std::string& shown, bool named) {
    const git_filemode_t mode = git_tree_entry_filemode(entry);
    if (!named && ignored_.skips(shown, mode == GIT_FILEMODE_TREE)) return;
    if (mode == GIT_FILEMODE_TREE) {
      git_tree* tree = nullptr;
      if (git_tree_lookup(&tree, repository_, git_tree_entry_id(entry)) != 0) return unreadable(shown, last_error());
      const Tree owned(tree);
      return below(tree, inside, shown);
    }
    if (mode == GIT_FILEMODE_COMMIT) return unreadable(shown, "it is a submodule, whose files are in another repository");
    if (!named && !frontend::is_manifest(shown)) return;
    if (mode != GIT_FILEMODE_LINK) {
      out_.push_back({shown, *git_tree_entry_id(entry)});
      return;
    }
    follow(entry, inside, shown, named);
  }

  // As on disk, links to files are followed, those to directories only where they are named.
  void follow(const git_tree_entry* entry, const fs::path& inside, const std::string& shown, bool named) {
    git_blob* blob = nullptr;
    if (git_blob_lookup(&blob, repository_, git_tree_entry_id(entry)) != 0) return unreadable(shown, last_error());
    const Blob owned(blob);
    const fs::path target(std::string(static_cast<const char*>(git_blob_rawcontent(blob)), static_cast<std::size_t>(git_blob_rawsize(blob))));
    const fs::path where = (inside.parent_path() / target).lexically_normal();
    if (target.is_absolute() || leaves(where)) return unreadable(shown, "it is a link to something outside of the repository");
    const Entry next = at(where);
    if (next == nullptr) return unreadable(shown, "it is a link to something that is not in it");
    if (!named && git_tree_entry_type(next.get()) != GIT_OBJECT_BLOB) return;
    if (++links_ > kMostLinks) return unreadable(shown, "too many links lead from one to the next");
    add(next.get(), where, shown, named);
    --links_;
  }

  git_repository* repository_;
  git_tree* top_;
  const frontend::IgnoreRules& ignored_;
  DiagSink& sink_;
  std::vector<Found> out_;
  int links_ = 0;
};

bool in_lfs(std::string_view text) { return text.starts_with("version https://git-lfs.github.com/spec/"); }

}  // namespace

GitRepository::GitRepository(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
GitRepository::~GitRepository() = default;
GitRepository::GitRepository(GitRepository&&) noexcept = default;
GitRepository& GitRepository::operator=(GitRepository&&) noexcept = default;

tl::expected<GitRepository, std::string> GitRepository::open(const std::string& path) {
  start();
  std::error_code error;
  fs::path from = canonical(path);
  while (!fs::is_directory(from, error) && from.has_relative_path()) from = from.parent_path();
  git_repository* found = nullptr;
  const int code = git_repository_open_ext(&found, from.c_str(), 0, nullptr);
  if (code == GIT_ENOTFOUND) return tl::unexpected("`" + path + "` is in no git repository");
  if (code != 0) return tl::unexpected("the git repository of `" + path + "` cannot be opened: " + last_error());
  auto handle = std::make_unique<Handle>();
  handle->repository.reset(found);
  const char* top = git_repository_workdir(found);
  handle->top = canonical(top != nullptr ? top : ".");
  return GitRepository(std::move(handle));
}

tl::expected<GitRange, std::string> GitRepository::range(const std::string& text) const {
  const std::size_t dots = text.find("..");
  const auto name = [](const std::string& given) { return given.empty() ? std::string("HEAD") : given; };
  const auto before = handle_->commit(name(text.substr(0, dots)));
  if (!before) return tl::unexpected(before.error());
  if (dots == std::string::npos) return GitRange{*before, std::nullopt};
  const bool from_fork = text.compare(dots, 3, "...") == 0;
  const auto after = handle_->commit(name(text.substr(dots + (from_fork ? 3 : 2))));
  if (!after) return tl::unexpected(after.error());
  if (!from_fork) return GitRange{*before, *after};
  git_oid one, other, base;
  git_oid_fromstr(&one, before->c_str());
  git_oid_fromstr(&other, after->c_str());
  if (git_merge_base(&base, handle_->repository.get(), &one, &other) != 0)
    return tl::unexpected("the two ends of `" + text + "` have no commit in common" + (handle_->shallow_hint().empty() ? "" : " in this repository" + handle_->shallow_hint()));
  return GitRange{text_of(base), *after};
}

std::string GitRepository::outside(const std::string& path) const {
  return leaves(handle_->inside(path)) ? "`" + path + "` is outside of the repository at " + handle_->top.string() : "";
}

bool GitRepository::has(const CommitId& commit, const std::string& path) const {
  const Tree tree = handle_->tree(commit);
  if (tree == nullptr) return false;
  DiagSink unused;
  const fs::path inside = handle_->inside(path);
  return inside == "." || Walk(handle_->repository.get(), tree.get(), {}, unused).at(inside) != nullptr;
}

std::vector<frontend::Input> GitRepository::read(const CommitId& commit, const std::vector<std::string>& paths, const frontend::IgnoreRules& ignored, SourceManager& sources, DiagSink& sink) const {
  std::vector<frontend::Input> out;
  const Tree tree = handle_->tree(commit);
  const auto unreadable = [&](const std::string& path, const std::string& why, DiagKind kind = DiagKind::FileUnreadable) {
    sink.error({.kind = kind, .where = std::nullopt, .message = "`" + path + "` " + why});
  };
  if (tree == nullptr) unreadable(commit, "cannot be read: " + last_error());
  for (const std::string& path : paths) {
    if (tree == nullptr) break;
    const auto found = Walk(handle_->repository.get(), tree.get(), ignored, sink).files(handle_->inside(path), path);
    for (const Found& file : found) {
      git_blob* blob = nullptr;
      if (git_blob_lookup(&blob, handle_->repository.get(), &file.blob) != 0) {
        unreadable(file.shown, "cannot be read from the commit: " + last_error());
        continue;
      }
      const Blob owned(blob);
      const std::string_view text(static_cast<const char*>(git_blob_rawcontent(blob)), static_cast<std::size_t>(git_blob_rawsize(blob)));
      if (text.size() > kLargest) unreadable(file.shown, "is larger than 1 GiB", DiagKind::InputTooLarge);
      else if (in_lfs(text)) unreadable(file.shown, "cannot be read from the commit: its text is in Git LFS");
      else out.push_back({sources.add(file.shown, std::string(text)), file.shown == path});
    }
  }
  return out;
}

}  // namespace netpolc::compiler
