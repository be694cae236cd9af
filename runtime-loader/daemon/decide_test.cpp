#include "runtime-loader/daemon/decide.h"

#include <doctest/doctest.h>

#include <random>

using namespace netpolc::loader;
using namespace netpolc::loader::daemon;

namespace {

std::string digest(char letter) { return std::string(64, letter); }

AttachRequest request(const std::string& endpoint, const std::string& ifname, const std::string& origin) { return {endpoint, ifname, "", {}, false, {}, origin}; }

// A node of which nothing is real: what a load, an addition and a removal do to the state, with what may go wrong.
struct Node {
  View view;
  State state;
  std::set<std::string> bad, incomplete;   // digests that are refused
  bool machine_fails = false;
  std::set<std::string> failing;           // interfaces that nothing can be attached to
  std::set<std::string> unknown;           // endpoints that are left alone
  int next_index = 1;
  int loads = 0, load_failures = 0;
  std::map<Place, int> additions;

  Node() {
    view.list.emplace();
    view.now = 1000;
  }
  void make_link(const std::string& name) { view.links[{"", name}] = {next_index++, 7}; }
  void delete_link(const std::string& name) { view.links.erase({"", name}); }
  void show(char letter) {
    view.bundle = {"/b/" + std::string(1, letter), digest(letter), std::string(1, letter), ""};
    if (view.failed_load && view.failed_load->digest != view.bundle.digest) view.failed_load.reset();
  }
  void attach(const AttachRequest& it) {
    const LinkId link = view.links.at(place_of(it));
    std::erase_if(state.attachments, [&](const Attachment& other) { return place_of(other) == place_of(it); });
    Attachment made;
    made.endpoint = it.endpoint;
    made.ifname = it.ifname;
    made.ifindex = link.ifindex;
    made.netns_inode = link.netns_inode;
    made.origin = it.origin;
    made.labels = it.labels;
    state.attachments.push_back(made);
  }
  void load(const Load& wanted) {
    ++loads;
    const bool is_bad = bad.contains(wanted.digest), is_incomplete = incomplete.contains(wanted.digest);
    if (is_bad || is_incomplete || machine_fails) {
      ++load_failures;
      FailedLoad failed{wanted.digest, view.bundle.content, wanted.requests, FailedLoad::Kind::Machine, "no", {}};
      if (!machine_fails) failed.kind = is_bad ? FailedLoad::Kind::Bundle : FailedLoad::Kind::Incomplete;
      view.failed_load = failed_load(view.failed_load, failed, view.now);
      return;
    }
    State next;
    next.number = state.number + 1;
    next.bundle = wanted.digest;
    GenerationState former = state;
    const bool had = view.state != nullptr;
    state = next;
    if (had) state.previous = former;
    for (const AttachRequest& it : wanted.requests) attach(it);
    view.state = &state;
    view.failed_load.reset();
    view.settled.clear();
  }
  void roll_back() {
    if (!state.previous) return;
    GenerationState former = *state.previous;
    const std::string left = state.bundle;
    former.attachments = state.attachments;
    static_cast<GenerationState&>(state) = former;
    state.previous.reset();
    state.set_aside = left;
  }
  void add(const AttachRequest& it) {
    ++additions[place_of(it)];
    const auto link = view.links.find(place_of(it));
    EndpointOutcome outcome{it.endpoint, it.ifname, it.netns, EndpointState::Enforced, "", 0, ""};
    if (failing.contains(it.ifname) || link == view.links.end()) outcome.state = EndpointState::Failed;
    else if (unknown.contains(it.endpoint)) outcome.state = EndpointState::Open;
    if (outcome.state == EndpointState::Enforced) attach(it);
    if (outcome.state == EndpointState::Open) std::erase_if(state.attachments, [&](const Attachment& other) { return place_of(other) == place_of(it); });
    const auto former = view.settled.find(place_of(it));
    view.settled[place_of(it)] = settled(former == view.settled.end() ? nullptr : &former->second,
                                         {it, link == view.links.end() ? LinkId{} : link->second, state.number, outcome, {}}, view.now);
  }
  void act(const Decision& decision) {
    for (const Place& place : decision.forget) view.feed.erase(place);
    if (decision.load) return load(*decision.load);
    for (const EndpointKey& key : decision.remove)
      std::erase_if(state.attachments, [&](const Attachment& it) { return it.endpoint == key.endpoint && it.ifname == key.ifname; });
    for (const AttachRequest& it : decision.add) add(it);
  }
  // Until nothing is left to do now. How many steps that took.
  int settle() {
    for (int step = 0; step < 50; ++step) {
      const Decision decision = decide(view);
      if (decision.idle()) return step;
      act(decision);
    }
    return 50;
  }
  // And as time goes by.
  void settle_for(Milliseconds duration) {
    const Milliseconds end = view.now + duration;
    while (true) {
      REQUIRE(settle() < 50);
      const Milliseconds again = decide(view).again;
      REQUIRE(again > view.now);
      if (again > end) break;
      view.now = again;
    }
    view.now = end;
  }
  std::map<std::string, std::string> attached() const {
    std::map<std::string, std::string> out;
    for (const Attachment& it : state.attachments)
      if (view.links.contains(place_of(it)) && view.links.at(place_of(it)).ifindex == it.ifindex) out[it.ifname] = it.endpoint + " " + it.origin;
    return out;
  }
};

}  // namespace

