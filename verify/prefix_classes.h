// verify/prefix_classes.h — one address for every part of a prefix that policies tell apart.
#pragma once
#include <vector>

#include "ir/base/ip.h"

namespace netpolc::verify {

// Cuts `whole` along `cuts` and gives one address of each part, ascending. A part is what lies
// in a cut (or in `whole`) and in no smaller cut; parts without any address are left out.
std::vector<IpAddress> representatives(const IpPrefix& whole, std::vector<IpPrefix> cuts);

}  // namespace netpolc::verify
