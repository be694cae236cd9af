// runtime-loader/kept_bundle.h — what stays on the node of a bundle that was loaded, whatever becomes
// of the directory that it came from: bundle.json and the objects, for endpoints that come later, for
// going back, and to say who decided.
//
//   STATE/bundles/DIGEST/bundle.json, and the objects below their paths in the bundle
#pragma once
#include <set>
#include <string>

#include "runtime-loader/bundle.h"
#include "runtime-loader/installation.h"

namespace netpolc::loader {

// From the directory that it was read from, each file's digest checked once more. A copy that is there already and is whole
// stays as it is.
Done keep_bundle(const Installation& site, const Bundle& bundle, const std::string& directory);
// Without the programs' bytes; its digest is checked. Fails as input where it isn't there or was changed.
Result<Bundle> kept_manifest(const Installation& site, const std::string& digest);
// The object of a program; its digest is checked.
Result<std::string> kept_object(const Installation& site, const Bundle& bundle, const std::string& path);
void forget_other_bundles(const Installation& site, const std::set<std::string>& digests);

}  // namespace netpolc::loader
