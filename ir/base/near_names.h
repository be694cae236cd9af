// ir/base/near_names.h — "did you mean", for names of things: workloads, namespaces, services, policies, labels. Words of netpolc's own
// (commands, options, values, fields) have another measure, frontend::policy::nearest: there are few of them, and all are known.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace netpolc {

// "; did you mean `shop/web`?", or "" where no known name is near. Names may be NAMESPACE/NAME: a name that is right but for its
// namespace, or has none, is near, and so is one that was not typed to its end. Of several that are as near the first by its letters.
std::string did_you_mean(std::string_view asked, const std::vector<std::string>& known);

}  // namespace netpolc
