#include "runtime-loader/xdp_plan.h"

#include <doctest/doctest.h>

#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;
namespace ir = netpolc::ir;

namespace {

constexpr std::uint32_t kPartner = 16777217;

std::vector<ir::DeniedRange> everything(bool by_rule = false) {
  std::vector<ir::DeniedRange> out;
  for (const auto protocol : {ir::Protocol::Tcp, ir::Protocol::Udp, ir::Protocol::Sctp, ir::Protocol::Icmp, ir::Protocol::Icmpv6}) out.push_back({protocol, 0, 65535, by_rule});
  return out;
}

Address at(const char* text) { return *Address::parse(text); }

// web-1 and db on a node; web denies everything from the world, db all but UDP from it.
struct Node {
  Bundle bundle;
  std::vector<ResolvedRequest> requests;
  std::vector<Attachment> attachments;
  AddressIdentities addresses;
  std::map<Prefix, AddressOverride> overrides;

  Node() {
    bundle.world4 = 9;
    bundle.world6 = 10;
    bundle.xdp.object = "programs/np_xdp.o";
    bundle.programs.resize(3);
    auto no_udp = everything();
    no_udp.erase(no_udp.begin() + 1);
    bundle.programs[0].outside = {{{9, 10, kPartner}, everything(), true}};
    bundle.programs[1].outside = {{{9, 10}, no_udp, true}, {{kPartner}, everything(), false}};
    add("web", 301, 0, {"10.0.0.1", "fd00::1"}, 7);
    add("db", 302, 1, {"10.0.0.2"}, 8);
    add("open", 303, 2, {"10.0.0.3"}, 9);
    addresses[*Prefix::parse("198.51.100.0/24")] = kPartner;
  }
  void add(const std::string& name, std::uint32_t identity, std::size_t program, const std::vector<const char*>& own, int ifindex) {
    BundleEndpoint endpoint;
    endpoint.ns = "a";
    endpoint.name = name;
    endpoint.identity = identity;
    endpoint.program = program;
    endpoint.pods = {{name, "one", {}}};
    for (const char* address : own) {
      endpoint.pods[0].addresses.push_back(at(address));
      addresses[*Prefix::parse(address)] = identity;
    }
    bundle.endpoints.push_back(endpoint);
    requests.push_back({AttachRequest{"a/" + name, "lxc" + name, "", {}, false}, bundle.endpoints.size() - 1});
    Attachment attachment;
    attachment.ifindex = ifindex;
    attachment.netns_inode = 1;
    attachment.bundle_endpoint = bundle.endpoints.size() - 1;
    attachments.push_back(attachment);
  }
  OutsidePlan plan() const { return plan_outside(bundle, requests, attachments, addresses, overrides, 1); }
};

}  // namespace

TEST_CASE("what all pods deny that deny anything, at their addresses") {
  const OutsidePlan plan = Node().plan();
  CHECK(plan.nothing == "");
  CHECK(plan.local == std::map<Address, std::uint32_t>{{at("10.0.0.1"), 7}, {at("10.0.0.2"), 8}, {at("fd00::1"), 7}});
  REQUIRE(plan.classes.size() == 2);
  CHECK(plan.class_of(9) == 1);
  CHECK(plan.class_of(10) == 1);
  CHECK(plan.class_of(kPartner) == 2);
  CHECK(plan.class_of(301) == 0);
  CHECK(plan.classes[0].egress_denied);
  CHECK_FALSE(plan.classes[1].egress_denied);
  CHECK(plan.prefixes);
  CHECK_FALSE(plan.services);
  const np_denied world = denied_ports(plan.classes[0]);
  CHECK(world.denied[0][0] == ~0ull);
  CHECK(world.denied[1][0] == 0);
  CHECK(world.echo[0] == NP_REASON_DEFAULT_DENY);
  CHECK(world.nothing_sent == 0);
}

TEST_CASE("pods in audit mode, elsewhere, or of uncertain address are not guarded") {
  Node audited;
  audited.attachments[1].audit = true;
  OutsidePlan plan = audited.plan();
  CHECK(plan.local.count(at("10.0.0.2")) == 0);
  CHECK(plan.classes.size() == 1);  // web's alone counts

  Node elsewhere;
  elsewhere.attachments[0].netns_inode = 2;
  CHECK(elsewhere.plan().local == std::map<Address, std::uint32_t>{{at("10.0.0.2"), 8}});

  Node spoken_of;
  spoken_of.overrides[*Prefix::parse("10.0.0.0/30")] = {};
  CHECK(spoken_of.plan().local == std::map<Address, std::uint32_t>{{at("fd00::1"), 7}});

  Node twice;
  twice.requests[1].request.addresses = {at("10.0.0.1")};
  CHECK(twice.plan().local == std::map<Address, std::uint32_t>{{at("fd00::1"), 7}});

  Node others;
  others.addresses[*Prefix::parse("10.0.0.1")] = 999;
  CHECK(others.plan().local.count(at("10.0.0.1")) == 0);

  Node replicas;
  replicas.bundle.endpoints[0].pods.push_back({"another", "one", {}});
  replicas.bundle.endpoints[0].name = "deployment";
  replicas.requests[0].request.endpoint = "a/deployment";
  CHECK(replicas.plan().local == std::map<Address, std::uint32_t>{{at("10.0.0.2"), 8}});
}

TEST_CASE("an address that came with the attachment is the pod's, in place of the bundle's of its family") {
  Node node;
  node.requests[0].request.addresses = {at("10.0.0.77")};
  node.addresses[*Prefix::parse("10.0.0.77")] = 301;
  const OutsidePlan plan = node.plan();
  CHECK(plan.local.count(at("10.0.0.77")) == 1);
  CHECK(plan.local.count(at("10.0.0.1")) == 0);
  CHECK(plan.local.count(at("fd00::1")) == 1);
}

