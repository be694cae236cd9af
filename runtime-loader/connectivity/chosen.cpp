// Tests for a bundle that somebody else made: of each policy one pod, and for each kind of peer that its rules
// speak of somebody who is such a peer, and somebody who is none; at ports that the rules name, and at one that
// they don't. So there are allowed and denied ones of each, if the bundle has such.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <functional>
#include <set>

#include "runtime-loader/connectivity/scene.h"
#include "runtime-loader/names.h"

namespace netpolc::loader::connectivity {
namespace {

constexpr std::size_t kSubjects = 12, kPods = 24, kOutsiders = 12, kPeersPerDirection = 6, kPortsPerDirection = 4, kActions = 600;
constexpr std::uint16_t kUnnamedPort = 61999;

struct Port {
  Speech speech = Speech::Tcp;
  std::uint16_t number = 0;
  auto operator<=>(const Port&) const = default;
};

// "8080/TCP", "9000-9010/UDP" in the texts of rules: their first numbers.
std::set<Port> ports_named(const BundleDirection& direction) {
  std::set<Port> out;
  for (const std::string& text : direction.rule_texts)
    for (const auto& [word, speech] : {std::pair{"/TCP", Speech::Tcp}, std::pair{"/UDP", Speech::Udp}})
      for (std::size_t slash = text.find(word); slash != std::string::npos; slash = text.find(word, slash + 1)) {
        std::size_t begin = slash;
        while (begin > 0 && (std::isdigit(static_cast<unsigned char>(text[begin - 1])) || text[begin - 1] == '-')) --begin;
        std::uint16_t number = 0;
        const auto [end, error] = std::from_chars(text.data() + begin, text.data() + slash, number);
        if (error == std::errc{} && number != 0) out.insert({speech, number});
      }
  return out;
}

bool has_bit(const PeerBits& peers, std::uint32_t identity, std::size_t bit) {
  const auto found = peers.find(identity);
  return found != peers.end() && bit / 64 < found->second.size() && (found->second[bit / 64] >> (bit % 64) & 1) != 0;
}

// Whom one can speak to: pods, and one host that has all addresses outside.
struct Candidate {
  std::string host;
  std::uint32_t identity = 0;
  std::vector<Address> addresses;
};

class Chooser {
 public:
  explicit Chooser(const Bundle& bundle) : bundle_(bundle) {}

  Result<Scene> choose() {
    all_ = hosts_of(bundle_);
    if (std::none_of(all_.begin(), all_.end(), [](const HostPlan& it) { return it.kind == HostKind::Pod; })) return bad_input("the bundle has no pods with addresses to test with");
    if (bundle_.nodes.empty()) all_.insert(all_.begin(), {std::string(), HostKind::Node, 0, {*Address::parse("169.254.3.1"), *Address::parse("fe80::2:1")}});
    find_candidates();
    choose_subjects();
    for (const std::size_t subject : subjects_) add_tests(subject);
    if (scene_.tests.empty()) return bad_input("no policy of the bundle selects a pod with an address: there is nothing to test");
    note_what_is_left_out();
    collect_hosts();
    return std::move(scene_);
  }

 private:
  std::uint32_t identity_at(const Address& address) const {
    const Prefix wanted{address, static_cast<std::uint8_t>(address.v6 ? 128 : 32)};
    int longest = -1;
    std::uint32_t out = address.v6 ? bundle_.world6 : bundle_.world4;
    for (const auto& [prefix, identity] : bundle_.addresses)
      if (prefix.length > longest && prefix.contains(wanted)) longest = prefix.length, out = identity;
    return out;
  }

