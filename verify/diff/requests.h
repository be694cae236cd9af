// verify/diff/requests.h — where proxies may let through other requests than before, though the same traffic gets to them.
#pragma once
#include "verify/diff/ends.h"

namespace netpolc::verify::diffs {

// Never silent where requests could differ; said also where rules differ in words only. `sets`: the comparison's.
std::vector<RequestsChange> requests(Sets& both, const AccessSets& sets, const AllEnds& ends, const DiffEndIds& computable);

}  // namespace netpolc::verify::diffs
