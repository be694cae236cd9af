// frontend/unread.h — what of a cluster's objects nobody looks at, dropped while a large file is read.
//
// Promises: what is left gives the same cluster and the same words as the whole object does, and `import` keeps the same of it. So it
// drops less than frontend/import/fields.h, and never all of a mapping. Policies stay whole.
#pragma once
#include "frontend/yaml/document.h"

namespace netpolc::frontend {

// `object`: an item of a list. Of typed lists ("PodList") items need not say what they are, and the list says it behind them: what has
// containers counts as a pod or a workload then, since no policy has any; all else stays as it is.
void drop_unread(Node& object);

}  // namespace netpolc::frontend