TEST_CASE("why there is nothing to drop") {
  Node node;
  node.bundle.programs[1].outside = {{{kPartner}, everything(), false}};
  node.bundle.programs[0].outside = {{{9, 10}, everything(), false}};
  CHECK(node.plan().nothing.find("denied by the policies of all pods") != std::string::npos);
  node.bundle.programs[0].outside = node.bundle.programs[1].outside = {};
  CHECK(node.plan().nothing.find("no policy of a pod attached here") == 0);
  node.bundle.xdp.object = "";
  CHECK(node.plan().nothing.find("no policy of the bundle") == 0);
}

TEST_CASE("what stands behind services is listed, but a pod's address is the pod's") {
  Node node;
  node.bundle.xdp.services = true;
  node.bundle.xdp.behind_services = {at("203.0.113.9"), at("10.0.0.1")};
  const OutsidePlan plan = node.plan();
  CHECK(plan.services);
  CHECK(plan.local.at(at("203.0.113.9")) == 0);
  CHECK(plan.local.at(at("10.0.0.1")) == 7);
}

TEST_CASE("ranges as bits, with the reason") {
  ir::DeniedGroup group{{9}, {{ir::Protocol::Tcp, 63, 64, true}, {ir::Protocol::Tcp, 65535, 65535, false}, {ir::Protocol::Sctp, 1, 1, false}, {ir::Protocol::Icmp, 0, 7, true}, {ir::Protocol::Icmpv6, 128, 128, true}}, false};
  const np_denied denied = denied_ports(group);
  CHECK(denied.denied[0][0] == 1ull << 63);
  CHECK(denied.denied[0][1] == 1);
  CHECK(denied.denied[0][1023] == 1ull << 63);
  CHECK(denied.by_rule[0][0] == 1ull << 63);
  CHECK(denied.by_rule[0][1023] == 0);
  CHECK(denied.denied[2][0] == 2);
  CHECK(denied.denied[1][0] == 0);
  CHECK(denied.echo[0] == 0);
  CHECK(denied.echo[1] == NP_REASON_DENY);
}

TEST_CASE("more classes than the map has: the world's stays, then those of the most") {
  Node node;
  ir::DeniedOutside many;
  for (std::uint32_t i = 0; i < 80; ++i) many.push_back({{kPartner + 2 * i, kPartner + 2 * i + 1}, {{ir::Protocol::Tcp, static_cast<std::uint16_t>(i), 65535, false}}, false});
  many.push_back({{9}, everything(), false});
  node.bundle.programs[0].outside = node.bundle.programs[1].outside = many;
  const OutsidePlan plan = node.plan();
  CHECK(plan.classes.size() == NP_OUTSIDE_CLASSES - 1);
  CHECK(plan.class_of(9) == 1);
}

TEST_CASE("who an address is: the longest prefix counts") {
  Node node;
  node.addresses[*Prefix::parse("198.51.100.128/25")] = 5000;
  CHECK(identity_of(node.bundle, node.addresses, at("198.51.100.1")) == kPartner);
  CHECK(identity_of(node.bundle, node.addresses, at("198.51.100.129")) == 5000);
  CHECK(identity_of(node.bundle, node.addresses, at("10.0.0.2")) == 302);
  CHECK(identity_of(node.bundle, node.addresses, at("10.0.0.4")) == 9);
  CHECK(identity_of(node.bundle, node.addresses, at("fd00::4")) == 10);
}

TEST_CASE("a bundle's words on what is denied from outside are read, and checked") {
  TestBundle on_disk;
  on_disk.json["programs"][0]["outside"] = nlohmann::ordered_json::parse(R"([{"identities": [[9, 10], [16777217, 16777217]], "denied": [["TCP", 0, 79, "default"], ["ICMPv6", 128, 128, "rule"]], "egressDenied": true}])");
  on_disk.json["xdp"] = {{"object", "programs/np_xdp.o"}, {"services", true}, {"behindServices", {"203.0.113.9"}}};
  on_disk.directory.write("programs/np_xdp.o", "object");
  on_disk.json["files"]["programs/np_xdp.o"] = netpolc::loader::sha256_hex("object");
  on_disk.write();
  const auto bundle = read_bundle(on_disk.directory.path());
  REQUIRE(bundle);
  CHECK(bundle->programs[0].outside ==
        ir::DeniedOutside{{{9, 10, kPartner}, {{ir::Protocol::Tcp, 0, 79, false}, {ir::Protocol::Icmpv6, 128, 128, true}}, true}});
  CHECK(bundle->programs[1].outside.empty());
  CHECK(bundle->xdp.bytes == "object");
  CHECK(bundle->xdp.services);
  CHECK(bundle->xdp.behind_services == std::vector<Address>{at("203.0.113.9")});

  const auto refused = [&](const char* denied) {
    on_disk.json["programs"][0]["outside"][0]["denied"] = nlohmann::ordered_json::parse(denied);
    on_disk.write();
    const auto read = read_bundle(on_disk.directory.path());
    return read ? std::string() : read.error().message;
  };
  CHECK(refused(R"([["TCP", 0, 79]])").find("expected a protocol, two numbers") != std::string::npos);
  CHECK(refused(R"([["GRE", 0, 79, "rule"]])").find("expected TCP, UDP") != std::string::npos);
  CHECK(refused(R"([["TCP", 80, 79, "rule"]])").find("is no range") != std::string::npos);
  CHECK(refused(R"([["TCP", 0, 65536, "rule"]])").find("65535") != std::string::npos);
  CHECK(refused(R"([["TCP", 0, 1, "perhaps"]])").find("is no range") != std::string::npos);
}
