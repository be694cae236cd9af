#include "runtime-loader/kept_bundle.h"

#include <filesystem>
#include <system_error>

#include "runtime-loader/files.h"

namespace netpolc::loader {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kManifestLimit = 1u << 30;

bool is_whole(const std::string& path, const Bundle& bundle) {
  const auto manifest = read_file(path + "/bundle.json", kManifestLimit);
  if (!manifest || *manifest != bundle.manifest) return false;
  std::error_code ignored;
  for (const BundleProgram& program : bundle.programs)
    if (fs::file_size(path + "/" + program.object, ignored) != program.bytes.size()) return false;
  return bundle.xdp.object.empty() || fs::file_size(path + "/" + bundle.xdp.object, ignored) == bundle.xdp.bytes.size();
}

// `object` was checked to lead nowhere else when the bundle was read.
Done keep_object(const std::string& path, const std::string& object, const std::string& bytes) {
  const std::string file = path + "/" + object;
  std::error_code error;
  fs::create_directories(fs::path(file).parent_path(), error);
  if (error) return refused("creating " + fs::path(file).parent_path().string() + ": " + error.message());
  return write_file(file, bytes);
}

}  // namespace

Done keep_bundle(const Installation& site, const Bundle& bundle) {
  const std::string path = site.bundle_path(bundle.digest);
  if (is_whole(path, bundle)) return {};
  for (const BundleProgram& program : bundle.programs)
    if (const Done done = keep_object(path, program.object, program.bytes); !done) return done;
  if (!bundle.xdp.object.empty())
    if (const Done done = keep_object(path, bundle.xdp.object, bundle.xdp.bytes); !done) return done;
  return keep_object(path, "bundle.json", bundle.manifest);  // last: with it the copy is whole
}

Result<Bundle> kept_manifest(const Installation& site, const std::string& digest) {
  const std::string path = site.bundle_path(digest) + "/bundle.json";
  const auto text = read_file(path, kManifestLimit);
  if (!text) return tl::make_unexpected(text.error());
  auto bundle = read_manifest(*text, path);
  if (bundle && bundle->digest != digest) return bad_input(path + ": is of another bundle");
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
