// verify/diff/requests.h — where proxies let through other requests than before, though the same traffic gets to them; and where
// nobody can say whether they do.
#pragma once
#include "verify/diff/ends.h"

namespace netpolc::verify::diffs {

// Each side of a connection for itself: of traffic that the other side lets pass in both sets. Never silent where requests
// could differ. `sets`: the comparison's.
std::vector<RequestsChange> requests(Sets& both, AccessSets& sets, const AllEnds& ends, const DiffEndIds& computable);

}  // namespace netpolc::verify::diffs
