// runtime-loader/workload_match.h — which endpoint of the bundle a pod is. The bundle knows workloads, and the pods that
// there were when it was compiled; pods that come later are the workload's under new names.
//
// Pure: the bundle and the request alone decide, and the same ones decide alike.
#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "runtime-loader/attachment.h"
#include "runtime-loader/bundle.h"

namespace netpolc::loader {

// Whether a name may stand for a workload by the names that Kubernetes' controllers give to pods. That trusts whoever may name
// pods in a namespace: a pod called `web-6d4b9c7f5-x2x7k` is taken for one of the Deployment `web`. Names of another namespace
// never count.
enum class PodNames : bool { Exact, ByController };

// Index into Bundle::endpoints, or nothing, and then `why` is a sentence without an end. In this order:
// 1. by the name of a pod or of a workload (find_endpoint);
// 2. where the request has labels: the endpoint of that namespace whose identity has these labels and no others. Several of one
//    identity and one program are one to the kernel, and the first is taken; otherwise it is ambiguous. Nothing else is tried;
// 3. with ByController, the one workload of the namespace whose pods are called so: Deployment NAME-HASH-xxxxx; ReplicaSet,
//    ReplicationController, DaemonSet NAME-xxxxx; Job NAME-xxxxx or NAME-INDEX-xxxxx; CronJob NAME-MINUTES-xxxxx or
//    NAME-MINUTES-INDEX-xxxxx; StatefulSet NAME-ORDINAL. HASH and xxxxx are of the letters that Kubernetes makes them of
//    (k8s.io/apimachinery/pkg/util/rand, SafeEncodeString). Names that it had to cut (63 characters) fit nothing.
std::optional<std::size_t> endpoint_for(const Bundle& bundle, const AttachRequest& request, std::string& why, PodNames names = PodNames::ByController);

}  // namespace netpolc::loader