TEST_CASE("a bundle is loaded with nothing, then endpoints are added as their interfaces come") {
  Node node;
  node.view.list = {request("a/web", "lxc1", "list"), request("a/db", "lxc2", "list")};
  node.make_link("lxc1");
  node.show('a');
  const Decision first = decide(node.view);
  REQUIRE(first.load);
  CHECK(first.load->requests.empty());
  CHECK(first.waiting.size() == 1);
  node.settle();
  CHECK(node.attached() == std::map<std::string, std::string>{{"lxc1", "a/web list"}});
  node.make_link("lxc2");
  node.settle();
  CHECK(node.attached().size() == 2);
  // another bundle: with what is attached, as it is attached
  node.show('b');
  const Decision next = decide(node.view);
  REQUIRE(next.load);
  CHECK(next.load->requests.size() == 2);
  CHECK(node.settle() == 1);
}

TEST_CASE("an interface made anew gets its programs again, one that is gone is removed") {
  Node node;
  node.view.list = {request("a/web", "lxc1", "list")};
  node.make_link("lxc1");
  node.show('a');
  node.settle();
  node.make_link("lxc1");
  CHECK(decide(node.view).add.size() == 1);
  CHECK(decide(node.view).remove.empty());
  node.settle();
  node.delete_link("lxc1");
  const Decision gone = decide(node.view);
  CHECK(gone.remove.size() == 1);
  CHECK(gone.waiting.size() == 1);
}

TEST_CASE("the feed's endpoint is that of one interface: gone or made anew it is forgotten") {
  Node node;
  node.make_link("lxc1");
  node.view.feed[{"", "lxc1"}] = {request("a/web", "lxc1", "feed"), node.view.links.at({"", "lxc1"})};
  node.show('a');
  node.settle();
  CHECK(node.attached().size() == 1);
  node.make_link("lxc1");
  node.settle();
  CHECK(node.view.feed.empty());
  CHECK(node.state.attachments.empty());
}

TEST_CASE("where list and feed differ the list counts, and the feed is told") {
  Node node;
  node.make_link("lxc1");
  node.view.list = {request("a/web", "lxc1", "list")};
  node.view.feed[{"", "lxc1"}] = {request("a/db", "lxc1", "feed"), node.view.links.at({"", "lxc1"})};
  node.show('a');
  node.settle();
  CHECK(node.attached().at("lxc1") == "a/web list");
  REQUIRE(decide(node.view).waiting.size() == 1);
  CHECK(decide(node.view).waiting[0].reason == "the list says that lxc1 is a/web");
}

TEST_CASE("a list that can't be read leaves what came of the last one") {
  Node node;
  node.make_link("lxc1");
  node.view.list = {request("a/web", "lxc1", "list")};
  node.show('a');
  node.settle();
  node.view.list.reset();
  CHECK(decide(node.view).idle());
  node.make_link("lxc1");
  CHECK(decide(node.view).add.size() == 1);
  node.view.list.emplace();
  node.settle();
  CHECK(node.state.attachments.empty());
}

TEST_CASE("what others attached stays while its interface is there") {
  Node node;
  node.make_link("lxc1");
  node.show('a');
  node.settle();
  node.attach(request("a/web", "lxc1", ""));
  CHECK(decide(node.view).idle());
  node.show('b');
  node.settle();
  CHECK(node.attached().at("lxc1") == "a/web ");
  node.delete_link("lxc1");
  node.settle();
  CHECK(node.state.attachments.empty());
}

TEST_CASE("what was rolled back is not taken up again until another bundle is shown") {
  Node node;
  node.show('a');
  node.settle();
  node.show('b');
  node.settle();
  node.roll_back();
  CHECK(node.state.bundle == digest('a'));
  node.settle_for(10'000'000);
  CHECK(node.state.bundle == digest('a'));
  CHECK(decide(node.view).bundle_problem.find("was rolled back") != std::string::npos);
  node.show('c');
  node.settle();
  CHECK(node.state.bundle == digest('c'));
  CHECK(node.loads == 3);
}

