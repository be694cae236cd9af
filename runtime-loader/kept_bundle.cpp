#include "runtime-loader/kept_bundle.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <optional>
#include <system_error>
#include <vector>

#include "runtime-loader/files.h"

namespace netpolc::loader {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kManifestLimit = 1u << 30;

std::vector<std::string> objects_of(const Bundle& bundle) {
  std::vector<std::string> out;
  for (const BundleProgram& program : bundle.programs) out.push_back(program.object);
  if (!bundle.xdp.object.empty()) out.push_back(bundle.xdp.object);
  return out;
}

// bundle.json is written last, so where it is the rest is.
bool is_whole(const std::string& path, const Bundle& bundle) {
  const auto manifest = read_file(path + "/bundle.json", kManifestLimit);
  if (!manifest || *manifest != bundle.manifest) return false;
  const std::vector<std::string> objects = objects_of(bundle);
  return std::all_of(objects.begin(), objects.end(), [&](const std::string& object) { return bool(read_checked(path, bundle, object)); });
}

// `name` was checked to lead nowhere else when the bundle was read.
Done keep_file(const std::string& path, const std::string& name, const std::string& bytes) {
  const std::string file = path + "/" + name;
  std::error_code error;
  fs::create_directories(fs::path(file).parent_path(), error);
  if (error) return refused("creating " + fs::path(file).parent_path().string() + ": " + error.message());
  return write_file(file, bytes);
}

}  // namespace

Done keep_bundle(const Installation& site, const Bundle& bundle, const std::string& directory) {
  const std::string path = site.bundle_path(bundle.digest);
  if (is_whole(path, bundle)) return {};
  for (const std::string& object : objects_of(bundle)) {
    const auto bytes = read_checked(directory, bundle, object);
    if (!bytes) return tl::make_unexpected(bytes.error());
    if (const Done done = keep_file(path, object, *bytes); !done) return done;
  }
  return keep_file(path, "bundle.json", bundle.manifest);
}

namespace {

// The last one that was read: a daemon asks for the same with every pod. It is the same as long as the file is.
struct Remembered {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec changed{};
  std::optional<Bundle> bundle;

  bool is(const std::string& wanted, const struct stat& info) const {
    return bundle && path == wanted && device == info.st_dev && inode == info.st_ino && size == info.st_size && changed.tv_sec == info.st_ctim.tv_sec &&
           changed.tv_nsec == info.st_ctim.tv_nsec;
  }
};
std::mutex remembered_guard;
Remembered remembered;

}  // namespace

Result<Bundle> kept_manifest(const Installation& site, const std::string& digest) {
  const std::string path = site.bundle_path(digest) + "/bundle.json";
  struct stat info {};
  const bool known = stat(path.c_str(), &info) == 0;
  const std::scoped_lock lock(remembered_guard);
  if (known && remembered.is(path, info)) return *remembered.bundle;
  const auto text = read_file(path, kManifestLimit);
  if (!text) return tl::make_unexpected(text.error());
  auto bundle = read_manifest(*text, path);
  if (bundle && bundle->digest != digest) return bad_input(path + ": is of another bundle");
  if (bundle && known) remembered = {path, info.st_dev, info.st_ino, info.st_size, info.st_ctim, *bundle};
  return bundle;
}

Result<std::string> kept_object(const Installation& site, const Bundle& bundle, const std::string& path) {
  return read_checked(site.bundle_path(bundle.digest), bundle, path);
}

void forget_other_bundles(const Installation& site, const std::set<std::string>& digests) {
  std::error_code ignored;
  for (const std::string& name : site.kept_bundles())
    if (!digests.contains(name)) fs::remove_all(site.state_directory() + "/bundles/" + name, ignored);
}

}  // namespace netpolc::loader
