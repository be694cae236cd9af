#include "compiler/label_selector.h"

#include <doctest/doctest.h>

#include "ir/eval/match.h"

using namespace netpolc;

namespace {

bool holds(const std::string& text) {
  const ir::LabelSet labels{{"k8s", "app", "web"}, {"k8s", "empty", ""}, {"k8s", "io.kubernetes.pod.namespace", "shop"}};
  const auto selector = compiler::label_selector(text);
  REQUIRE(selector);
  return ir::eval::matches(*selector, labels);
}

}  // namespace

TEST_CASE("kubectl's forms of equality select") {
  for (const char* yes : {"", "app=web", "app==web", "k8s:app=web", "app", "!tier", "app!=db", "tier!=x", "app=web,!tier", "empty=", "io.kubernetes.pod.namespace=shop"}) CHECK_MESSAGE(holds(yes), yes);
  for (const char* no : {"app=db", "cilium:app=web", "tier", "!app", "app!=web", "app=web,tier=x", "app="}) CHECK_MESSAGE(!holds(no), no);
}

TEST_CASE("what is no such form is refused") {
  for (const char* bad : {"app in (web)", "app notin (web", "=web", "!", "!app=web", ",", "app=a b", "a=b=c"}) CHECK_MESSAGE(!compiler::label_selector(bad), bad);
}
