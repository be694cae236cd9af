// verify/unresolved.h — questions about a DNS name that nobody has resolved: they are asked for every address outside the cluster
// that the name could have, so the answer holds wherever it is.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "verify/judge.h"

namespace netpolc::verify {

// As resolutions are keyed: lower case, without a final dot.
std::string dns_key(std::string_view name);

// Whether DNS of a cluster could answer with an address of its own: `web.shop.svc`, anything below it, and a name without a dot,
// which the resolver's search list completes. Nothing is assumed of these.
bool may_be_inside(std::string_view name);

// One address of each part of the outside that policies tell apart, and that no known name has. An example address of
// RFC 5737 or RFC 3849 stands for the rest of the outside, and comes first. Linear in the prefixes that policies, pods and nodes have.
std::vector<IpAddress> wherever(const ir::eval::World& world, const Directory& directory);

// Whether rules of toFQDNs, and no others, let the packet out.
bool allowed_by_names(const PairAnswer& pair, const ir::PolicySet& policies);

// Nothing where the answer has no pairs, as an end is not known. Makes `answer` one about the name `name` instead of the addresses that `wherever` gave for it: says what is assumed, and where the
// name has to be for lines that differ. A pair that is allowed by a rule of toFQDNs alone is UNDECIDED where no DNS rule lets
// the sender look the name up: then nothing tells the agent what it resolves to (section 7.3).
void about_the_name(Answer& answer, const std::string& name, const ir::eval::World& world, Judge& judge);

}  // namespace netpolc::verify
