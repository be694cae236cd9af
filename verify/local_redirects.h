// verify/local_redirects.h — what a CiliumLocalRedirectPolicy takes away from a Service or an address. Which pods it goes to instead
// depends on the sender's node, and whether there are any there: so the question is undecided, and says whom to ask about.
#pragma once
#include <optional>

#include "ir/verdict.h"
#include "verify/ends.h"

namespace netpolc::verify {

// None: no redirect is for it. Linear in the redirects, of which clusters have a few.
std::optional<RefError> redirected(const std::vector<ir::LocalRedirect>& redirects, const ir::Service& service, const ir::Service::Port& port);
// `flow`: none where every port is asked about.
std::optional<RefError> redirected(const std::vector<ir::LocalRedirect>& redirects, const IpAddress& address, const std::optional<ir::Flow>& flow);

}  // namespace netpolc::verify
