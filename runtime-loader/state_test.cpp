#include "runtime-loader/state.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;

TEST_CASE("state is read as it was written") {
  State state;
  state.conntrack = 7;
  state.node = "one";
  state.loaded = "2026-01-02T03:04:05Z";
  state.bundle = std::string(64, 'a');
  Attachment it;
  it.endpoint = "a/web";
  it.ifname = "lxc1";
  it.netns = "node";
  it.ifindex = 12;
  it.netns_inode = 4026531840;
  it.bundle_endpoint = 3;
  it.mode = AttachMode::Clsact;
  state.attachments = state.pending = {it};
  state.unfinished = true;
  state.overrides = {{*Prefix::parse("10.0.0.1"), {"a/web", {}}},
                     {*Prefix::parse("fd00::/64"), {"", 9}},
                     {*Prefix::parse("10.0.0.2"), {}}};
  AddressOverride pod, outside;
  pod.key = IdentityKey{{*parse_label("k8s:app=web"), *parse_label("k8s:x")}, {{"http", 80, netpolc::ir::Protocol::Udp}}};
  outside.external = ExternalFacts{{"a.com"}, {*parse_label("cidrgroup:g=1")}, true};
  state.overrides[*Prefix::parse("10.0.0.3")] = pod;
  state.overrides[*Prefix::parse("192.0.2.0/24")] = outside;
  state.learned = {{65535, *pod.key}};
  state.attachments[0].addresses = {*Address::parse("10.0.0.9")};
  const auto read = parse_state(to_json(state), "state.json");
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(to_json(*read) == to_json(state));
  CHECK(read->attachments[0].mode == AttachMode::Clsact);
  CHECK(read->overrides.at(*Prefix::parse("fd00::/64")).identity == 9u);
  CHECK(read->overrides.at(*Prefix::parse("10.0.0.1")).endpoint == "a/web");
  CHECK(read->overrides.at(*Prefix::parse("10.0.0.3")).key == pod.key);
  CHECK(read->overrides.at(*Prefix::parse("192.0.2.0/24")).external == outside.external);
  CHECK(read->learned == state.learned);
  CHECK(read->unfinished);
  CHECK(read->pending.size() == 1);
  CHECK(read->attachments[0].addresses == state.attachments[0].addresses);
}

TEST_CASE("damaged state names the way out") {
  for (const char* text : {"", "{}", "{\"version\":2}", "null", "{\"version\":1,\"conntrack\":-1}"}) {
    CAPTURE(text);
    const auto read = parse_state(text, "state.json");
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find("`netpol-loader unload` removes") != std::string::npos);
  }
}
