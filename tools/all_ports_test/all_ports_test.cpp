// What --all-ports says, compared with the interpreter: for every pair of parties, at every number
// that a policy mentions or an answer begins or ends with, and at the numbers beside it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <tuple>

#include "frontend/load.h"
#include "tools/judges/scenario.h"
#include "verify/all_ports.h"

namespace {

using namespace netpolc;
using verify::Traffic;
using verify::Word;

struct Input {
  SourceManager sources;
  DiagSink sink;
  frontend::Loaded loaded;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
  ir::eval::World world() const { return {loaded.policies, loaded.cluster, resolutions}; }
};

void resolve(const nlohmann::json& names, ir::Resolutions& out) {
  for (const auto& [name, addresses] : names.items()) {
    std::string folded = name;
    std::transform(folded.begin(), folded.end(), folded.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (folded.ends_with('.')) folded.pop_back();
    auto& to = out[folded];
    for (const auto& text : addresses) to.push_back(*IpAddress::parse(text.get<std::string>()));
    std::sort(to.begin(), to.end());
    to.erase(std::unique(to.begin(), to.end()), to.end());
  }
}

void read(const judges::Scenario& scenario, int version, Input& input) {
  std::vector<FileId> files{input.sources.add("cluster.json", judges::manifests(scenario))};
  for (std::size_t n = 0; n < scenario.policies.size(); ++n)
    files.push_back(input.sources.add("policy-" + std::to_string(n) + ".yaml", scenario.policies[n]));
  input.loaded = frontend::load(files, {.lax = true, .keep_going = true, .cilium_version = version}, input.sources, input.sink);
  if (scenario.data.contains("fqdnIPs")) resolve(scenario.data.at("fqdnIPs"), input.resolutions);
}

// One flow with what the interpreter says about a pair in every case that the names stand for.
struct Judged {
  bool always = true, sometimes = false, undecided = false;
  std::set<std::string> parsers;  // of the last case
};

bool passes(verify::Judge& judge, const std::optional<verify::SubjectId>& subject, ir::Direction direction, verify::FactsId peer,
            ir::Flow flow, Judged& out) {
  if (!subject) return true;
  const ir::SideVerdict& verdict = judge.verdict(*subject, direction, peer, flow);
  if (verdict.verdict == ir::Verdict::AllowL7) out.parsers.insert("l7");
  return verdict.verdict == ir::Verdict::Allow || verdict.verdict == ir::Verdict::AllowL7;
}

Judged interpret(verify::Judge& judge, const verify::Party& from, const verify::Party& to, ir::Flow flow) {
  Judged out;
  for (const auto& source : from.ends)
    for (const auto& destination : to.ends)
      for (const auto& meeting : judge.encounters().meet(source, destination)) {
        for (const auto& subject : {meeting.source, meeting.destination})
          if (subject && judge.policy(*subject).incomputable()) out.undecided = true;
        if (out.undecided) return out;
        out.parsers.clear();
        const bool egress = passes(judge, meeting.source, ir::Direction::Egress, meeting.destination_seen, flow, out);
        const bool ingress = passes(judge, meeting.destination, ir::Direction::Ingress, meeting.source_seen, flow, out);
        (egress && ingress ? out.sometimes : out.always) = egress && ingress;
      }
  return out;
}

const verify::PortSpan* find(const verify::Access& access, ir::Flow flow) {
  for (const auto& span : access)
    if (span.protocol == flow.protocol && span.first <= flow.number && flow.number <= span.last) return &span;
  return nullptr;
}

class Comparison {
 public:
  explicit Comparison(const Input& input)
      : world_(input.world()), judge_(world_, input.lock), ports_(world_, input.lock, judge_) {
    for (const auto& policy : world_.policies.policies)
      for (const auto& rule : policy.rules)
        for (const auto& item : rule.ports)
          for (const auto& match : item.ports) mention(match.first, std::max(match.first, match.last));
    for (const auto& endpoint : world_.cluster.endpoints)
      for (const auto& port : endpoint.named_ports) mention(port.port, port.port);
    mention(0, 65535);
  }

  std::size_t compared() const { return compared_; }
  std::size_t differences() const { return differences_; }
  const std::string& first() const { return first_; }
  verify::AllPorts& ports() { return ports_; }

  void all(const verify::Parties& parties) {
    for (const auto& from : parties)
      for (const auto& to : parties)
        if (ports_.decided(from, to)) pair(from, to);
    by_class(parties);
  }

  // What is said of two classes holds for all of their members.
  void by_class(const verify::Parties& parties) {
    using Same = std::tuple<bool, Word, verify::AccessId, verify::AccessId, std::string>;
    const auto classes = ports_.classes(parties);
    std::map<std::pair<std::uint32_t, std::uint32_t>, Same> said;
    REQUIRE(classes.size() == parties.size());
    for (std::size_t f = 0; f < parties.size(); ++f)
      for (std::size_t t = 0; t < parties.size(); ++t) {
        if (f == t) continue;
        const Traffic traffic = ports_.between(parties[f], parties[t]);
        const Same same{ports_.decided(parties[f], parties[t]), traffic.word, traffic.allowed, traffic.possible, traffic.reason};
        const auto [known, fresh] = said.emplace(std::pair(classes[f], classes[t]), same);
        if (known->second != same && differences_++ == 0) first_ = parties[f].name + " → " + parties[t].name + " is not what others of these classes may send";
      }
    together_ += parties.size() - std::set(classes.begin(), classes.end()).size();
  }
  // Parties that share a class with one before.
  std::size_t together() const { return together_; }

  void pair(const verify::Party& from, const verify::Party& to) {
    const Traffic traffic = ports_.between(from, to);
    std::set<std::uint16_t> numbers = mentioned_;
    for (const auto id : {traffic.allowed, traffic.possible})
      for (const auto& span : ports_.sets()[id])
        for (const int n : {span.first - 1, int{span.first}, int{span.last}, span.last + 1})
          if (n >= 0 && n <= 65535) numbers.insert(static_cast<std::uint16_t>(n));
    for (auto p = static_cast<int>(ir::Protocol::Any); p <= static_cast<int>(ir::Protocol::Vrrp); ++p)
      for (const auto number : numbers)
        if (number <= verify::last_number(static_cast<ir::Protocol>(p))) flow(from, to, traffic, {static_cast<ir::Protocol>(p), number});
  }

 private:
  void mention(std::uint16_t first, std::uint16_t last) {
    for (const int n : {first - 1, int{first}, int{last}, last + 1})
      if (n >= 0 && n <= 65535) mentioned_.insert(static_cast<std::uint16_t>(n));
  }

  void flow(const verify::Party& from, const verify::Party& to, const Traffic& traffic, ir::Flow flow) {
    const Judged judged = interpret(judge_, from, to, flow);
    const auto* allowed = find(ports_.sets()[traffic.allowed], flow);
    const auto* possible = find(ports_.sets()[traffic.possible], flow);
    ++compared_;
    bool same = judged.undecided == (traffic.word == Word::Undecided);
    if (!judged.undecided) {
      same &= judged.always == (allowed != nullptr) && judged.sometimes == (possible != nullptr);
      if (allowed != nullptr && from.ends.size() * to.ends.size() == 1)
        same &= judged.parsers.empty() == ports_.sets().marks(allowed->marks).l7.empty();
    }
    if (same) return;
    if (differences_++ == 0)
      first_ = from.name + " → " + to.name + " protocol " + std::to_string(static_cast<int>(flow.protocol)) + " number " +
               std::to_string(flow.number) + ": interpreter " + std::to_string(judged.always) + std::to_string(judged.sometimes) +
               std::to_string(judged.undecided) + ", all ports " + std::to_string(allowed != nullptr) + std::to_string(possible != nullptr);
  }

  const ir::eval::World world_;
  verify::Judge judge_;
  verify::AllPorts ports_;
  std::set<std::uint16_t> mentioned_;
  std::size_t compared_ = 0, differences_ = 0, together_ = 0;
  std::string first_;
};

// The vectors, unpacked for the time of a test.
class Unpacked {
 public:
  Unpacked() {
    std::string pattern = (std::filesystem::temp_directory_path() / "netpolc-vectors-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    const std::string command = "tar -C " + path_.string() + " -xJf " NETPOLC_TESTDATA "/conformance/vectors.tar.xz";
    REQUIRE(std::system(command.c_str()) == 0);
  }
  ~Unpacked() { std::filesystem::remove_all(path_); }
  Unpacked(const Unpacked&) = delete;
  std::vector<std::filesystem::path> files(const std::string& prefix) const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_ / "visible"))
      if (entry.path().filename().string().starts_with(prefix)) out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  std::filesystem::path path_;
};

std::size_t compare(const judges::Scenario& scenario, int version, std::size_t& together) {
  Input input;
  read(scenario, version, input);
  REQUIRE(input.loaded.usable);
  Comparison comparison(input);
  verify::Parties parties = *comparison.ports().parties("any");
  for (const auto& list : {"endpoints", "peers"})
    for (const auto& item : scenario.data.value(list, nlohmann::json::array())) {
      auto more = comparison.ports().parties(judges::reference(scenario, item.at("name")));
      if (more) parties.insert(parties.end(), more->begin(), more->end());
    }
  for (const char* text : {"entity:health", "entity:init", "entity:kube-apiserver", "ip:198.51.100.77", "cidr:10.0.0.0/8", "ip:2001:db8:ffff::1", "cidr:2001:db8::/32"}) {
    const verify::Parties named = *comparison.ports().parties(text);
    parties.insert(parties.end(), named.begin(), named.end());
  }
  comparison.all(parties);
  INFO(scenario.name << " on 1." << version << ": " << comparison.first());
  CHECK(comparison.differences() == 0);
  together += comparison.together();
  return comparison.compared();
}

// A golden case says so in its flags.
int version_of(const std::filesystem::path& directory) {
  static const std::string option = "--cilium-version=1.";
  std::ifstream flags(directory / "flags");
  for (std::string line; std::getline(flags, line);)
    if (line.starts_with(option)) return std::stoi(line.substr(option.size()));
  return 18;
}

}  // namespace

