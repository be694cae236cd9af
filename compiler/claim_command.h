// compiler/claim_command.h — what claims and symbolic reachability are asked with.
#pragma once
#include <string>
#include <vector>

#include "compiler/outputs.h"
#include "compiler/request_options.h"
#include "compiler/session.h"
#include "verify/claims.h"

namespace netpolc::compiler {

struct ClaimOptions {
  InputOptions input;
  std::vector<std::string> from, to, except_from, except_to, without;
  std::string ns;  // of ends that are given without one
  std::string port, icmp, icmpv6, by = "namespace";
  std::vector<std::string> outputs;
  std::vector<Output> written;  // what they say
  RequestOptions request;
  verify::SolverBudget budget;
  bool in_kernel = false;
};

// `verify --symbolic`, with `written` given and ends as they are: what all pods that could be have in common. Returns the exit code.
int reach(const ClaimOptions& options, const std::optional<verify::RequestRange>& requests);

// `only` of requests: whatever gets to those of `traffic` is such a request, so that none of these questions finds anything.
void only_requests(const verify::Inquiry& traffic, std::vector<verify::Inquiry>& out);

}  // namespace netpolc::compiler
