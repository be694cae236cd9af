#include "runtime-loader/connectivity/run.h"

#include <sys/resource.h>

#include <algorithm>
#include <set>

#include "runtime-loader/connectivity/servers.h"
#include "runtime-loader/connectivity/translate.h"
#include "runtime-loader/expedite.h"
#include "runtime-loader/interrupt.h"

namespace netpolc::loader::connectivity {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Each socket of a server is a descriptor.
void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

struct Prepared {
  Bundle bundle;
  Scene scene;
};

Result<Prepared> prepare(const Options& options) {
  const auto selection = Selection::of(options.tests);
  if (!selection) return tl::make_unexpected(selection.error());
  auto bundle = read_bundle(options.bundle);
  if (!bundle) return tl::make_unexpected(bundle.error());
  auto scene = options.shipped ? shipped_scene(*bundle) : chosen_scene(*bundle);
  if (!scene) return tl::make_unexpected(scene.error());
  std::erase_if(scene->tests, [&](const Test& test) { return !selection->has(test.name); });
  if (scene->tests.empty()) return bad_input("no test has such a name: `--list` shows them");
  return Prepared{std::move(*bundle), std::move(*scene)};
}

bool needs_translation(const Test& test) {
  return std::any_of(test.phases.begin(), test.phases.end(), [](const Phase& phase) {
    return std::any_of(phase.actions.begin(), phase.actions.end(), [](const Action& action) { return action.service.has_value(); });
  });
}

// What one side's program reported, against what the bundle says of it.
void compare_leg(const Judge& judge, const Leg& leg, const std::optional<Decision>& reported, std::vector<std::string>& faults) {
  if (!reported || *reported == leg.decision) return;
  const char* who = leg.by_table ? "decision table" : "program, asked alone,";
  faults.push_back(std::string("the program in force: ") + judge.words(leg, *reported) + "; the bundle's " + who + " says " + judge.words(leg, leg.decision));
}

std::vector<std::string> compare(const Judge& judge, const Action& action, const Expected& expected, const Seen& seen) {
  std::vector<std::string> faults;
  const Leg* denied = expected.denied_by();
  if (action.claim && *action.claim != (denied == nullptr))
    faults.push_back(std::string("the test says ") + (*action.claim ? "ALLOWED" : "DENIED") + "; the bundle says " + (denied ? judge.words(*denied, denied->decision) : "ALLOWED"));
  // What comes after the side that denies is not reached.
  for (const Leg& leg : expected.legs) {
    compare_leg(judge, leg, leg.direction == NP_EGRESS ? seen.egress : seen.ingress, faults);
    if (!leg.decision.allowed) break;
  }
  if (!faults.empty()) return faults;
  if (!seen.problem.empty()) return {seen.problem};
  if (denied != nullptr) {
    if (seen.answered) return {"it was answered; the bundle says " + judge.words(*denied, denied->decision)};
    if (!seen.dropped()) return {"no program dropped it, and no answer came: it was lost on the way; the bundle says " + judge.words(*denied, denied->decision)};
    return {};
  }
  if (!seen.answered) return {"no answer came, though the bundle says ALLOWED, and no program reports that it dropped it"};
  if (!seen.by.empty() && seen.by != action.to) return {"it was answered by " + seen.by};
  return {};
}

class Runner {
 public:
  Runner(const Options& options, World& world, Judge& judge) : options_(options), world_(world), judge_(judge), end_(Clock::now() + options.limit) {}

  TestResult run(const Test& test) {
    TestResult out{test.name, test.about, test.skip, {}, {}, 0};
    if (!test.skip.empty()) return out;
    const auto start = Clock::now();
    for (const Phase& phase : test.phases) {
      if (Clock::now() >= end_) out.problem = "the time for all tests is over";
      if (out.problem.empty())
        if (const Done done = run(phase, out); !done) out.problem = done.error().message;
      if (!out.problem.empty() || interrupted()) break;
    }
    out.seconds = seconds_since(start);
    return out;
  }

 private:
  Done run(const Phase& phase, TestResult& out) {
    if (!phase.tell.empty())
      if (Done done = tell(phase.tell, out); !done) return done;
    std::vector<Expected> expected;
    for (const Action& action : phase.actions) {
      auto one = judge_.expect(action);
      if (!one) return tl::make_unexpected(one.error());
      expected.push_back(std::move(*one));
    }
    auto seen = probe(world_, phase.actions, options_.patience);
    if (!seen) return tl::make_unexpected(seen.error());
    for (std::size_t i = 0; i < phase.actions.size(); ++i) {
      auto faults = compare(judge_, phase.actions[i], expected[i], (*seen)[i]);
      out.actions.push_back({phase.actions[i], std::move(expected[i]), std::move((*seen)[i]), std::move(faults)});
    }
    return {};
  }

  // As whoever watches name servers would: the addresses that the last answers gave.
  Done tell(const std::string& name, const TestResult& so_far) {
    std::set<Address> addresses;
    for (const ActionResult& it : so_far.actions)
      if (it.action.name == name) addresses.insert(it.seen.addresses.begin(), it.seen.addresses.end());
    if (addresses.empty()) return refused("nobody said which addresses " + name + " has");
    std::vector<AddressWord> words;
    for (const Address& address : addresses) {
      AddressWord word;
      word.prefix = {address, static_cast<std::uint8_t>(address.v6 ? 128 : 32)};
      word.add = AddressOverride{};
      word.add->external = ExternalFacts{{name}, {}, false};
      words.push_back(std::move(word));
    }
    if (Done done = world_.tell(words); !done) return done;
    return judge_.learn(world_, {addresses.begin(), addresses.end()});
  }

