// compiler/namespaces.h — which namespaces an input has: of workloads, of policies, and Namespace objects.
#pragma once
#include <string>

#include "frontend/load.h"

namespace netpolc::compiler {

// An error in words where nothing of the input is in this namespace: what a list leaves out then is a slip, and no empty answer.
// "" where something is, and for no namespace at all.
std::string unknown_namespace(const std::string& ns, const frontend::Loaded& loaded);

}  // namespace netpolc::compiler
