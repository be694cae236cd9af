// runtime-loader/host.h — the policy of the node itself (the host firewall): which programs of a
// bundle are this node's, and at which interfaces they belong.
//
// The node's programs are at the devices that lead out of it and, beside the pods' own, at every
// pod's interface: what pods and node say to each other passes there and nowhere else.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/host_options.h"
#include "runtime-loader/plan.h"

namespace netpolc::loader {

struct HostPlan {
  std::vector<ResolvedRequest> requests;  // one an attachment
  std::vector<Attachment> attachments;    // none: nothing to enforce
  std::string nothing;                    // not empty: why devices were given and nothing is attached to them
};

// Fails as input where the bundle has policies of nodes and it isn't said which node this is, or which
// devices lead out of it: they would silently not count. `pods`: all their interfaces,
// with a program of the pod's or without. `former`: what the node has already; a device among them that is gone keeps its
// attachment, which is put right when it comes again. Any other that isn't there fails it.
Result<HostPlan> plan_host(const Bundle& bundle, const std::string& node, const HostOptions& options, const std::vector<Attachment>& pods,
                           const std::vector<Attachment>& former = {});

// Whoever has one of them is the node, with the host firewall or without. Where the loader runs: addresses of all
// devices, as in Cilium but for those of containers (docker, cni, lxc) and services (kube-ipvs0), loopback's and
// link-local ones; sorted.
Result<std::vector<Address>> local_addresses();

}  // namespace netpolc::loader
