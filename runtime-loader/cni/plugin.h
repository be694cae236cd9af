// runtime-loader/cni/plugin.h — a chained CNI plugin that tells the daemon of pods as they come and go (docs/cni.md).
#pragma once
#include <iosfwd>
#include <string>

#include "runtime-loader/cni/interfaces.h"
#include "runtime-loader/cni/request.h"

namespace netpolc::cni {

// One command, as the CNI specification has it: what a runtime reads goes to `out`, a result or an error object and nothing
// else; sentences for the log to `err`. Returns the exit code: 0, or 1 with an error object.
int run(const Environment& environment, const std::string& input, std::ostream& out, std::ostream& err, const PeerOf& peer = peer_of);

}  // namespace netpolc::cni