  const Options& options_;
  World& world_;
  Judge& judge_;
  Clock::time_point end_;
};

Done serve(const Scene& scene, const World& world, Servers& servers) {
  for (const Test& test : scene.tests)
    for (const Phase& phase : test.phases)
      for (const Action& action : phase.actions) {
        const Host* host = world.find(action.to);
        if (host == nullptr) return bad_input("nobody is called " + action.to);
        if (Done done = servers.add(*host, action); !done) return done;
      }
  return servers.start();
}

}  // namespace

Result<Selection> Selection::of(const std::vector<std::string>& patterns) {
  Selection out;
  for (const std::string& pattern : patterns) {
    const bool no = pattern.starts_with('!');
    try {
      (no ? out.unwanted_ : out.wanted_).emplace_back(pattern.substr(no ? 1 : 0), std::regex::ECMAScript);
    } catch (const std::regex_error&) {
      return bad_input("--test " + pattern + ": is no regular expression");
    }
  }
  return out;
}

bool Selection::has(const std::string& test) const {
  const auto any = [&](const std::vector<std::regex>& patterns) { return std::any_of(patterns.begin(), patterns.end(), [&](const std::regex& it) { return std::regex_search(test, it); }); };
  return (wanted_.empty() || any(wanted_)) && !any(unwanted_);
}

std::size_t TestResult::failed_actions() const {
  return static_cast<std::size_t>(std::count_if(actions.begin(), actions.end(), [](const ActionResult& it) { return !it.faults.empty(); }));
}
bool TestResult::failed() const { return !problem.empty() || failed_actions() != 0; }
bool Outcome::good() const {
  const bool any = std::any_of(tests.begin(), tests.end(), [](const TestResult& it) { return it.skipped.empty(); });
  return any && std::none_of(tests.begin(), tests.end(), [](const TestResult& it) { return it.failed(); });
}

std::string action_words(const Action& action) {
  const bool v6 = action.source.v6;
  const auto at = [&](const Address& address) { return v6 ? "[" + address.to_string() + "]" : address.to_string(); };
  std::string out = action.from + " (" + action.source.to_string() + ") -> " + action.to + " (";
  if (action.service) out += at(action.service->address) + ", translated to ";
  out += at(action.destination) + (action.speech == Speech::Echo ? "" : ":" + std::to_string(action.port)) + ") ";
  switch (action.speech) {
    case Speech::Tcp: return out + "TCP";
    case Speech::Udp: return out + "UDP";
    case Speech::Echo: return out + (v6 ? "ICMPv6 EchoRequest" : "ICMP EchoRequest");
    case Speech::DnsUdp: return out + "UDP, DNS for " + action.name;
    case Speech::DnsTcp: return out + "TCP, DNS for " + action.name;
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> list(const Options& options) {
  const auto prepared = prepare(options);
  if (!prepared) return tl::make_unexpected(prepared.error());
  std::vector<std::pair<std::string, std::string>> out;
  for (const Test& test : prepared->scene.tests) out.emplace_back(test.name, test.about);
  return out;
}

Result<Outcome> run(const Options& options, const Progress& progress) {
  Expedite::leave_alone();  // who is killed here is followed by nobody
  const auto start = Clock::now();
  auto prepared = prepare(options);
  if (!prepared) return tl::make_unexpected(prepared.error());
  Scene& scene = prepared->scene;
  allow_many_descriptors();
  auto world = World::build(scene.hosts);
  if (!world) return tl::make_unexpected(world.error());
  if (const std::string why = translate(*world, scene.tests); !why.empty())
    for (Test& test : scene.tests)
      if (needs_translation(test)) test.skip = why;
  if (Done done = world->load(options.bundle); !done) return tl::make_unexpected(done.error());
  auto judge = Judge::create(options.bundle, prepared->bundle, *world);
  if (!judge) return tl::make_unexpected(judge.error());
  Servers servers(scene.names);
  if (Done done = serve(scene, *world, servers); !done) return tl::make_unexpected(done.error());

  Outcome out;
  out.bundle = prepared->bundle.digest;
  out.nodes = world->nodes().size();
  out.pods = static_cast<std::size_t>(std::count_if(scene.hosts.begin(), scene.hosts.end(), [](const HostPlan& it) { return it.kind == HostKind::Pod; }));
  std::tie(out.tables, out.programs) = judge->tables();
  out.notes = scene.notes;
  std::vector<std::string> names;
  for (const Test& test : scene.tests) names.push_back(test.name);
  progress.begun(out, names);
  Runner runner(options, *world, *judge);
  for (const Test& test : scene.tests) {
    TestResult result = runner.run(test);
    if ((out.interrupted = interrupted())) break;
    out.tests.push_back(std::move(result));
    progress.done(out.tests.back(), out.tests.size(), scene.tests.size());
  }
  out.seconds = seconds_since(start);
  if (!out.interrupted && !out.good()) progress.failed(*world);
  return out;
}

}  // namespace netpolc::loader::connectivity
