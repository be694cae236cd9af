#include "ir/labels.h"

#include <doctest/doctest.h>

#include "ir/policy.h"

using namespace netpolc::ir;

TEST_CASE("selectors as people read them") {
  CHECK(to_string(Selector{}) == "*");
  Selector selector{{{"k8s", "app", Operator::In, {"web"}},
                     {"any", "tier", Operator::Exists, {}},
                     {"k8s", "env", Operator::NotIn, {"dev", ""}},
                     {"k8s", "old", Operator::DoesNotExist, {}}}};
  normalise(selector);
  CHECK(to_string(selector) ==
        "any:tier exists, k8s:app in (web), k8s:env not in (\"\", dev), k8s:old does not exist");
}

TEST_CASE("kinds of policies have the names of their objects") {
  CHECK(std::string(to_string(PolicyKind::CiliumClusterwideNetworkPolicy)) == "CiliumClusterwideNetworkPolicy");
  CHECK(std::string(to_string(PolicyKind::NetworkPolicy)) == "NetworkPolicy");
}
