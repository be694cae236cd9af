// Suggested policies as text.
#include <algorithm>

#include "compiler/replay/choose_labels.h"
#include "compiler/replay/report.h"
#include "compiler/replay/suggest.h"

namespace netpolc::compiler::replay {
namespace {

using Kind = RecordedEnd::Kind;

constexpr const char* kNamespaceLabel = "io.kubernetes.pod.namespace";
constexpr const char* kClusterLabel = "io.cilium.k8s.policy.cluster";

// As a plain scalar where that is text whatever reads it.
std::string scalar(const std::string& text) {
  static const std::set<std::string> kOther{"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool plain = !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 && kOther.count(lower) == 0 &&
                     std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '/'; });
  if (plain) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return out + "\"";
}

// A Kubernetes name.
std::string object_name(const std::string& workload) {
  std::string out;
  for (const char c : workload) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) out += static_cast<char>(std::tolower(byte));
    else if (!out.empty() && out.back() != '-') out += '-';
  }
  if (out.size() > 200) out.resize(200);
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "workload" : out;
}

class Writer {
 public:
  Writer(const Suggestions& suggestions, const Recording& recording, const Verdicts& now) : suggestions_(suggestions), recording_(recording), now_(now), cluster_(now.session().loaded.cluster) {
    for (const ir::Policy& policy : now.session().loaded.policies.policies) taken_.insert(policy.ns + "/" + policy.name);
  }

  std::string write() {
    for (const SuggestedPolicy& policy : suggestions_.policies) document(policy);
    return std::move(out_);
  }

 private:
  void line(int depth, const std::string& text) { out_ += std::string(static_cast<std::size_t>(depth) * 2, ' ') + text + "\n"; }

  std::string free_name(const std::string& ns, const std::string& wanted) {
    std::string name = wanted;
    for (int i = 2; !taken_.insert(ns + "/" + name).second; ++i) name = wanted + "-" + std::to_string(i);
    return name;
  }

  void document(const SuggestedPolicy& policy) {
    const ir::Endpoint& subject = cluster_.endpoints[policy.subject];
    const bool egress = policy.direction == ir::Direction::Egress;
    const Chosen chosen = choose_labels(cluster_, policy.subject);
    if (!out_.empty()) out_ += "---\n";
    line(0, "apiVersion: cilium.io/v2");
    line(0, "kind: CiliumNetworkPolicy");
    line(0, "metadata:");
    line(1, "name: " + scalar(free_name(subject.ns, "replay-" + object_name(subject.name) + (egress ? "-egress" : "-ingress"))));
    line(1, "namespace: " + scalar(subject.ns));
    line(0, "spec:");
    line(1, "endpointSelector:");
    labels(2, "", chosen.labels);
    if (!chosen.others.empty()) {
      line(1, "enableDefaultDeny:  # the selector is true of other workloads, too: it must not close anything for them");
      line(2, std::string(egress ? "egress" : "ingress") + ": false");
    }
    line(1, egress ? "egress:" : "ingress:");
    for (const auto& [peer, wanted] : policy.rules) {
      std::set<ir::Flow> flows = wanted.flows;
      const auto server = egress ? now_.endpoint(peer) : std::nullopt;
      if (const auto found = server ? policy.dns.find(*server) : policy.dns.end(); found != policy.dns.end()) std::erase_if(flows, [&](const ir::Flow& flow) { return found->second.flows.count(flow) != 0; });
      rule(policy, peer, wanted, flows);
    }
    for (const auto& [server, queries] : policy.dns) dns(subject, server, queries);
  }

  void labels(int depth, const char* item, const std::vector<ir::Label>& all) {
    line(depth, std::string(item) + "matchLabels:");
    const int deeper = depth + (*item == '\0' ? 1 : 2);
    for (const ir::Label& label : all) {
      const std::string key = scalar(label.key), source = label.key == kNamespaceLabel || label.key == kClusterLabel ? "k8s:" : "";
      line(deeper, source + key + ": " + scalar(label.value));
    }
  }

  void endpoints(const ir::Endpoint& subject, std::uint32_t peer, bool egress) {
    const ir::Endpoint& other = cluster_.endpoints[peer];
    std::vector<ir::Label> all;
    if (other.ns != subject.ns) all.push_back({"k8s", kNamespaceLabel, other.ns});
    for (const ir::Label& label : other.labels)
      if (label.key == kClusterLabel && other.remote) all.push_back(label);
    for (const ir::Label& label : choose_labels(cluster_, peer).labels) all.push_back(label);
    line(1, egress ? "- toEndpoints:" : "- fromEndpoints:");
    labels(2, "- ", all);
  }

