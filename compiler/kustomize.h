// compiler/kustomize.h — `-k DIR`: what `kubectl kustomize DIR` prints, as one input. Nothing else of kubectl is used, and no cluster.
#pragma once
#include <string>
#include <tl/expected.hpp>

#include "ir/base/source.h"

namespace netpolc::compiler {

// Adds the text as "DIR (kustomized)". An error is a sentence: there is no kubectl, or it failed, with what it said.
tl::expected<FileId, std::string> kustomized(const std::string& directory, SourceManager& sources);

}  // namespace netpolc::compiler
