#include "codegen-bpf/policed.h"

#include <doctest/doctest.h>

using namespace netpolc;
using codegen_bpf::policed;
using ir::Operator;

namespace {

constexpr const char* kNamespace = "io.kubernetes.pod.namespace";

ir::Policy policy(std::vector<ir::Requirement> subject) {
  ir::Policy out;
  out.subject.requirements = std::move(subject);
  return out;
}
using Names = std::set<std::string>;

}  // namespace

TEST_CASE("policies speak of the namespaces that their subjects are bound to") {
  const ir::Requirement in_a{"k8s", kNamespace, Operator::In, {"a"}}, app{"any", "app", Operator::In, {"web"}};
  CHECK(policed({}).namespaces.empty());
  CHECK(policed({{policy({in_a, app}), policy({{"any", kNamespace, Operator::In, {"b", "c"}}})}}).namespaces == Names{"a", "b", "c"});
  CHECK(policed({{policy({{"k8s", "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name", Operator::In, {"d"}}})}}).namespaces == Names{"d"});
  CHECK(policed({{policy({in_a, {"any", kNamespace, Operator::In, {"a", "b"}}})}}).namespaces == Names{"a"});
  CHECK(policed({{policy({{"k8s", kNamespace, Operator::In, {"a", "b"}}, {"k8s", kNamespace, Operator::NotIn, {"b"}}})}}).namespaces == Names{"a"});
  CHECK_FALSE(policed({{policy({in_a, app})}}).everywhere);
}

TEST_CASE("a subject that names no namespace may be anywhere, but where all of those say that they are not") {
  const auto not_in = [](std::vector<std::string> which) { return policy({{"k8s", kNamespace, Operator::NotIn, std::move(which)}}); };
  CHECK(policed({{policy({})}}).everywhere);
  CHECK(policed({{policy({{"any", "app", Operator::Exists, {}}})}}).everywhere);
  CHECK(policed({{policy({{"k8s", "io.cilium.k8s.namespace.labels.env", Operator::In, {"prod"}}})}}).everywhere);
  CHECK(policed({{not_in({"kube-system", "x"})}}).except == Names{"kube-system", "x"});
  CHECK(policed({{not_in({"kube-system", "x"}), not_in({"kube-system", "y"})}}).except == Names{"kube-system"});
  CHECK(policed({{not_in({"kube-system"}), policy({})}}).except.empty());
}

TEST_CASE("policies of nodes, and those that no pod can meet, speak of nobody") {
  ir::Policy node = policy({});
  node.subject_is_node = true;
  for (const ir::Policy& one : {node, policy({{"reserved", "ingress", Operator::Exists, {}}}), policy({{"any", "app", Operator::In, {"a"}}, {"any", "app", Operator::In, {"b"}}}),
                                policy({{"k8s", kNamespace, Operator::DoesNotExist, {}}})}) {
    const auto said = policed({{one}});
    CHECK_FALSE(said.everywhere);
    CHECK(said.namespaces.empty());
  }
}