  // Of each identity one pod, then addresses outside: one of each prefix that is somebody, and one that nobody knows.
  void find_candidates() {
    for (const BundleEndpoint& endpoint : bundle_.endpoints) {
      if (endpoint.is_node) continue;
      for (const BundlePod& pod : endpoint.pods)
        if (!pod.addresses.empty()) candidates_.push_back({endpoint.ns + "/" + pod.name, endpoint.identity, pod.addresses});
    }
    std::set<std::uint32_t> seen;
    for (const auto& [prefix, identity] : bundle_.addresses) {
      if (identity >> 24 != 1 || seen.contains(identity) || outsiders_.size() >= kOutsiders) continue;
      Address address = prefix.address;
      if (!prefix.is_single()) address.bytes[address.size() - 1] |= 1;
      if (identity_at(address) != identity || !seen.insert(identity).second) continue;
      outsiders_.push_back({kOutside, identity, {address}});
    }
    for (const auto& texts : {std::array{"203.0.113.77", "198.51.100.77", "192.0.2.77"}, std::array{"2001:db8:ffff::77", "2001:db8:77::1", "2001:db8::77"}})
      for (const char* text : texts) {
        const Address address = *Address::parse(text);
        const std::uint32_t world = address.v6 ? bundle_.world6 : bundle_.world4;
        if (world == 0 || identity_at(address) != world) continue;
        outsiders_.push_back({kOutside, world, {address}});
        break;
      }
  }

  // Of each program that enforces something one pod.
  void choose_subjects() {
    std::set<std::size_t> programs;
    for (std::size_t e = 0; e < bundle_.endpoints.size(); ++e) {
      const BundleEndpoint& endpoint = bundle_.endpoints[e];
      if (endpoint.is_node || !bundle_.programs[endpoint.program].is_enforced() || pod_of(endpoint) == nullptr) continue;
      if (!programs.insert(endpoint.program).second) continue;
      ++policies_;
      if (subjects_.size() < kSubjects) subjects_.push_back(e);
    }
    for (const std::size_t e : subjects_) used_.insert(pod_of(bundle_.endpoints[e])->host);
  }

  const Candidate* pod_of(const BundleEndpoint& endpoint) const {
    const auto found = std::find_if(candidates_.begin(), candidates_.end(), [&](const Candidate& it) {
      return std::any_of(endpoint.pods.begin(), endpoint.pods.end(), [&](const BundlePod& pod) { return it.host == endpoint.ns + "/" + pod.name; });
    });
    return found == candidates_.end() ? nullptr : &*found;
  }

  // Whoever is there already is as good as another, and costs nothing.
  const Candidate* somebody(const Candidate& subject, const std::function<bool(std::uint32_t)>& fits) {
    const Candidate* other = nullptr;
    for (const Candidate& it : candidates_) {
      if (it.host == subject.host || !fits(it.identity)) continue;
      if (used_.contains(it.host)) return &it;
      if (other == nullptr) other = &it;
    }
    if (other == nullptr || used_.size() >= kPods) return nullptr;
    used_.insert(other->host);
    return other;
  }

  std::vector<const Candidate*> peers(const Candidate& subject, const BundleDirection& facts) {
    std::vector<const Candidate*> out;
    const auto add = [&](const Candidate* it) {
      if (it != nullptr && std::find(out.begin(), out.end(), it) == out.end() && out.size() < kPeersPerDirection) out.push_back(it);
    };
    for (std::size_t bit = 1; bit < facts.words * 64 && out.size() + 2 < kPeersPerDirection; ++bit) {
      const auto has = [&](std::uint32_t identity) { return has_bit(facts.peers, identity, bit); };
      if (const Candidate* pod = somebody(subject, has)) {
        add(pod);
        continue;
      }
      const auto outside = std::find_if(outsiders_.begin(), outsiders_.end(), [&](const Candidate& it) { return has(it.identity); });
      if (outside != outsiders_.end()) add(&*outside);
    }
    add(somebody(subject, [&](std::uint32_t identity) { return !facts.peers.contains(identity); }));
    add(somebody(subject, [](std::uint32_t) { return true; }));
    for (const bool v6 : {false, true}) {
      const auto world = std::find_if(outsiders_.rbegin(), outsiders_.rend(), [&](const Candidate& it) { return it.addresses.front().v6 == v6; });
      if (world != outsiders_.rend()) out.push_back(&*world);
    }
    return out;
  }

