// runtime-loader/test_bundle.h — a small bundle on disk for tests, as `netpolc compile` lays it
// out; its objects are no BPF.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "runtime-loader/sha256.h"

namespace netpolc::loader {

class TestDirectory {
 public:
  TestDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "netpolc-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path() const { return path_; }
  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
    std::ofstream(path_ + "/" + name, std::ios::binary) << content;
  }

 private:
  std::string path_;
};

// Two programs: web's (deployment web with pods web-1 and web-2, stateful set web of another
// namespace) and db's. Change `json`, then `write`, which fills in checksums and digest.
struct TestBundle {
  TestDirectory directory;
  nlohmann::ordered_json json;

  TestBundle() {
    const auto rule = [](int line) {
      return nlohmann::ordered_json{{"kind", "CiliumNetworkPolicy"},
                                    {"namespace", "a"},
                                    {"name", "web"},
                                    {"rule", "ingress[0]"},
                                    {"file", "web.yaml"},
                                    {"line", line},
                                    {"column", 5}};
    };
    const auto program = [](char digit, const char* tag, int rules) {
      nlohmann::ordered_json texts = nlohmann::ordered_json::array();
      for (int i = 0; i < rules; ++i) texts.push_back("allow from db to TCP 80");
      return nlohmann::ordered_json{{"digest", std::string(64, digit)},
                                    {"tag", tag},
                                    {"object", std::string("programs/") + digit + ".o"},
                                    {"enforcement", {{"ingress", "default-deny"}, {"egress", "none"}}},
                                    {"words", {{"ingress", 1}, {"egress", 1}}},
                                    {"ruleCount", {{"ingress", rules}, {"egress", 0}}},
                                    {"ruleTexts", {{"ingress", texts}, {"egress", nlohmann::ordered_json::array()}}},
                                    {"peers",
                                     {{"ingress", {{{"identity", 300}, {"words", {"0x0000000000000003"}}}}},
                                      {"egress", nlohmann::ordered_json::array()}}}};
    };
    const auto pod = [](const char* name, const char* node, const char* v4, const char* v6) {
      return nlohmann::ordered_json{{"name", name}, {"node", node}, {"ipv4", {v4}}, {"ipv6", {v6}}};
    };
    const auto endpoint = [&](const char* ns, const char* name, const char* kind, int identity, char digit,
                              nlohmann::ordered_json pods, nlohmann::ordered_json rules) {
      return nlohmann::ordered_json{
          {"name", name},
          {"namespace", ns},
          {"kind", kind},
          {"identity", identity},
          {"program", std::string(64, digit)},
          {"pods", std::move(pods)},
          {"rules", {{"ingress", std::move(rules)}, {"egress", nlohmann::ordered_json::array()}}}};
    };
    using Json = nlohmann::ordered_json;
    json = {{"apiVersion", "netpolc.dev/v1"},
            {"kind", "Bundle"},
            {"digest", ""},
            {"config", {{"world4", 9}, {"world6", 10}, {"tunnelPort", 8472}}}};
    json["programs"] = {program('a', "0x00000000000000aa", 1), program('b', "0x00000000000000bb", 0)};
    json["endpoints"] = {
        endpoint("a", "web", "Deployment", 301, 'a',
                 Json::array({pod("web-1", "one", "10.0.0.1", "fd00::1"), pod("web-2", "two", "10.0.0.2", "fd00::2")}),
                 Json::array({rule(12)})),
        endpoint("a", "db", "Pod", 300, 'b', Json::array({pod("db", "one", "10.0.0.3", "fd00::3")}), Json::array()),
        endpoint("b", "web", "StatefulSet", 302, 'a', Json::array(), Json::array({rule(20)}))};
    json["nodes"] = {{{"name", "one"}, {"addresses", {"192.168.0.1"}}, {"identity", 6}},
                     {{"name", "two"}, {"addresses", {"192.168.0.2"}}, {"identity", 7}}};
    json["identities"] = {{{"id", 300}, {"labels", {"k8s:app=db"}}}, {{"id", 301}, {"labels", {"k8s:app=web"}}}};
    json["addresses"] = {{{"prefix", "10.0.0.1/32"}, {"identity", 301}},
                         {{"prefix", "10.0.0.2/32"}, {"identity", 301}},
                         {{"prefix", "10.0.0.3/32"}, {"identity", 300}},
                         {{"prefix", "fd00::3/128"}, {"identity", 300}},
                         {{"prefix", "10.0.0.0/8"}, {"identity", 16777217}}};
    json["files"] = Json::object();
    directory.write("programs/a.o", "object a");
    directory.write("programs/b.o", "object b");
    json["files"]["programs/a.o"] = sha256_hex("object a");
    json["files"]["programs/b.o"] = sha256_hex("object b");
  }
  std::string text() const {
    auto signed_json = json;
    signed_json["digest"] = "";
    signed_json["digest"] = sha256_hex(signed_json.dump(1) + "\n");
    return signed_json.dump(1) + "\n";
  }
  void write() const { directory.write("bundle.json", text()); }
};

}  // namespace netpolc::loader
