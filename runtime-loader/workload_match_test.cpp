#include "runtime-loader/workload_match.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;

namespace {

BundleEndpoint workload(const char* ns, const char* name, const char* kind, std::uint32_t identity, std::size_t program) {
  BundleEndpoint out;
  out.ns = ns;
  out.name = name;
  out.kind = kind;
  out.identity = identity;
  out.program = program;
  return out;
}

Bundle cluster() {
  Bundle out;
  out.endpoints = {workload("a", "web", "Deployment", 300, 0), workload("a", "db", "StatefulSet", 301, 1),   workload("a", "log", "DaemonSet", 302, 1),
                   workload("a", "once", "Job", 303, 1),       workload("a", "nightly", "CronJob", 304, 1), workload("a", "alone", "Pod", 305, 1),
                   workload("b", "web", "Deployment", 306, 0), workload("a", "old", "ReplicaSet", 307, 1)};
  out.endpoints[0].pods.push_back({"web-6d4b9c7f5-x2x7k", "one", {}});
  out.identities = {{300, {"k8s:app=web", "k8s:io.kubernetes.pod.namespace=a"}}, {301, {"k8s:app=db", "k8s:io.kubernetes.pod.namespace=a"}},
                    {306, {"k8s:app=web", "k8s:io.kubernetes.pod.namespace=b"}}};
  return out;
}

std::string found(const Bundle& bundle, const std::string& name, const std::vector<std::string>& labels = {}, PodNames names = PodNames::ByController) {
  AttachRequest request;
  request.endpoint = name;
  request.labels = labels;
  std::string why;
  const auto at = endpoint_for(bundle, request, why, names);
  if (!at) CHECK_FALSE(why.empty());
  return at ? bundle.endpoints[*at].full_name() : "";
}

}  // namespace

TEST_CASE("a pod that the bundle does not name is one of the workload whose pods are called so") {
  const Bundle bundle = cluster();
  const std::pair<const char*, const char*> rows[] = {
      {"a/web-6d4b9c7f5-x2x7k", "a/web"},
      {"a/web-5f7c8d9b4-zzzzz", "a/web"},
      {"b/web-5f7c8d9b4-zzzzz", "b/web"},
      {"a/web-5-zzzzz", "a/web"},
      {"a/web-5f7c8d9b4-zzzz", ""},
      {"a/web-5f7c8d9b4-zzzzzz", ""},
      {"a/web-5f7c8d9b4-zzaza", ""},   // no vowels
      {"a/web-5f7c8d9b4-zz1zz", ""},   // no 0, 1, 3
      {"a/web-5f7c8d9b45x-zzzzz", ""},  // more than a hash is
      {"a/web--zzzzz", ""},
      {"a/web-zzzzz", ""},
      {"a/web-new-5f7c8d9b4-zzzzz", ""},
      {"a/webs-5f7c8d9b4-zzzzz", ""},
      {"c/web-5f7c8d9b4-zzzzz", ""},
      {"a/db-0", "a/db"},
      {"a/db-12", "a/db"},
      {"a/db-01", ""},
      {"a/db-", ""},
      {"a/db-x", ""},
      {"a/log-bcdfg", "a/log"},
      {"a/log-bcdfg-bcdfg", ""},
      {"a/old-bcdfg", "a/old"},
      {"a/once-bcdfg", "a/once"},
      {"a/once-7-bcdfg", "a/once"},
      {"a/once-7-7-bcdfg", ""},
      {"a/nightly-28839600-bcdfg", "a/nightly"},
      {"a/nightly-28839600-3-bcdfg", "a/nightly"},
      {"a/nightly-bcdfg", ""},
      {"a/alone", "a/alone"},
      {"a/alone-bcdfg", ""},
      {"a/alone-0", ""},
      {"web-5f7c8d9b4-zzzzz", ""},
      {"", ""},
      {"a/", ""},
  };
  for (const auto& [name, expected] : rows) {
    CAPTURE(name);
    CHECK(found(bundle, name) == expected);
  }
  CHECK(found(bundle, "a/db-0", {}, PodNames::Exact).empty());
  CHECK(found(bundle, "a/web-6d4b9c7f5-x2x7k", {}, PodNames::Exact) == "a/web");
}

TEST_CASE("a name that fits two workloads fits none") {
  Bundle bundle = cluster();
  bundle.endpoints.push_back(workload("a", "web-bcdfg", "DaemonSet", 310, 1));
  AttachRequest request;
  request.endpoint = "a/web-bcdfg-zzzzz";
  std::string why;
  CHECK_FALSE(endpoint_for(bundle, request, why));
  CHECK(why == "by its name `a/web-bcdfg-zzzzz` may be a pod of the Deployment `web` or of the DaemonSet `web-bcdfg`");
}

TEST_CASE("labels tell which endpoint it is, all of them and no others") {
  Bundle bundle = cluster();
  const std::vector<std::string> web = {"k8s:io.kubernetes.pod.namespace=a", "k8s:app=web"};
  CHECK(found(bundle, "a/new", web) == "a/web");
  CHECK(found(bundle, "b/new", web).empty());  // labels of another namespace
  CHECK(found(bundle, "a/new", {"k8s:app=web"}).empty());
  CHECK(found(bundle, "a/new", {"k8s:app=web", "k8s:io.kubernetes.pod.namespace=a", "k8s:tier=x"}).empty());
  CHECK(found(bundle, "a/db-0", {"k8s:app=other"}).empty());  // what labels deny a name does not give

  bundle.endpoints.push_back(workload("a", "web-too", "Deployment", 300, 0));
  CHECK(found(bundle, "a/new", web) == "a/web");  // one identity, one program
  bundle.endpoints.back().program = 1;
  CHECK(found(bundle, "a/new", web).empty());
  bundle.endpoints.back() = workload("a", "web-too", "Deployment", 311, 0);  // other named ports, from Cilium 1.20 on
  bundle.identities[311] = bundle.identities[300];
  CHECK(found(bundle, "a/new", web).empty());
}
