#include "runtime-loader/cni/plugin.h"

#include <doctest/doctest.h>

#include <map>
#include <sstream>

using namespace netpolc::cni;
using Json = nlohmann::ordered_json;

namespace {

const std::map<std::string, std::string> kPod = {{"CNI_CONTAINERID", "c1"}, {"CNI_NETNS", "/run/netns/pod"}, {"CNI_IFNAME", "eth0"}, {"CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=a;K8S_POD_NAME=web-0"}};

Json previous() {
  return {{"cniVersion", "1.0.0"},
          {"interfaces", {{{"name", "cni0"}, {"mac", "00:11:22:33:44:55"}}, {{"name", "veth7"}}, {{"name", "eth0"}, {"sandbox", "/run/netns/pod"}}}},
          {"ips", {{{"address", "10.0.0.5/24"}, {"interface", 2}}, {{"address", "fd00::5/64"}}, {{"address", "10.9.9.9/24"}, {"interface", 0}}}}};
}
Json config() { return {{"cniVersion", "1.0.0"}, {"name", "net"}, {"type", "netpol-cni"}, {"socket", "/nowhere/feed.sock"}, {"prevResult", previous()}}; }

Result<std::string> veth7(const std::string&, const std::string&) { return std::string("veth7"); }

struct Said {
  int code = 0;
  std::string out, err;
  int error() const { return Json::parse(out).at("code").get<int>(); }
};
Said call(const char* command, const std::string& input, std::map<std::string, std::string> with = kPod, const PeerOf& peer = veth7) {
  if (command != nullptr) with["CNI_COMMAND"] = command;
  std::ostringstream out, err;
  Said said;
  said.code = run([&](const char* name) { return with.contains(name) ? with.at(name).c_str() : nullptr; }, input, out, err, peer);
  said.out = out.str(), said.err = err.str();
  return said;
}
std::map<std::string, std::string> but(const char* name, const char* value) {
  auto out = kPod;
  if (value == nullptr) out.erase(name);
  else out[name] = value;
  return out;
}
Json with(const char* key, Json value) {
  Json out = config();
  out[key] = std::move(value);
  return out;
}

}  // namespace

TEST_CASE("VERSION says what is asked for and what there is") {
  const auto said = call("VERSION", R"({"cniVersion":"0.4.0"})", {});
  CHECK(said.code == 0);
  CHECK(said.out == "{\"cniVersion\":\"0.4.0\",\"supportedVersions\":[\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n");
  CHECK(Json::parse(call("VERSION", "", {}).out).at("cniVersion") == "1.1.0");
  CHECK(Json::parse(call("VERSION", R"({"cniVersion":"9.0.0"})", {}).out).at("cniVersion") == "1.1.0");
}

TEST_CASE("what is wrong is an error object of its code") {
  const auto refuses = [](int code, const Said& said) {
    CAPTURE(said.out);
    CHECK(said.code == 1);
    CHECK(said.error() == code);
    CHECK_FALSE(Json::parse(said.out).at("msg").get<std::string>().empty());
    CHECK(Json::parse(said.out).contains("cniVersion"));
  };
  const std::string good = config().dump();
  refuses(4, call(nullptr, good));
  refuses(4, call("UP", good));
  refuses(4, call("ADD", good, but("CNI_CONTAINERID", nullptr)));
  refuses(4, call("ADD", good, but("CNI_NETNS", nullptr)));
  refuses(4, call("ADD", good, but("CNI_IFNAME", nullptr)));
  refuses(4, call("ADD", good, but("CNI_IFNAME", "no/name")));
  refuses(4, call("ADD", good, but("CNI_ARGS", nullptr)));
  refuses(4, call("ADD", good, but("CNI_ARGS", "K8S_POD_NAMESPACE=a;K8S_POD_NAME=")));
  refuses(4, call("ADD", good, but("CNI_ARGS", "K8S_POD_NAMESPACE=a;K8S_POD_NAME=x/../y")));
  refuses(6, call("ADD", "{"));
  refuses(6, call("ADD", "[]"));
  refuses(1, call("ADD", with("cniVersion", "0.2.0").dump()));
  refuses(1, call("ADD", with("cniVersion", 1).dump()));
  refuses(1, call("CHECK", with("cniVersion", "0.3.1").dump()));
  refuses(1, call("STATUS", good));
  refuses(7, call("ADD", with("prevResult", nullptr).dump()));
  refuses(7, call("ADD", with("prevResult", "x").dump()));
  refuses(7, call("ADD", with("socket", "feed.sock").dump()));
  refuses(7, call("ADD", with("socket", "/" + std::string(107, 'x')).dump()));
  refuses(7, call("ADD", with("onMissingDaemon", "maybe").dump()));
  for (const Json& wait : {Json(0), Json(-1), Json(60001), Json("1"), Json(1.5)}) refuses(7, call("ADD", with("timeoutMs", wait).dump()));
  refuses(11, call("ADD", good));  // no daemon
  refuses(11, call("CHECK", good));
  refuses(50, call("STATUS", with("cniVersion", "1.1.0").dump()));
}

TEST_CASE("without a daemon a pod starts only where that is allowed, and is always deleted") {
  const auto allowed = call("ADD", with("onMissingDaemon", "allow").dump());
  CHECK(allowed.code == 0);
  CHECK(Json::parse(allowed.out) == previous());
  CHECK(allowed.err.find("goes on without the daemon") != std::string::npos);
  for (const Json& one : {config(), with("prevResult", nullptr)}) {
    const auto deleted = call("DEL", one.dump());
    CHECK(deleted.code == 0);
    CHECK(deleted.out.empty());
    CHECK_FALSE(deleted.err.empty());
  }
  CHECK(call("DEL", config().dump(), but("CNI_NETNS", nullptr)).code == 0);
  CHECK(call("GC", with("cniVersion", "1.1.0").dump(), {}).code == 0);
}

TEST_CASE("the host's end is what the kernel says, and no other than what was made") {
  const auto found = pod_interface(previous(), "/run/netns/pod", "eth0", veth7);
  REQUIRE(found);
  CHECK(found->host_end == "veth7");
  CHECK(found->ipv4 == std::vector<std::string>{"10.0.0.5"});  // not the bridge's
  CHECK(found->ipv6 == std::vector<std::string>{"fd00::5"});
  CHECK(pod_interface(previous(), "/proc/7/ns/net", "eth0", veth7));  // another name of the same
  CHECK_FALSE(pod_interface(previous(), "/run/netns/pod", "eth1", veth7));
  const auto other = pod_interface(previous(), "/run/netns/pod", "eth0", [](const auto&, const auto&) -> Result<std::string> { return std::string("veth8"); });
  REQUIRE_FALSE(other);
  CHECK(other.error().details == "interfaces of the host there: cni0, veth7");
  Json alone = previous();
  alone["interfaces"] = {{{"name", "eth0"}, {"sandbox", "/run/netns/pod"}}};
  alone["ips"] = Json::array();
  CHECK(pod_interface(alone, "/run/netns/pod", "eth0", veth7)->host_end == "veth7");
  for (const Json& odd : {Json{{"interfaces", 5}}, Json{{"interfaces", {5, nullptr}}}, Json::object()}) CHECK_FALSE(pod_interface(odd, "/run/netns/pod", "eth0", veth7));
  Json bad = previous();
  bad["ips"][0]["address"] = "10.0.0.500/24";
  CHECK_FALSE(pod_interface(bad, "/run/netns/pod", "eth0", veth7));
}
