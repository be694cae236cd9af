// runtime-loader/sha256.h — content checksums. The only user of libcrypto.
#pragma once
#include <string>
#include <string_view>

namespace netpolc::loader {

std::string sha256_hex(std::string_view bytes);

}  // namespace netpolc::loader
