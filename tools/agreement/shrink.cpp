#include "tools/agreement/shrink.h"

namespace netpolc::agreement {
namespace {

// Every item of a list in a manifest, by its JSON pointer; outer ones first.
void items_of(const Json& value, const Json::json_pointer& at, std::vector<Json::json_pointer>& out) {
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i) out.push_back(at / i);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i) items_of(value[i], at / i, out);
  if (value.is_object())
    for (const auto& [key, item] : value.items()) items_of(item, at / key, out);
}

Json without(const Json& policy, const Json::json_pointer& item) {
  Json out = policy;
  out[item.parent_pointer()].erase(static_cast<std::size_t>(std::stoul(item.back())));
  return out;
}

}  // namespace

std::vector<Json> shrink(std::vector<Json> policies, const std::function<bool(const std::vector<Json>&)>& fails, int most) {
  const auto smaller = [&](const std::vector<Json>& candidate) { return most-- > 0 && fails(candidate); };
  for (std::size_t p = policies.size(); p-- > 0;) {
    std::vector<Json> candidate = policies;
    candidate.erase(candidate.begin() + static_cast<std::ptrdiff_t>(p));
    if (smaller(candidate)) policies = std::move(candidate);
  }
  for (bool again = true; again && most > 0;) {
    again = false;
    for (std::size_t p = 0; p < policies.size() && !again; ++p) {
      std::vector<Json::json_pointer> items;
      items_of(policies[p], Json::json_pointer(), items);
      for (const auto& item : items) {
        std::vector<Json> candidate = policies;
        candidate[p] = without(policies[p], item);
        if (!smaller(candidate)) continue;
        policies = std::move(candidate);
        again = true;
        break;
      }
    }
  }
  return policies;
}

}  // namespace netpolc::agreement