TEST_CASE("what was left alone under one generation is asked about again under another") {
  Node node;
  node.make_link("lxc1");
  node.unknown = {"a/web"};
  node.view.list = {request("a/web", "lxc1", "list")};
  node.show('a');
  node.settle();
  node.show('b');
  node.settle();
  CHECK(decide(node.view).idle());
  CHECK(decide(node.view).open.size() == 1);
  node.unknown.clear();
  node.roll_back();
  node.settle();
  CHECK(node.attached().size() == 1);
}

TEST_CASE("a refused bundle is tried once, a refusing machine ever more seldom, a copy whenever it goes on") {
  Node node;
  node.bad = {digest('b')};
  node.incomplete = {digest('c')};
  node.show('b');
  node.settle_for(100'000'000);
  CHECK(node.loads == 1);
  node.show('c');
  node.settle_for(100'000'000);
  CHECK(node.loads == 2);
  for (int i = 0; i < 10; ++i) {
    node.view.bundle.content += "x";
    node.settle_for(100);
  }
  CHECK(node.loads == 12);
  node.incomplete.clear();
  node.view.bundle.content += "x";
  node.settle_for(100);
  CHECK(node.state.bundle == digest('c'));
  node.machine_fails = true;
  node.show('d');
  const int before = node.loads;
  node.settle_for(3'600'000);
  CHECK(node.loads - before > 60);   // not given up
  CHECK(node.loads - before < 75);   // nor pressed
  node.machine_fails = false;
  node.settle_for(60'000);
  CHECK(node.state.bundle == digest('d'));
}

TEST_CASE("other options are a reason to load the same bundle again, once") {
  Node node;
  node.show('a');
  node.settle();
  node.view.options_changed = true;
  CHECK(decide(node.view).load);
  node.bad = {digest('a')};
  node.settle_for(1'000'000);
  CHECK(node.loads == 2);
}

TEST_CASE("events in any order: the end is right, and nothing was done twice") {
  std::mt19937 random(20261127);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const std::vector<std::string> names = {"lxc0", "lxc1", "lxc2", "lxc3", "lxc4", "lxc5"};
  const auto endpoint = [&] { return "a/pod" + std::to_string(pick(5)); };
  for (int run = 0; run < 200; ++run) {
    CAPTURE(run);
    Node node;
    node.bad = {digest('x')};
    node.unknown = {"a/pod4"};
    for (int event = 0; event < 40; ++event) {
      const std::string& name = names[static_cast<std::size_t>(pick(6))];
      switch (pick(12)) {
        case 0:
        case 1:
        case 2: node.make_link(name); break;
        case 3: node.delete_link(name); break;
        case 4:
        case 5: {
          std::erase_if(*node.view.list, [&](const AttachRequest& it) { return it.ifname == name; });
          if (pick(3) != 0) node.view.list->push_back(request(endpoint(), name, "list"));
          break;
        }
        case 6:
        case 7:
          if (node.view.links.contains({"", name})) node.view.feed[{"", name}] = {request(endpoint(), name, "feed"), node.view.links.at({"", name})};
          break;
        case 8: node.view.feed.erase({"", name}); break;
        case 9: node.show("abcx"[pick(4)]); break;
        case 10: node.machine_fails = pick(2) == 0; break;
        case 11: pick(4) == 0 ? node.roll_back() : void(node.failing = {names[static_cast<std::size_t>(pick(6))]}); break;
      }
      if (pick(2) == 0) node.act(decide(node.view));  // a step in between, or several events at once
      if (pick(3) == 0) node.view.now += pick(1000);
    }
    node.machine_fails = false;
    node.settle_for(200'000);

    const std::string& shown = node.view.bundle.digest;
    if (!shown.empty() && shown != digest('x') && shown != node.state.set_aside) CHECK(node.state.bundle == shown);
    if (node.view.state == nullptr) continue;
    CHECK(node.state.bundle != digest('x'));
    std::map<std::string, std::string> expected;
    for (const auto& [place, it] : node.view.feed)
      if (node.view.links.contains(place) && node.view.links.at(place) == it.link) expected[place.ifname] = it.request.endpoint + " feed";
    for (const AttachRequest& it : *node.view.list) {
      expected.erase(it.ifname);
      if (node.view.links.contains(place_of(it))) expected[it.ifname] = it.endpoint + " list";
    }
    std::erase_if(expected, [&](const auto& it) { return it.second.starts_with("a/pod4 "); });
    auto actual = node.attached();
    CHECK(actual.size() == node.state.attachments.size());  // nothing stays where there is no interface
    for (const std::string& name : node.failing) {
      expected.erase(name);
      actual.erase(name);
    }
    CHECK(actual == expected);
    // And it rests: but for what fails, nothing is done any more.
    const auto before = node.additions;
    const int loads = node.loads;
    node.settle_for(10'000'000);
    CHECK(node.loads == loads);
    for (const auto& [place, count] : node.additions)
      if (!node.failing.contains(place.ifname)) CHECK(count == before.at(place));
  }
}
