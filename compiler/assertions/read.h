// compiler/assertions/read.h — assertion files (docs/test.md) from the files that were read: every document of kind ReachabilityTest, and what
// is called netpolc-test.yaml must hold one.
#pragma once
#include <string>
#include <vector>

#include "compiler/assertions/model.h"
#include "ir/base/diagnostics.h"

namespace netpolc::compiler::assertions {

// Of all files in `sources`, in their order; only those with tests. What is wrong is in `sink`: then nothing should be judged.
// `ns`: of ends without a namespace, in documents that don't say `metadata.namespace`; "": those are errors.
std::vector<File> read(const SourceManager& sources, DiagSink& sink, const std::string& ns = "");

}  // namespace netpolc::compiler::assertions
