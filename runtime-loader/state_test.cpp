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
  state.number = 8;
  state.attachments[0].program = std::string(64, 'b');
  state.attachments[0].labels = {"k8s:app=web"};
  state.attachments[0].origin = "feed";
  Attachment unknown;
  unknown.endpoint = "a/new";
  unknown.bundle_endpoint = kNoEndpoint;
  unknown.blocked = "nobody knows it";
  state.attachments.push_back(unknown);
  state.tags = {{"x_from", 0xfedcba9876543210}};
  state.external = {"eth0"};
  state.host = {{"eth0", "eth1"}, false, true};
  state.fresh = NewEndpoints::Allow;
  state.mode = AttachMode::Tcx;
  state.exact_names = true;
  state.signer = "key 1234: by me";
  state.set_aside = std::string(64, 'c');
  state.previous = static_cast<const GenerationState&>(state);
  state.previous->number = 7;
  state.confirm = Confirmation{"boot", 12345678901234567890u};
  const auto read = parse_state(to_json(state), "state.json");
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(read->number == 8);
  REQUIRE(read->previous);
  CHECK(read->previous->number == 7);
  CHECK(read->previous->attachments[1].bundle_endpoint == kNoEndpoint);
  CHECK(read->attachments[1].blocked == "nobody knows it");
  CHECK(read->confirm->deadline == 12345678901234567890u);
  CHECK(read->fresh == NewEndpoints::Allow);
  CHECK(read->tags == state.tags);
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
  for (const char* text : {"", "{}", "{\"version\":3}", "null", "{\"version\":2,\"conntrack\":-1}"}) {
    CAPTURE(text);
    const auto read = parse_state(text, "state.json");
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find("`netpol-loader unload` removes") != std::string::npos);
  }
}
