#include "runtime-loader/refusal.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;

namespace {

BundleProgram program() {
  BundleProgram out;
  out.digest = "ab12";
  out.source = "one\n\treturn np_allow(0);\nthree\n\treturn np_allow(0);\n";
  const auto place = [](const char* name, int line) {
    return std::string("{\"kind\":\"CiliumNetworkPolicy\",\"namespace\":\"a\",\"name\":\"") + name +
           "\",\"rule\":\"ingress[0]\",\"file\":\"p.yaml\",\"line\":" + std::to_string(line) + ",\"column\":3}";
  };
  out.source_map = "{\"lines\":[{\"line\":2,\"places\":[" + place("web", 7) + "]},{\"line\":4,\"places\":[" +
                   place("db", 9) + "]}]}";
  return out;
}

}  // namespace

TEST_CASE("the refused line of C leads to the policy") {
  CHECK(policy_places("x\n  at: return np_allow(0); @ ab12.c:4\n  | R2 invalid", program()) ==
        "\n  policy: p.yaml:9:3 (CiliumNetworkPolicy a/db, ingress[0])");
  // older kernels don't tell the line: every one that reads so
  CHECK(policy_places("  at: return np_allow(0);\n", program()) ==
        "\n  policy: p.yaml:7:3 (CiliumNetworkPolicy a/web, ingress[0])\n  policy: p.yaml:9:3 (CiliumNetworkPolicy "
        "a/db, ingress[0])");
}

TEST_CASE("the runtime's own lines lead nowhere") {
  CHECK(policy_places("  at: return np_allow(0); @ np_parse.h:2\n", program()).empty());
  CHECK(policy_places("no such thing", program()).empty());
  auto broken = program();
  broken.source_map = "{";
  CHECK(policy_places("  at: return np_allow(0);\n", broken).empty());
}
