#include "compiler/replay/suggest.h"

#include <algorithm>

#include "compiler/replay/choose_labels.h"
#include "compiler/replay/report.h"

namespace netpolc::compiler::replay {
namespace {

using Kind = RecordedEnd::Kind;
using Word = SideAnswer::Word;

constexpr std::uint16_t kDns = 53;

bool has_ports(ir::Protocol protocol) { return protocol == ir::Protocol::Tcp || protocol == ir::Protocol::Udp || protocol == ir::Protocol::Sctp; }

bool is_dns(const ir::Flow& flow) { return flow.number == kDns && (flow.protocol == ir::Protocol::Udp || flow.protocol == ir::Protocol::Tcp); }

bool is_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
}

class Suggester {
 public:
  Suggester(const Recording& recording, Verdicts& now) : recording_(recording), now_(now) {}

  Suggestions run(const Outcomes& outcomes) {
    for (const Outcome& one : outcomes.all)
      if (one.change == Change::Dropped) open(one);
    for (auto& [key, policy] : policies_) {
      if (policy.direction == ir::Direction::Egress) add_dns(policy);
      out_.policies.push_back(std::move(policy));
    }
    return std::move(out_);
  }

 private:
  void open(const Outcome& one) {
    const Connection& connection = recording_.connections()[one.connection];
    const std::string why = obstacle(connection, one);
    if (!why.empty()) {
      out_.left_out.push_back(to_string(recording_.ends()[connection.from]) + " → " + to_string(recording_.ends()[connection.to]) + "   " + to_words(connection.flow) + ": " + why);
      return;
    }
    if (one.now.egress.word == Word::Denied) add(connection, one, ir::Direction::Egress);
    if (one.now.ingress.word == Word::Denied) add(connection, one, ir::Direction::Ingress);
    out_.opened.push_back(one.connection);
  }

  // Why no allowing rule of ours opens it; "": one does.
  std::string obstacle(const Connection& connection, const Outcome& one) const {
    const bool zero = connection.flow.number == 0;
    if (zero && has_ports(connection.flow.protocol)) return "port 0 in a policy stands for every port";
    if (zero && connection.flow.protocol == ir::Protocol::Icmp) return "type 0 in a policy stands for every type";
    for (const bool egress : {true, false}) {
      const SideAnswer& side = egress ? one.now.egress : one.now.ingress;
      if (side.word == Word::Undecided) return side.why;
      if (side.word != Word::Denied) continue;
      if (side.refused_request) return "a proxy refuses the request";
      if (side.side->verdict->verdict == ir::Verdict::Deny) return "it is denied by a rule, which no allowing rule lifts";
      const EndId subject = egress ? connection.from : connection.to, peer = egress ? connection.to : connection.from;
      if (const std::string why = no_selector(subject); !why.empty()) return why;
      if (const std::string why = no_peer(peer); !why.empty()) return why;
    }
    return "";
  }

  std::string no_selector(EndId id) const {
    const auto endpoint = now_.endpoint(id);
    if (!endpoint) return "policies of hosts are not suggested";
    const bool none = choose_labels(now_.session().loaded.cluster, *endpoint).labels.empty();
    return none ? to_string(recording_.ends()[id]) + " has no labels of its own" : "";
  }
  std::string no_peer(EndId id) const {
    const RecordedEnd& end = recording_.ends()[id];
    if (end.kind == Kind::Pod) return no_selector(id);
    if (end.kind != Kind::Outside || end.api_server) return "";
    if (!end.names.empty()) return std::all_of(end.names.begin(), end.names.end(), is_name) ? "" : "its name is none that a policy can have";
    return end.more_addresses ? "it is about more addresses than a rule should list; name the range that is meant" : "";
  }

  void add(const Connection& connection, const Outcome& one, ir::Direction direction) {
    const bool egress = direction == ir::Direction::Egress;
    const std::uint32_t subject = *now_.endpoint(egress ? connection.from : connection.to);
    const EndId peer = egress ? connection.to : connection.from;
    auto& policy = policies_[{subject, direction}];
    policy.subject = subject;
    policy.direction = direction;
    Wanted& wanted = policy.rules[peer];
    wanted.flows.insert(connection.flow);
    wanted.recorded += one.flows;
    const RecordedEnd& end = recording_.ends()[peer];
    if (egress && !end.api_server) wanted.names = end.names;
  }

  void add_dns(SuggestedPolicy& policy) {
    std::set<std::string> names;
    for (const auto& [peer, wanted] : policy.rules) names.insert(wanted.names.begin(), wanted.names.end());
    if (names.empty()) return;
    const auto servers = dns_servers(policy.subject);
    for (const auto& [server, flows] : servers) {
      SuggestedPolicy::Dns dns;
      // Queries that are to be let through at all: all, as it is not known which there were.
      for (const auto& [peer, wanted] : policy.rules)
        if (now_.endpoint(peer) == server)
          for (const ir::Flow& flow : wanted.flows)
            if (is_dns(flow)) dns.flows.insert(flow);
      if (!dns.flows.empty()) {
        dns.names = {"*"};
      } else {
        for (const std::string& name : names)
          if (!now_.passes_dns_proxy(policy.subject, server, name)) dns.names.insert(name);
        dns.flows = flows;
      }
      if (!dns.names.empty()) policy.dns.emplace(server, std::move(dns));
    }
    if (servers.empty()) out_.left_out.push_back("a rule that sends DNS queries of " + name_of(policy.subject) + " through Cilium's proxy: no DNS server is known");
  }
  // Those that the subject was seen to ask, else those that clusters usually have.
  std::map<std::uint32_t, std::set<ir::Flow>> dns_servers(std::uint32_t subject) const {
    std::map<std::uint32_t, std::set<ir::Flow>> out;
    for (const Connection& connection : recording_.connections())
      if (is_dns(connection.flow) && now_.endpoint(connection.from) == subject)
        if (const auto server = now_.endpoint(connection.to)) out[*server].insert(connection.flow);
    if (!out.empty()) return out;
    const auto& endpoints = now_.session().loaded.cluster.endpoints;
    for (std::uint32_t e = 0; e < endpoints.size(); ++e)
      if (!endpoints[e].host_network && std::binary_search(endpoints[e].labels.begin(), endpoints[e].labels.end(), ir::Label{"k8s", "k8s-app", "kube-dns"}))
        out[e] = {{ir::Protocol::Udp, kDns}, {ir::Protocol::Tcp, kDns}};
    return out;
  }
  std::string name_of(std::uint32_t endpoint) const {
    const auto& one = now_.session().loaded.cluster.endpoints[endpoint];
    return one.ns + "/" + one.name;
  }

  const Recording& recording_;
  Verdicts& now_;
  std::map<std::pair<std::uint32_t, ir::Direction>, SuggestedPolicy> policies_;
  Suggestions out_;
};

}  // namespace

Suggestions suggest(const Outcomes& outcomes, const Recording& recording, Verdicts& now) { return Suggester(recording, now).run(outcomes); }

}  // namespace netpolc::compiler::replay
