// runtime-loader/refusal.h — from the C line that the kernel refuses to the policy it came from.
#pragma once
#include <string>

#include "runtime-loader/bundle.h"

namespace netpolc::loader {

// `message` is that of a failed Object::load. A line for each place in a policy that stands
// behind the C it complains about; "" where that is the runtime's, or nobody knows.
std::string policy_places(const std::string& message, const BundleProgram& program);

}  // namespace netpolc::loader