TEST_CASE("random scenarios: every number that matters, as the interpreter has it") {
  const Unpacked vectors;
  std::size_t compared = 0, n = 0, together = 0;
  for (const auto& file : vectors.files("random-"))
    for (const auto& scenario : judges::read_scenarios(file))
      if (n++ % 25 == 7) compared += compare(scenario, 18, together);
  CHECK(n >= 600);
  CHECK(compared > 100000);
  CHECK(together > 100);  // many are alike, or that would show nothing of classes
}

TEST_CASE("hand-made scenarios, on several versions") {
  const Unpacked vectors;
  std::size_t n = 0, together = 0;
  for (const auto& file : vectors.files("edge-"))
    for (const auto& scenario : judges::read_scenarios(file)) compare(scenario, 17 + static_cast<int>(n++ % 4), together);
  CHECK(n >= 128);
}

TEST_CASE("golden policies") {
  std::size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(NETPOLC_TESTDATA "/policies")) {
    if (!entry.is_directory()) continue;
    Input input;
    std::vector<std::string> paths;
    for (const auto& file : std::filesystem::directory_iterator(entry.path()))
      if (file.path().extension() == ".yaml" && !file.path().filename().string().starts_with("expect.")) paths.push_back(file.path());
    input.loaded = frontend::load(paths, {.lax = true, .keep_going = true, .cilium_version = version_of(entry.path())}, input.sources, input.sink);
    CHECK(input.loaded.usable);
    CHECK(!input.loaded.policies.policies.empty());
    if (std::ifstream names(entry.path() / "resolutions.json"); names) resolve(nlohmann::json::parse(names), input.resolutions);
    Comparison comparison(input);
    comparison.all(*comparison.ports().parties("any"));
    INFO(entry.path() << ": " << comparison.first());
    CHECK(comparison.compared() > 0);
    CHECK(comparison.differences() == 0);
    ++cases;
  }
  CHECK(cases > 0);
}
