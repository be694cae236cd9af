// compiler/explain/near_names.h — "did you mean", for names of things.
#pragma once
#include <string>
#include <vector>

namespace netpolc::explain {

// "; did you mean `shop/web`?", or "" where no known name is near, or too many are.
std::string did_you_mean(const std::string& asked, const std::vector<std::string>& known);

}  // namespace netpolc::explain
