// runtime-loader/node_plan.h — from the endpoints that are asked for to what each of them gets on this
// node: a program of the bundle, the one that lets nothing pass, or none.
#pragma once
#include <string>
#include <vector>

#include "runtime-loader/host.h"
#include "runtime-loader/plan.h"
#include "runtime-loader/workload_match.h"

namespace netpolc::loader {

struct NodeRequest {
  std::string node;  // of the bundle; "": none of its
  HostOptions host;
  bool skip_unenforced = false;
  NewEndpoints fresh = NewEndpoints::Deny;
  // False: an endpoint that the bundle doesn't know, or an interface that isn't there, fails the whole, but for those of the daemon. One that the kernel
  // says nothing of does in any case.
  bool keep_going = false;
  PodNames names = PodNames::Exact;  // by which a pod that came later may be known (workload_match.h)
};

struct NodePlan {
  std::vector<Attachment> attachments;  // pods in the order of the requests, then the node's own
  std::vector<std::string> gone;        // with keep_going: who was left out, since the interface isn't there
  std::string nothing_at_host;          // see HostPlan
};

// `known`: attachments whose interfaces need not be looked for again.
Result<NodePlan> plan_node(const Bundle& bundle, const NodeRequest& request, const std::vector<AttachRequest>& endpoints,
                           const std::vector<Attachment>& known = {});

// As what is attached was asked for; not the node's own.
std::vector<AttachRequest> requested(const std::vector<Attachment>& attachments);
// Those that the bundle has an endpoint for: what addresses are planned from.
std::vector<Attachment> known_to_bundle(const std::vector<Attachment>& attachments);
// Those that have a program of the bundle, the node's own too.
std::vector<Attachment> with_program(const std::vector<Attachment>& attachments);

// Who the pods are that the bundle doesn't know: as their labels say, or, where they came without any, nobody, whatever
// the bundle calls their addresses. What was said so of `former` goes first.
void say_unknown(const Bundle& bundle, const std::vector<Attachment>& former, const std::vector<Attachment>& now, std::map<Prefix, AddressOverride>& overrides);
void forget_said(const Attachment& gone, std::map<Prefix, AddressOverride>& overrides);

}  // namespace netpolc::loader
