// verify/entities.h — entities that a reference may name, as `entity:world` and by the word alone.
#pragma once
#include <algorithm>
#include <array>
#include <string_view>

namespace netpolc::verify {

inline constexpr std::array<std::string_view, 8> kEntities{"host", "world", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged"};
inline bool is_entity(std::string_view word) { return std::find(kEntities.begin(), kEntities.end(), word) != kEntities.end(); }

}  // namespace netpolc::verify