  void add_tests(std::size_t endpoint) {
    const BundleEndpoint& it = bundle_.endpoints[endpoint];
    const Candidate& subject = *pod_of(it);
    for (const int direction : {NP_INGRESS, NP_EGRESS}) {
      const BundleDirection& facts = direction_of(bundle_.programs[it.program], direction);
      if (facts.enforcement == "none") continue;
      std::vector<Port> ports;
      for (const Port& port : ports_named(facts)) {
        if (ports.size() < kPortsPerDirection) ports.push_back(port);
        else ++ports_left_;
      }
      ports.push_back({Speech::Tcp, kUnnamedPort});
      ports.push_back({Speech::Echo, 0});
      Test test{it.ns + "/" + it.name + "-" + direction_name(direction), std::string("what ") + (direction == NP_INGRESS ? "may reach " : "may be reached by ") + subject.host, {Phase{}}};
      for (const Candidate* peer : peers(subject, facts))
        for (const Port& port : ports) add_actions(test.phases.front().actions, direction == NP_INGRESS ? *peer : subject, direction == NP_INGRESS ? subject : *peer, port);
      if (!test.phases.front().actions.empty()) scene_.tests.push_back(std::move(test));
    }
  }

  void add_actions(std::vector<Action>& actions, const Candidate& from, const Candidate& to, const Port& port) {
    for (const bool v6 : {false, true}) {
      const auto of_family = [&](const Address& address) { return address.v6 == v6; };
      const auto source = std::find_if(from.addresses.begin(), from.addresses.end(), of_family);
      const auto destination = std::find_if(to.addresses.begin(), to.addresses.end(), of_family);
      if (source == from.addresses.end() || destination == to.addresses.end()) continue;
      if ((v6 ? bundle_.world6 : bundle_.world4) == 0) continue;
      if (number_ >= kActions) {
        ++actions_left_;
        continue;
      }
      ++number_;
      actions.push_back({from.host, to.host, *source, *destination, port.speech, port.number, std::nullopt, "", std::nullopt});
    }
  }

  void note_what_is_left_out() {
    const auto note = [&](std::size_t number, const std::string& what) {
      if (number != 0) scene_.notes.push_back(std::to_string(number) + " " + what);
    };
    note(policies_ - subjects_.size(), "more different policies are not tried");
    note(ports_left_, "more ports that rules name are not tried");
    note(actions_left_, "more connections are not tried");
    if (std::any_of(bundle_.endpoints.begin(), bundle_.endpoints.end(), [&](const BundleEndpoint& it) { return it.is_node && bundle_.programs[it.program].is_enforced(); }))
      scene_.notes.push_back("policies of nodes are not tried");
  }

  // Those that are spoken with, and their nodes; nodes without any are left out.
  void collect_hosts() {
    std::set<std::string> names;
    std::set<Address> outside;
    for (const Test& test : scene_.tests)
      for (const Action& action : test.phases.front().actions) {
        names.insert({action.from, action.to});
        if (action.from == kOutside) outside.insert(action.source);
        if (action.to == kOutside) outside.insert(action.destination);
      }
    std::set<std::size_t> nodes;
    for (const HostPlan& host : all_)
      if (host.kind == HostKind::Pod && names.contains(host.name)) nodes.insert(host.node);
    for (const std::size_t node : nodes) scene_.hosts.push_back(all_[node]);
    for (HostPlan host : all_) {
      if (host.kind != HostKind::Pod || !names.contains(host.name)) continue;
      host.node = static_cast<std::size_t>(std::distance(nodes.begin(), nodes.find(host.node)));
      scene_.hosts.push_back(std::move(host));
    }
    if (!outside.empty()) scene_.hosts.push_back({kOutside, HostKind::Outside, 0, {outside.begin(), outside.end()}});
  }

  const Bundle& bundle_;
  Scene scene_;
  std::vector<HostPlan> all_;
  std::vector<Candidate> candidates_, outsiders_;
  std::vector<std::size_t> subjects_;
  std::set<std::string> used_;
  std::size_t policies_ = 0, number_ = 0, ports_left_ = 0, actions_left_ = 0;
};

}  // namespace

Result<Scene> chosen_scene(const Bundle& bundle) { return Chooser(bundle).choose(); }

}  // namespace netpolc::loader::connectivity