  void peer(const SuggestedPolicy& policy, EndId id, const Wanted& wanted) {
    const RecordedEnd& end = recording_.ends()[id];
    const bool egress = policy.direction == ir::Direction::Egress;
    const std::string to = egress ? "to" : "from";
    if (end.kind == Kind::Pod) {
      endpoints(cluster_.endpoints[policy.subject], *now_.endpoint(id), egress);
    } else if (end.kind != Kind::Outside || end.api_server) {
      line(1, "- " + to + "Entities:");
      line(2, "- " + (end.kind == Kind::Outside ? "kube-apiserver" : to_string(end)));
    } else if (!wanted.names.empty()) {
      line(1, "- toFQDNs:");
      for (const std::string& name : wanted.names) line(2, "- matchName: " + scalar(name));
    } else {
      line(1, "- " + to + "CIDR:");
      for (const IpAddress& address : end.addresses) line(2, "- " + scalar(IpPrefix::host(address).to_string()));
    }
  }

  void rule(const SuggestedPolicy& policy, EndId id, const Wanted& wanted, const std::set<ir::Flow>& flows) {
    const auto numbered = [](const ir::Flow& flow) { return flow.protocol != ir::Protocol::Icmp && flow.protocol != ir::Protocol::Icmpv6; };
    const std::string comment = "# " + to_string(recording_.ends()[id]) + ": " + std::to_string(wanted.recorded) + (wanted.recorded == 1 ? " flow" : " flows");
    if (std::any_of(flows.begin(), flows.end(), numbered)) {
      line(1, comment);
      peer(policy, id, wanted);
      line(2, "toPorts:");
      line(2, "- ports:");
      for (const ir::Flow& flow : flows)
        if (numbered(flow)) port(flow.number, ir::to_string(flow.protocol));
    }
    if (std::all_of(flows.begin(), flows.end(), numbered)) return;
    line(1, comment);
    peer(policy, id, wanted);
    line(2, "icmps:");
    line(2, "- fields:");
    for (const ir::Flow& flow : flows) {
      if (numbered(flow)) continue;
      line(3, "- type: " + std::to_string(flow.number));
      line(4, std::string("family: ") + (flow.protocol == ir::Protocol::Icmp ? "IPv4" : "IPv6"));
    }
  }
  void port(std::uint16_t number, const char* protocol) {
    line(3, "- port: \"" + std::to_string(number) + "\"");
    line(4, std::string("protocol: ") + protocol);
  }

  void dns(const ir::Endpoint& subject, std::uint32_t server, const SuggestedPolicy::Dns& queries) {
    line(1, "# names are known by the answers that pass Cilium's DNS proxy");
    endpoints(subject, server, true);
    line(2, "toPorts:");
    line(2, "- ports:");
    for (const ir::Flow& flow : queries.flows) port(flow.number, ir::to_string(flow.protocol));
    line(3, "rules:");
    line(4, "dns:");
    for (const std::string& name : queries.names) line(4, name == "*" ? "- matchPattern: \"*\"" : "- matchName: " + scalar(name));
  }

  const Suggestions& suggestions_;
  const Recording& recording_;
  const Verdicts& now_;
  const ir::Cluster& cluster_;
  std::set<std::string> taken_;
  std::string out_;
};

void comment(std::string& out, const std::string& head, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += "# " + head + "\n";
  for (const std::string& one : lines) out += "#   " + one + "\n";
}

}  // namespace

std::string to_yaml(const Suggestions& suggestions, const Recording& recording, const Verdicts& now) { return Writer(suggestions, recording, now).write(); }

std::string to_file(const Suggestions& suggestions, const std::string& yaml, const SuggestionProof& proof) {
  std::string out;
  const std::size_t n = suggestions.opened.size();
  if (n == 0) {
    out = suggestions.left_out.empty() ? "# Nothing is newly dropped: there is nothing to suggest.\n" : "";
  } else {
    out = "# Suggested by netpolc replay, for " + std::to_string(n) + (n == 1 ? " connection" : " connections") + " that would be newly dropped.\n";
    const bool exact = proof.missing.empty() && proof.more.empty();
    out += "# What passes was compared with and without, on every port of " + std::to_string(proof.pairs) + " pairs of ends: " +
           (exact ? "this opens what was recorded and nothing else.\n" : "see below for what is not as recorded.\n");
  }
  comment(out, "It also changes:", proof.more);
  comment(out, "It does not open:", proof.missing);
  comment(out, "Not suggested:", suggestions.left_out);
  return out + yaml;
}

}  // namespace netpolc::compiler::replay
