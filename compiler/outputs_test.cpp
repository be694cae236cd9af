#include "compiler/outputs.h"

#include <doctest/doctest.h>

using namespace netpolc::compiler;

TEST_CASE("a document says what it is before anything else") {
  CHECK(with_kind("VerifyResult", "{\"verdict\":\"ALLOWED\"}\n") == "{\"apiVersion\":\"netpolc.dev/v1\",\"kind\":\"VerifyResult\",\"verdict\":\"ALLOWED\"}\n");
}

TEST_CASE("YAML of a document: keys in their order, collections below their keys") {
  CHECK(*as_yaml(R"({"kind":"K","list":[{"a":1,"b":[]},{"c":{}}],"none":null,"deep":{"size":-1.50e3,"yes":true}})") ==
        "kind: K\n"
        "list:\n"
        "  - a: 1\n"
        "    b: []\n"
        "  - c: {}\n"
        "none: null\n"
        "deep:\n"
        "  size: -1.50e3\n"
        "  \"yes\": true\n");
  CHECK(*as_yaml("[]\n") == "[]\n");
  CHECK(*as_yaml(R"([{"id":256},{"id":257}])") == "- id: 256\n- id: 257\n");
}

TEST_CASE("strings that another reader could take for something else are quoted") {
  for (const char* text : {"1", "0x10", "1e3", "1_000", "0o7", "010", ".5", "-", "~", "null", "true", "no", "on", "y", "", " a", "a ", "a: b", "a #b", "#a", "*", "&a", "!t", "|", "%", "@a", "`a", "{}", "[]", "2001-01-01", "12:30:00", "=", "<<", "k8s:app=cart", "10.0.0.0/8", "a\\\"b"}) {
    const std::string json = std::string("{\"v\":\"") + (std::string(text) == "a\\\"b" ? "a\\\\\\\"b" : text) + "\"}";
    CHECK_MESSAGE(as_yaml(json)->starts_with("v: \""), json);
  }
  CHECK(*as_yaml(R"({"v":"shop"})") == "v: shop\n");
  CHECK(*as_yaml(R"({"v":"a\nb\u0001\u2028é"})") == "v: \"a\\nb\\u0001\\u2028é\"\n");
}

TEST_CASE("what is no document is refused in words") {
  CHECK(as_yaml("").error() == "the answer can't be shown as YAML: it is 0 documents");
  CHECK(as_yaml("{\"a\":1}\n{\"b\":2}\n").error() == "the answer can't be shown as YAML: it is 2 documents");
  CHECK_FALSE(as_yaml("{\"a\":\"\xff\"}"));
}

TEST_CASE("yaml is a form wherever json is one") {
  const auto with = outputs_of({"text", "yaml=out.yaml"}, {"text", "json", "sarif"});
  REQUIRE(with);
  CHECK(with->back().format == "yaml");
  CHECK(outputs_of({"yaml"}, {"text", "jsonl", "sarif"}).error().find("expected text, jsonl or sarif") != std::string::npos);
  CHECK(is_document("yaml"));
  CHECK_FALSE(is_document("jsonl"));
}

TEST_CASE("no file is written twice") {
  CHECK(outputs_of({"json=a", "sarif=b"}, {"text", "json", "sarif"}));
  CHECK(outputs_of({"json=a", "sarif=a"}, {"text", "json", "sarif"}).error() == "-o sarif=a: another form is for that file, too");
}
