#include "runtime-loader/attachment.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;

TEST_CASE("attach lines are JSON objects, one a line") {
  const auto lines = parse_attach_lines(
      "{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\"}\n\n"
      "{\"endpoint\":\"a/db\",\"ifname\":\"lxc2\",\"netns\":\"node\",\"ipv4\":\"10.0.0.7\",\"ipv6\":\"fd00::7\"}\r\n",
      "pods.jsonl");
  REQUIRE_MESSAGE(lines, lines.error().message);
  REQUIRE(lines->size() == 2);
  CHECK((*lines)[0].addresses.empty());
  CHECK((*lines)[1].netns == "node");
  CHECK((*lines)[1].addresses[1].to_string() == "fd00::7");
  CHECK(parse_attach_lines("", "pods.jsonl")->empty());
}

TEST_CASE("what is wrong in an attach file is named with its line") {
  struct Row {
    const char *line, *said;
  };
  const Row rows[] = {
      {"{\"endpoint\":\"a/web\",", "pods.jsonl:3: expected a JSON object"},
      {"[]", "pods.jsonl:3: expected a JSON object"},
      {"{\"endpoint\":\"web\",\"ifname\":\"lxc1\"}", "pods.jsonl:3: endpoint `web`: expected `namespace/name`"},
      {"{\"endpoint\":\"a/\",\"ifname\":\"lxc1\"}", "pods.jsonl:3: endpoint `a/`"},
      {"{\"endpoint\":\"a/web\"}", "pods.jsonl:3: `` is no name of an interface"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"a-name-of-16-char\"}", "is no name of an interface"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"a/b\"}", "is no name of an interface"},
      {"{\"endpoint\":\"a/web\",\"ifname\":7}", "pods.jsonl:3: `ifname`: expected a string"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"x\",\"ipv4\":\"fd00::1\"}",
       "pods.jsonl:3: `ipv4`: `fd00::1` is no such address"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"x\",\"ip\":\"10.0.0.1\"}", "pods.jsonl:3: unknown field `ip`"},
  };
  for (const Row& row : rows) {
    const auto lines = parse_attach_lines(
        "{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\"}\n\n" + std::string(row.line) + "\n", "pods.jsonl");
    CAPTURE(row.line);
    REQUIRE_FALSE(lines);
    CAPTURE(lines.error().message);
    CHECK(lines.error().kind == FailureKind::Input);
    CHECK(lines.error().message.find(row.said) != std::string::npos);
  }
}

TEST_CASE("an --attach option is an endpoint and an interface") {
  const auto request = parse_attach_option("a/web=lxc1");
  REQUIRE(request);
  CHECK(request->endpoint == "a/web");
  CHECK(request->ifname == "lxc1");
  CHECK_FALSE(parse_attach_option("a/web"));
  CHECK_FALSE(parse_attach_option("a/web="));
  CHECK_FALSE(parse_attach_option("web=lxc1"));
}
