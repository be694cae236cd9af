#include "runtime-loader/plan.h"

#include <doctest/doctest.h>

#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;

namespace {

Bundle made() {
  TestBundle bundle;
  bundle.write();
  return *read_bundle(bundle.directory.path());
}
Prefix prefix(const char* text) { return *Prefix::parse(text); }

std::vector<ResolvedRequest> resolved(const Bundle& bundle, const std::vector<AttachRequest>& requests) {
  std::vector<ResolvedRequest> out;
  for (const AttachRequest& it : requests) out.push_back({it, *find_endpoint(bundle, it.endpoint)});
  return out;
}

AddressIdentities planned(const Bundle& bundle, const std::string& node, const std::vector<AttachRequest>& requests,
                          const std::map<Prefix, AddressOverride>& overrides = {}) {
  const auto all = addresses(bundle, {node}, resolved(bundle, requests), overrides);
  REQUIRE(all);
  return all->addresses;
}

}  // namespace

TEST_CASE("the local node is the host, other nodes are as the bundle says") {
  const Bundle bundle = made();
  auto one = planned(bundle, "one", {}), none = planned(bundle, "", {});
  CHECK(one.at(prefix("192.168.0.1")) == 1);
  CHECK(one.at(prefix("192.168.0.2")) == 7);
  CHECK(planned(bundle, "two", {}).at(prefix("192.168.0.1")) == 6);
  CHECK(none.at(prefix("192.168.0.1")) == 6);
  CHECK(one.at(prefix("10.0.0.0/8")) == 16777217);
}

TEST_CASE("addresses of an attachment replace its pod's of that family") {
  const Bundle bundle = made();
  auto all = planned(bundle, "one", {{"a/db", "lxc", "", {*Address::parse("10.0.0.77")}}});
  CHECK_FALSE(all.contains(prefix("10.0.0.3")));
  CHECK(all.at(prefix("10.0.0.77")) == 300);
  CHECK(all.at(prefix("fd00::3")) == 300);  // nothing was said of IPv6
  // of a workload of two pods nobody knows which moved
  all = planned(bundle, "one", {{"a/web", "lxc", "", {*Address::parse("10.0.0.78")}}});
  CHECK(all.contains(prefix("10.0.0.1")));
  CHECK(all.contains(prefix("10.0.0.2")));
  all = planned(bundle, "one", {{"a/web-2", "lxc", "", {*Address::parse("10.0.0.78")}}});
  CHECK(all.contains(prefix("10.0.0.1")));
  CHECK_FALSE(all.contains(prefix("10.0.0.2")));
}

TEST_CASE("two pods may swap their addresses") {
  const auto all = planned(
      made(), "one",
      {{"a/db", "lxc1", "", {*Address::parse("10.0.0.1")}}, {"a/web-1", "lxc2", "", {*Address::parse("10.0.0.3")}}});
  CHECK(all.at(prefix("10.0.0.1")) == 300);
  CHECK(all.at(prefix("10.0.0.3")) == 301);
}

TEST_CASE("what was said at run time comes last") {
  const Bundle bundle = made();
  const std::map<Prefix, AddressOverride> said = {
      {prefix("10.0.0.1"), {"a/db"}}, {prefix("10.0.0.3"), {}}, {prefix("10.5.0.0/16"), {"", 77}}};
  const auto all = planned(bundle, "one", {}, said);
  CHECK(all.at(prefix("10.0.0.1")) == 300);
  CHECK_FALSE(all.contains(prefix("10.0.0.3")));
  CHECK(all.at(prefix("10.5.0.0/16")) == 77);

  CHECK(surviving(said, bundle, bundle.digest).size() == 3);
  const auto left = surviving(said, bundle, std::string(64, '0'));  // another bundle was loaded then
  REQUIRE(left.size() == 1);
  CHECK(left.begin()->first == prefix("10.5.0.0/16"));
  CHECK(surviving({{prefix("10.6.0.1"), {"a/gone", {}}}}, bundle, std::string(64, '0')).empty());
}

TEST_CASE("an identity that was said by its number is the same under another bundle's numbers") {
  const Bundle bundle = made();
  const LearnedIdentities learned = {{65535, IdentityKey{{*parse_label("k8s:app=batch")}, {}}}};
  const auto said = in_words({{prefix("10.0.0.61"), {"", 301}},
                              {prefix("10.0.0.62"), {"", 65535}},
                              {prefix("10.0.0.63"), {"", 6}},
                              {prefix("10.0.0.64"), {"", 4242}},
                              {prefix("10.0.0.65"), {"a/db"}},
                              {prefix("10.0.0.66"), {}}},
                             bundle, learned);
  CHECK(said.size() == 5);
  CHECK_FALSE(said.contains(prefix("10.0.0.64")));  // nobody knows who that was
  CHECK(said.at(prefix("10.0.0.63")).identity == 6u);
  CHECK(said.at(prefix("10.0.0.65")).endpoint == "a/db");
  Bundle next = made();
  std::swap(next.identities.at(300), next.identities.at(301));
  next.identities[65535] = {"k8s:app=other"};
  const auto all = addresses(next, {"one"}, {}, said, learned);
  REQUIRE(all);
  CHECK(all->addresses.at(prefix("10.0.0.61")) == 300);
  const std::uint32_t batch = all->addresses.at(prefix("10.0.0.62"));
  CHECK(batch != 65535);
  CHECK(all->learned.at(batch).labels == netpolc::ir::LabelSet{*parse_label("k8s:app=batch")});
  CHECK(all->addresses.at(prefix("10.0.0.63")) == 6);
}

TEST_CASE("the node is the one asked for, or the host if the bundle knows it") {
  const Bundle bundle = made();
  CHECK(choose_node(bundle, "two", "one") == std::string("two"));
  CHECK(choose_node(bundle, "", "one") == std::string("one"));
  CHECK(choose_node(bundle, "", "laptop") == std::string());
  const auto unknown = choose_node(bundle, "three", "one");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message == "node `three` is not in the bundle: its nodes are one, two");
}

TEST_CASE("of which families a pod's source is looked at") {
  Bundle bundle = made();
  for (BundlePod& pod : bundle.endpoints[*find_endpoint(bundle, "a/web-1")].pods)
    std::erase_if(pod.addresses, [](const Address& address) { return address.v6; });
  const auto families = [&](const std::vector<AttachRequest>& requests, std::vector<int> ifindexes) {
    std::vector<Attachment> attachments(requests.size());
    for (std::size_t i = 0; i < ifindexes.size(); ++i) attachments[i].ifindex = ifindexes[i];
    return interfaces(bundle, resolved(bundle, requests), attachments);
  };
  const AttachRequest db{"a/db", "lxc1", "", {}}, web{"a/web", "lxc2", "", {}};
  auto all = families({db, web}, {7, 8});
  CHECK(all.at(7).identity == 300);
  CHECK(all.at(7).flags == (NP_SOURCE_IPV4 | NP_SOURCE_IPV6));
  CHECK(all.at(8).identity == 301);
  CHECK(all.at(8).flags == NP_SOURCE_IPV4);
  all = families({{"a/web", "lxc2", "", {*Address::parse("fd00::77")}}}, {8});
  CHECK(all.at(8).flags == (NP_SOURCE_IPV4 | NP_SOURCE_IPV6));
  // one number in two namespaces
  all = families({db, web}, {7, 7});
  CHECK(all.at(7).flags == 0);
}
