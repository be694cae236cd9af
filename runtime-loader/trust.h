// runtime-loader/trust.h — which bundles are taken: signatures, and the keys they must be by.
//
// The signature lies beside bundle.json (bundle.json.minisig) and is of its bytes; these name every other file with its
// SHA-256, so it stands for the whole bundle. It is checked before a byte of bundle.json is parsed. What it can't say is whether
// the bundle is the newest that its owner signed (docs/threat-model.md).
#pragma once
#include <string>
#include <vector>

#include "runtime-loader/bundle.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

inline constexpr const char* kTrustedKeys = "/etc/netpolc/trusted-keys.d";

struct TrustOptions {
  // Files with public keys, or directories of such, called *.pub. None: those in `default_keys`, if that is there.
  std::vector<std::string> keys;
  std::string default_keys = kTrustedKeys;
  bool require_signature = false;  // by a trusted key; without one nothing is taken
  Contents contents = Contents::Kept;
};

// As read_bundle, and once there are trusted keys:
//   signed by one of them     taken; Bundle::signer says by which
//   signed by another, or not of these bytes, or no signature file of minisign's: refused
//   not signed                refused if a signature is required
// Where no key is trusted nothing is said of signatures, and one that is required fails.
Result<Bundle> read_trusted_bundle(const std::string& directory, const TrustOptions& options);

// "key ID: COMMENT"
std::string to_string(const BundleSigner& signer);

}  // namespace netpolc::loader
