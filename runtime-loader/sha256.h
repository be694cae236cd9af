// runtime-loader/sha256.h — content checksums, under the loader's own name.
#pragma once
#include "trust/sha256.h"

namespace netpolc::loader {

using trust::Sha256;
using trust::sha256_hex;

}  // namespace netpolc::loader
