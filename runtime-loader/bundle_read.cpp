// From a directory to a bundle that was checked against its digests.
#include <algorithm>
#include <filesystem>
#include <set>

#include "runtime-loader/bounded_json.h"
#include "runtime-loader/bundle_fields.h"
#include "runtime-loader/bundle_limits.h"
#include "runtime-loader/files.h"
#include "runtime-loader/sha256.h"
#include "trust/minisign.h"
#include "trust/plain_line.h"

namespace netpolc::loader {
namespace {

namespace fs = std::filesystem;

using trust::shown;  // what a bundle says may be anything

constexpr const char* kAgain = "; compile the bundle again or copy it again";

// The digest is of the text with an empty digest, so it is checked without knowing how it was printed.
Done check_digest(std::string_view text, const std::string& digest, const std::string& name) {
  const auto at = text.find('"' + digest + '"');
  Sha256 sum;
  if (at != std::string_view::npos) {
    sum.add(text.substr(0, at + 1));
    sum.add(text.substr(at + 1 + digest.size()));
  }
  if (at == std::string_view::npos || sum.hex() != digest)
    return bad_input(name + ": was changed or damaged since it was compiled: its digest is not that of its content" + kAgain);
  return {};
}

std::vector<std::string> paths_of(const Bundle& bundle) {
  std::vector<std::string> out = {bundle.xdp.object, bundle.xdp.certificate_path};
  for (const BundleProgram& program : bundle.programs)
    for (const std::string& path : {program.object, program.source_path, program.source_map_path, program.certificate_path}) out.push_back(path);
  std::erase(out, "");
  return out;
}

Done check_paths(const Bundle& bundle, const std::string& name) {
  for (const auto& [path, sum] : bundle.files)
    if (!is_plain_path(path))
      return bad_input(name + ": `files` has `" + shown(path) + "`, which is no path in a bundle: names of letters, digits and ._-+ between slashes, up to " +
                       std::to_string(kPathLimit) + " bytes");
  for (const std::string& path : paths_of(bundle))
    if (!bundle.files.contains(path)) return bad_input(name + ": `files` has no checksum of " + shown(path));
  return {};
}

Result<Bundle> read(std::string text, const std::string& name) {
  Bundle bundle;
  auto json = parse_bounded(text, name, {.depth = kDepth, .values = kValues, .string_bytes = kTextBytes});
  if (!json) return bad_input(json.error().message + kAgain);
  try {
    const JsonField root(*json);
    check_bundle_kind(root);
    // What was damaged is said before what it looks like.
    if (const Done done = check_digest(text, digest_of(root.at("digest")), name); !done) return tl::make_unexpected(done.error());
    fill_bundle(bundle, root);
  } catch (const BadField& bad) {
    return bad_input(name + ": " + shown(bad.what()));
  }
  bundle.manifest = std::move(text);
  if (Done done = check_paths(bundle, name); !done) return tl::make_unexpected(done.error());
  return bundle;
}

// `got`: of how many bytes; `content`: null where it need not stay.
Done check_file(const std::string& directory, const std::string& path, const std::string& sum, std::uint64_t& got, std::string* content) {
  Sha256 actual;
  const Done done = read_beneath(directory, path, kFileLimit, [&](std::string_view piece) {
    actual.add(piece);
    got += piece.size();
    if (content != nullptr) content->append(piece);
  });
  if (!done) return tl::make_unexpected(Failure{done.error().kind, done.error().message + " (listed in bundle.json)"});
  if (const std::string now = actual.hex(); now != sum)
    return bad_input(directory + "/" + path + ": was changed or damaged since it was compiled: its SHA-256 is " + now + ", bundle.json says " + sum + kAgain);
  return {};
}

// Nothing but what is listed, and the directories it is in; of several, the first by name is said.
Done check_nothing_else(const std::string& directory, const Bundle& bundle) {
  std::set<std::string> folders;
  for (const auto& [path, sum] : bundle.files)
    for (auto end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) folders.insert(path.substr(0, end));
  std::error_code error;
  std::string first;
  for (auto at = fs::recursive_directory_iterator(directory, error); !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string path = at->path().lexically_relative(directory).string();
    if (folders.contains(path) && at->symlink_status(error).type() == fs::file_type::directory) continue;
    at.disable_recursion_pending();
    if (path == kManifestFile || path == std::string(kManifestFile) + trust::kSignatureSuffix || bundle.files.contains(path) || folders.contains(path)) continue;
    if (first.empty() || path < first) first = path;
  }
  if (error) return bad_input(directory + ": " + error.message());
  if (!first.empty()) return bad_input(directory + "/" + shown(first) + ": is in the bundle's directory, but bundle.json doesn't list it: take it away" + kAgain);
  return {};
}

}  // namespace

bool is_plain_path(const std::string& path) {
  if (path.size() > kPathLimit || static_cast<std::size_t>(std::count(path.begin(), path.end(), '/')) >= kPathParts) return false;
  std::size_t start = 0;
  for (std::size_t end = 0; end != std::string::npos; start = end + 1) {
    end = path.find('/', start);
    const std::string part = path.substr(start, end == std::string::npos ? end : end - start);
    if (part.empty() || part == "." || part == ".." || part.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+") != std::string::npos) return false;
  }
  return path != kManifestFile && path != std::string(kManifestFile) + trust::kSignatureSuffix;
}

Result<std::string> manifest_text(const std::string& directory) {
  auto text = read_beneath(directory, kManifestFile, kManifestLimit);
  if (!text) return tl::make_unexpected(Failure{text.error().kind, text.error().message + " (a bundle is a directory that `netpolc compile` wrote)"});
  return text;
}

Result<Bundle> read_manifest(const std::string& text, const std::string& name) { return read(text, name); }

Result<Bundle> read_bundle_of(const std::string& directory, std::string manifest, Contents contents) {
  auto bundle = read(std::move(manifest), directory + "/" + kManifestFile);
  if (!bundle) return bundle;
  if (Done done = check_nothing_else(directory, *bundle); !done) return tl::make_unexpected(done.error());
  std::map<std::string, std::string> kept;
  if (contents == Contents::Kept)
    for (const std::string& path : paths_of(*bundle)) kept[path];
  std::uint64_t got = 0;
  for (const auto& [path, sum] : bundle->files) {
    const auto content = kept.find(path);
    if (Done done = check_file(directory, path, sum, got, content == kept.end() ? nullptr : &content->second); !done) return tl::make_unexpected(done.error());
    if (got > kAllFilesLimit) return bad_input(directory + "/" + path + ": with it the bundle is larger than " + std::to_string(kAllFilesLimit >> 30) + " GiB");
  }
  if (contents == Contents::Left) return bundle;
  const auto content_of = [&](const std::string& path) { return path.empty() ? std::string() : kept.at(path); };
  for (BundleProgram& program : bundle->programs) {
    program.bytes = content_of(program.object);
    program.source = content_of(program.source_path);
    program.source_map = content_of(program.source_map_path);
    program.certificate = content_of(program.certificate_path);
  }
  bundle->xdp.bytes = content_of(bundle->xdp.object);
  bundle->xdp.certificate = content_of(bundle->xdp.certificate_path);
  return bundle;
}

Result<Bundle> read_bundle(const std::string& directory, Contents contents) {
  auto text = manifest_text(directory);
  if (!text) return tl::make_unexpected(text.error());
  return read_bundle_of(directory, std::move(*text), contents);
}

Result<std::string> read_checked(const std::string& directory, const Bundle& bundle, const std::string& path) {
  const auto sum = bundle.files.find(path);
  if (sum == bundle.files.end()) return bad_input(directory + "/bundle.json: `files` has no checksum of " + shown(path));
  std::uint64_t got = 0;
  std::string content;
  if (Done done = check_file(directory, path, sum->second, got, &content); !done) return tl::make_unexpected(done.error());
  return content;
}

}  // namespace netpolc::loader
