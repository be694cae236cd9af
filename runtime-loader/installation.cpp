#include "runtime-loader/installation.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "runtime-loader/interrupt.h"
#include "runtime-loader/privileges.h"
#include "runtime-loader/sha256.h"

namespace netpolc::loader {
namespace {

namespace fs = std::filesystem;

constexpr std::array kParts = {"/links", "/generations", "/programs", "/rules", "/maps"};
constexpr std::array kGenerationParts = {"/programs", "/peers", "/maps"};

// A file system that can't be asked is no reason to mount another one over it.
Result<bool> lies_in_bpffs(const std::string& root) {
  std::error_code error;
  fs::path existing = root;
  while (!existing.empty() && existing != existing.parent_path() && !fs::exists(existing, error)) {
    if (error) return refused("looking for " + existing.string() + ": " + error.message());
    existing = existing.parent_path();
  }
  struct statfs info {};
  if (statfs(existing.c_str(), &info) != 0) return refused("asking for the file system of " + existing.string(), errno);
  return info.f_type == BPF_FS_MAGIC;
}

// Under /sys/fs/bpf the usual place is mounted, as systemd does it; elsewhere the root itself,
// and `mark` says that the mount is ours.
Done ensure_bpffs(const std::string& root, const std::string& mark) {
  const auto there = lies_in_bpffs(root);
  if (!there) return tl::make_unexpected(there.error());
  if (*there) return {};
  std::error_code error;
  const bool usual = root == "/sys/fs/bpf" || root.starts_with("/sys/fs/bpf/");
  const std::string mount_point = usual ? "/sys/fs/bpf" : root;
  if (!usual) fs::create_directories(root, error);
  const AsAdmin admin;
  if (mount("bpffs", mount_point.c_str(), "bpf", 0, "mode=0700") != 0) {
    const int why = errno;
    return refused("mounting bpffs on " + mount_point + ": " + std::generic_category().message(why) + (why == EPERM ? lacks_admin() : ""));
  }
  if (!usual) Fd{::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  return {};
}

std::string default_state(const std::string& root) { return "/run/netpolc/" + sha256_hex(root).substr(0, 16); }

// One spelling for one root, since the state's place depends on it.
std::string canonical(const std::string& root) {
  std::error_code error;
  const fs::path path = fs::weakly_canonical(root, error);
  std::string text = error ? root : path.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// The kernel's own programs that show maps and programs, in every bpffs that it has mounted.
bool is_the_kernels(const std::string& name) { return name == "maps.debug" || name == "progs.debug"; }

}  // namespace

// Who unloads takes the lock's file away while others wait for it: then theirs is worth nothing.
Done Installation::take_lock() {
  const std::string path = state_ + "/lock";
  while (true) {
    std::error_code error;
    fs::create_directories(state_, error);
    if (error) return refused("creating " + state_ + ": " + error.message());
    lock_ = Fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock_) return refused("locking " + path, errno);
    int failed = 0;
    do failed = flock(lock_.get(), LOCK_EX); while (failed != 0 && errno == EINTR && !interrupted());
    if (failed != 0) return refused("locking " + path, errno);
    struct stat ours {
    }, current{};
    if (fstat(lock_.get(), &ours) == 0 && stat(path.c_str(), &current) == 0 && ours.st_ino == current.st_ino &&
        ours.st_dev == current.st_dev)
      return {};
  }
}

bool Installation::is_locked() const {
  const Fd lock{::open((state_ + "/lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  return lock && flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Installation Installation::at(const std::string& root, const std::string& state) {
  Installation it;
  it.root_ = canonical(root);
  it.state_ = state.empty() ? default_state(it.root_) : state;
  return it;
}

bool Installation::has_bpffs() const { return lies_in_bpffs(root_).value_or(false); }

Result<Installation> Installation::open(const std::string& root, const std::string& state) {
  Installation it = at(root, state);
  if (const Done done = it.take_lock(); !done) return tl::make_unexpected(done.error());
  if (const Done done = ensure_bpffs(it.root_, it.state_ + "/mounted"); !done) return tl::make_unexpected(done.error());
  std::error_code error;
  for (const char* part : kParts) {
    fs::create_directories(it.root_ + part, error);
    if (error) return refused("creating " + it.root_ + part + ": " + error.message());
  }
  return it;
}

Result<Installation> Installation::find(const std::string& root, const std::string& state) {
  Installation it = at(root, state);
  std::error_code error;
  if (!fs::exists(it.state_path(), error)) return bad_input("nothing is loaded under " + it.root_);
  return it;
}

std::vector<std::string> Installation::pinned_links() const { return names_in(root_ + "/links"); }
std::vector<std::string> Installation::pinned_rules() const { return names_in(root_ + "/rules"); }
std::vector<std::string> Installation::kept_bundles() const { return names_in(state_ + "/bundles"); }

std::vector<std::string> Installation::pinned_programs(std::uint64_t generation) const {
  std::vector<std::string> out;
  for (const std::string& name : names_in(generation_path(generation) + "/programs"))
    if (name.size() > 64 && (out.empty() || out.back() != name.substr(0, 64))) out.push_back(name.substr(0, 64));
  return out;
}

std::vector<std::uint64_t> Installation::generations() const {
  std::vector<std::uint64_t> out;
  for (const std::string& name : names_in(root_ + "/generations")) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) out.push_back(number);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Done Installation::make_generation(std::uint64_t generation) const {
  for (const char* part : kGenerationParts) {
    std::error_code error;
    fs::create_directories(generation_path(generation) + part, error);
    if (error) return refused("creating " + generation_path(generation) + part + ": " + error.message());
  }
  return {};
}

void Installation::remove_generation(std::uint64_t generation) const {
  const std::string path = generation_path(generation);
  std::error_code ignored;
  for (const char* part : kGenerationParts) {
    for (const std::string& name : names_in(path + part)) unpin(path + part + "/" + name);
    fs::remove(path + part, ignored);
  }
  fs::remove(path, ignored);
}

Done Installation::remove_all() const {
  // First: pins that no state names are cleaned up by whoever comes; a state without its pins can't be followed.
  unlink(state_path().c_str());
  for (const std::uint64_t generation : generations()) remove_generation(generation);
  for (const char* part : kParts)
    for (const std::string& name : names_in(root_ + part)) unpin(root_ + part + "/" + name);
  for (const std::string& name : names_in(state_))
    if ((name.ends_with(".json") && name != "daemon.json") || name.ends_with(".json.new")) unlink((state_ + "/" + name).c_str());
  std::error_code ignored;
  fs::remove_all(state_ + "/bundles", ignored);
  remove_if_unused();
  return {};
}

void Installation::remove_if_unused() const {
  std::error_code error;
  for (const char* part : kParts)
    fs::remove(root_ + part, error);  // fails where something is in it
  const std::string mark = state_ + "/mounted";
  const auto left = names_in(root_);
  const AsAdmin admin;
  if (fs::exists(mark, error) && std::all_of(left.begin(), left.end(), is_the_kernels) && umount2(root_.c_str(), MNT_DETACH) == 0)
    fs::remove(mark, error);
  fs::remove(root_, error);
  if (fs::exists(state_path(), error)) return;
  for (const char* file : {"/bundles", "/monitor.lock", "/expedited", "/lock"}) fs::remove(state_ + file, error);
  fs::remove(state_, error);
}

Fd open_pinned(const std::string& path) { return Fd{bpf_obj_get(path.c_str())}; }

Result<Fd> open_if_pinned(const std::string& path) {
  Fd fd = open_pinned(path);
  if (!fd && errno != ENOENT) return refused("opening " + path, errno);
  return fd;
}

Done pin(int fd, const std::string& path) {
  if (bpf_obj_pin(fd, path.c_str()) != 0) return refused("pinning " + path, errno);
  return {};
}

Done pin_over(int fd, const std::string& path) {
  const std::string next = path + "_next";
  unlink(next.c_str());
  if (const Done done = pin(fd, next); !done) return done;
  if (rename(next.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(next.c_str());
    return refused("renaming " + next, error);
  }
  return {};
}

void finish_pin(const std::string& path) {
  const std::string next = path + "_next";
  if (access(path.c_str(), F_OK) != 0 && access(next.c_str(), F_OK) == 0) (void)rename(next.c_str(), path.c_str());
}

void unpin(const std::string& path) { unlink(path.c_str()); }

}  // namespace netpolc::loader
