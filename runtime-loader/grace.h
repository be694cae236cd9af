// runtime-loader/grace.h — waiting for packets that are being judged.
#pragma once
#include "runtime-loader/result.h"

namespace netpolc::loader {

// When this returns, no run of a program that began before it goes on: what was written to maps
// before is what every program sees. Takes some tens of milliseconds.
Done wait_for_programs();

}  // namespace netpolc::loader
