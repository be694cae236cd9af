#include "ir/base/near_names.h"

#include <algorithm>
#include <utility>

#include "ir/base/edit_distance.h"

namespace netpolc {
namespace {

constexpr std::size_t kFar = 4;
constexpr std::size_t kLongest = 300;  // nothing longer is a name

std::size_t between(std::string_view a, std::string_view b) {
  const std::size_t longer = std::max(a.size(), b.size());
  return longer - std::min(a.size(), b.size()) >= kFar || longer > kLongest ? kFar : edit_distance(a, b);
}

// Only the name counts where the namespace is left out, or another.
std::size_t distance(std::string_view asked, std::string_view known) {
  const std::string_view bare = known.substr(known.find('/') + 1), asked_bare = asked.substr(asked.find('/') + 1);
  if (asked_bare == bare) return 1;
  if (asked_bare.size() >= kFar && (known.starts_with(asked) || bare.starts_with(asked))) return 2;
  return std::min(between(asked, known), asked == asked_bare ? between(asked, bare) : kFar);
}

}  // namespace

std::string did_you_mean(std::string_view asked, const std::vector<std::string>& known) {
  std::string best;
  std::pair<std::size_t, std::size_t> nearest{std::min(kFar, asked.size() / 2 + 1), 0};
  for (const std::string& name : known) {
    const std::size_t near = distance(asked, name);
    if (near > nearest.first) continue;
    const std::pair far{near, between(asked, name)};  // of names that are right but for their namespaces, that with the nearest one
    if (far < nearest || (far == nearest && !best.empty() && name < best)) nearest = far, best = name;
  }
  return best.empty() ? "" : "; did you mean `" + best + "`?";
}

}  // namespace netpolc
