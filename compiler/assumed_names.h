// compiler/assumed_names.h — one question about DNS names that nobody has resolved: asked for wherever they could be outside the cluster.
#pragma once
#include <string>
#include <vector>

#include "compiler/session.h"
#include "verify/judge.h"

namespace netpolc::compiler {

// Gives the session's resolutions addresses for `fqdn:` ends of the question that have none, and returns their names. Names that DNS
// of the cluster could answer stay unknown. To be called before a judge is made of the session.
std::vector<std::string> assume_addresses(Session& session, const verify::Question& question);

// The judge's answer, as one about these names.
tl::expected<verify::Answer, verify::RefError> ask_about(const std::vector<std::string>& names, const verify::Question& question, const ir::eval::World& world, verify::Judge& judge);

}  // namespace netpolc::compiler
