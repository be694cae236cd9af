#include "runtime-loader/trust.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "runtime-loader/files.h"
#include "trust/minisign.h"

namespace netpolc::loader {
namespace {

namespace fs = std::filesystem;

struct TrustedKey {
  trust::PublicKey key;
  std::string file;
};
using TrustedKeys = std::vector<TrustedKey>;

Done add_file(const std::string& path, TrustedKeys& out) {
  const auto text = read_file(path, trust::kTextLimit);
  if (!text) return tl::make_unexpected(text.error());
  const auto keys = trust::parse_public_keys(*text);
  if (!keys) return bad_input(path + ": " + keys.error());
  for (const trust::PublicKey& key : *keys) out.push_back({key, path});
  return {};
}

Done add_directory(const std::string& path, TrustedKeys& out) {
  std::error_code error;
  std::vector<std::string> files;
  for (auto at = fs::directory_iterator(path, error); !error && at != fs::directory_iterator(); at.increment(error))
    if (at->path().extension() == ".pub") files.push_back(at->path().string());
  if (error) return bad_input(path + ": " + error.message());
  // Somebody meant something by it: that it says nothing must not mean that nothing is looked at.
  if (files.empty() && !fs::is_empty(path, error)) return bad_input(path + ": no file in it is called *.pub, so no key in it is trusted");
  std::sort(files.begin(), files.end());
  for (const std::string& file : files)
    if (Done done = add_file(file, out); !done) return done;
  return {};
}

Result<TrustedKeys> trusted_keys(const TrustOptions& options) {
  TrustedKeys out;
  std::error_code error;
  if (options.keys.empty()) {
    // Any error but "not there" is one: keys that can't be read must not count as no keys.
    if (fs::symlink_status(options.default_keys, error).type() == fs::file_type::not_found) return out;
    if (Done done = add_directory(options.default_keys, out); !done) return tl::make_unexpected(done.error());
    return out;
  }
  for (const std::string& path : options.keys) {
    const std::size_t before = out.size();
    if (Done done = fs::is_directory(path, error) ? add_directory(path, out) : add_file(path, out); !done) return tl::make_unexpected(done.error());
    if (out.size() == before) return bad_input(path + ": no file in it is called *.pub, so no key in it is trusted");
  }
  return out;
}

// By a trusted key, of these bytes.
Result<BundleSigner> check_signature(const std::string& name, const std::string& text, const std::string& manifest, const TrustedKeys& keys) {
  const auto signature = trust::parse_signature(text);
  if (!signature) return bad_input(name + ": " + signature.error());
  const TrustedKey* owner = nullptr;
  for (const TrustedKey& trusted : keys) {
    if (trusted.key.id != signature->id) continue;
    owner = &trusted;
    if (trust::fits(*signature, trusted.key, manifest)) return BundleSigner{trust::to_string(signature->id), signature->trusted_comment, trusted.file};
  }
  const std::string id = trust::to_string(signature->id);
  if (owner == nullptr) return bad_input(name + ": is by key " + id + ", which is not one of the " + std::to_string(keys.size()) + " trusted keys");
  return bad_input(name + ": is no signature by key " + id + " (" + owner->file + ") of this bundle.json: one of the two was changed since it was signed");
}

Result<std::optional<BundleSigner>> signer_of(const std::string& directory, const std::string& manifest, const TrustOptions& options) {
  const auto keys = trusted_keys(options);
  if (!keys) return tl::make_unexpected(keys.error());
  if (keys->empty() && options.require_signature)
    return bad_input("a signature is required, but no key is trusted: give --trusted-keys, or put keys into " + options.default_keys);
  if (keys->empty()) return std::nullopt;
  const std::string file = std::string(kManifestFile) + trust::kSignatureSuffix, name = directory + "/" + file;
  std::error_code error;
  if (fs::symlink_status(name, error).type() == fs::file_type::not_found) {
    if (options.require_signature) return bad_input(name + ": is not there, but a signature is required; sign the bundle with `netpolc sign`");
    return std::nullopt;
  }
  const auto text = read_beneath(directory, file, trust::kTextLimit);
  if (!text) return tl::make_unexpected(text.error());
  auto signer = check_signature(name, *text, manifest, *keys);
  if (!signer) return tl::make_unexpected(signer.error());
  return std::optional(std::move(*signer));
}

}  // namespace

Result<Bundle> read_trusted_bundle(const std::string& directory, const TrustOptions& options) {
  auto text = manifest_text(directory);
  if (!text) return tl::make_unexpected(text.error());
  auto signer = signer_of(directory, *text, options);
  if (!signer) return tl::make_unexpected(signer.error());
  auto bundle = read_bundle_of(directory, std::move(*text), options.contents);
  if (bundle) bundle->signer = std::move(*signer);
  return bundle;
}

std::string to_string(const BundleSigner& signer) { return "key " + signer.key_id + (signer.comment.empty() ? "" : ": " + signer.comment); }

}  // namespace netpolc::loader
