// tools/bench/questions.h — what single questions take once manifests are loaded: a pair, and claims about every pod
// that could be.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace netpolc::bench {

// `files`: manifests. Throws std::runtime_error where they can't be used.
nlohmann::ordered_json questions(int repeat, const std::vector<std::string>& files);

}  // namespace netpolc::bench
