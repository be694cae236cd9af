// verify/diff/names.h — addresses for names that nobody has resolved, so that a rule about a name can be compared.
#pragma once
#include <string>
#include <unordered_map>

#include "verify/diff/diff.h"
#include "verify/directory.h"

namespace netpolc::verify::diffs {

struct StandIns {
  ir::Resolutions resolutions;
  std::unordered_map<IpAddress, std::string, IpHash> shown;  // "fqdn:*.example.com"
};
// One address for each name of a toFQDNs rule of either set, outside of every prefix that the two mention, if such a place is
// found. A pattern is stood in for by a name that it means, `**.` also by a deeper one.
StandIns stand_ins(const DiffWorld& before, const DiffWorld& after);

}  // namespace netpolc::verify::diffs
