#include "runtime-loader/node_plan.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;

namespace {

Bundle made() {
  TestBundle bundle;
  bundle.write();
  return *read_bundle(bundle.directory.path());
}

NodeRequest going_on(NewEndpoints fresh = NewEndpoints::Deny) {
  NodeRequest out;
  out.fresh = fresh;
  out.keep_going = true;
  return out;
}

Attachment known(const char* endpoint, const char* ifname, int ifindex) {
  Attachment it;
  it.endpoint = endpoint;
  it.ifname = ifname;
  it.ifindex = ifindex;
  it.netns_inode = 1;
  return it;
}

}  // namespace

TEST_CASE("an interface that is missing or given twice is an input error") {
  const Bundle bundle = made();
  const auto missing = plan_node(bundle, {}, {{"a/web", "nosuch0", "", {}}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == FailureKind::Input);
  CHECK(missing.error().message.find("a/web: interface `nosuch0`") == 0);
  const auto twice = plan_node(bundle, {}, {{"a/web", "lo", "", {}}, {"a/db", "lo", "", {}}});
  REQUIRE_FALSE(twice);
  CHECK(twice.error().message == "interface `lo` is given twice, for a/web and for a/db");
  CHECK_FALSE(plan_node(bundle, {}, {{"a/web", "lo", "no-such-netns", {}}}));
  CHECK_FALSE(plan_node(bundle, {}, {{"a/nobody", "lo", "", {}}}));
  const Address address = *Address::parse("10.0.0.9");
  const auto shared = plan_node(bundle, {}, {{"a/web-1", "lxc1", "", {address}}, {"a/db", "lxc2", "", {address}}});
  REQUIRE_FALSE(shared);
  CHECK(shared.error().message == "address 10.0.0.9 is given twice, for a/web-1 and for a/db");
}

TEST_CASE("an interface that is known is not looked for again") {
  const Bundle bundle = made();
  const auto plan = plan_node(bundle, {}, {{"a/db", "gone0", "", {}}}, {known("a/web", "gone0", 7)});
  REQUIRE_MESSAGE(plan, plan.error().message);
  REQUIRE(plan->attachments.size() == 1);
  CHECK(plan->attachments[0].ifindex == 7);
  CHECK(plan->attachments[0].endpoint == "a/db");
  CHECK(plan->attachments[0].program == bundle.programs[bundle.endpoints[*find_endpoint(bundle, "a/db")].program].digest);
}

TEST_CASE("who the bundle doesn't know is blocked where policies speak of his namespace") {
  const Bundle bundle = made();
  const std::vector<Attachment> there = {known("a/new", "if1", 1), known("z/new", "if2", 2), known("a/web", "if3", 3)};
  const std::vector<AttachRequest> requests = requested(there);
  CHECK_FALSE(plan_node(bundle, {}, requests, there));
  const auto denied = plan_node(bundle, going_on(), requests, there);
  REQUIRE_MESSAGE(denied, denied.error().message);
  CHECK(denied->attachments[0].blocked.find("endpoint `a/new` is not in the bundle") == 0);
  CHECK(denied->attachments[0].wants_program());
  CHECK(denied->attachments[0].bundle_endpoint == kNoEndpoint);
  CHECK(denied->attachments[1].open.find("no policy speaks of namespace z") != std::string::npos);
  CHECK_FALSE(denied->attachments[1].wants_program());
  CHECK(with_program(denied->attachments).size() == 1);
  CHECK(known_to_bundle(denied->attachments).size() == 1);
  const auto allowed = plan_node(bundle, going_on(NewEndpoints::Allow), requests, there);
  REQUIRE(allowed);
  CHECK(allowed->attachments[0].open.find("new endpoints are allowed") != std::string::npos);
}

TEST_CASE("who can't be asked for isn't gone") {
  const TestDirectory dir;
  std::filesystem::create_symlink("loop", dir.path() + "/loop");
  const std::string netns = dir.path() + "/loop";  // there, and can't be opened
  const auto plan = plan_node(made(), going_on(), {{"a/web", "if1", netns, {}}, {"a/db", "if1", "", {}}}, {known("a/db", "if1", 4)});
  REQUIRE_FALSE(plan);
  CHECK(plan.error().kind == FailureKind::Kernel);
  Attachment there = known("a/web", "if1", 7);
  there.netns = netns;
  const auto kept = plan_node(made(), going_on(), {there}, {there});
  REQUIRE(kept);
  CHECK(kept->attachments.at(0).ifindex == 7);
}

TEST_CASE("what the daemon was asked for fails nobody else's load") {
  AttachRequest missing{"a/web", "nosuch0", "", {}}, unknown{"a/new", "if2", "", {}};
  const std::vector<Attachment> there = {known("a/db", "if1", 4), known("a/new", "if2", 5)};
  CHECK_FALSE(plan_node(made(), {}, {{"a/db", "if1", "", {}}, missing}, there));
  CHECK_FALSE(plan_node(made(), {}, {{"a/db", "if1", "", {}}, unknown}, there));
  missing.origin = "list";
  unknown.origin = "feed";
  const auto plan = plan_node(made(), {}, {{"a/db", "if1", "", {}}, missing, unknown}, there);
  REQUIRE_MESSAGE(plan, plan.error().message);
  CHECK(plan->gone.size() == 1);
  REQUIRE(plan->attachments.size() == 2);
  CHECK_FALSE(plan->attachments[1].blocked.empty());
}

TEST_CASE("who isn't there is left out where the others shall go on") {
  const Bundle bundle = made();
  const auto plan = plan_node(bundle, going_on(), {{"a/web", "nosuch0", "", {}}, {"a/db", "if1", "", {}}}, {known("a/db", "if1", 4)});
  REQUIRE(plan);
  CHECK(plan->attachments.size() == 1);
  REQUIRE(plan->gone.size() == 1);
  CHECK(plan->gone[0].find("a/web: interface `nosuch0`") == 0);
}
