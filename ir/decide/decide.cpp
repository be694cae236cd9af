// Which endpoints get which table: rules are compiled once, endpoints with the same rules share
// one computation (semantics reference, sections 2.4, 4 and 5.3).
#include <algorithm>
#include <cassert>
#include <map>
#include <unordered_map>

#include "ir/decide/direction.h"
#include "ir/decide/invariants.h"

namespace netpolc::ir {
namespace {

struct CompiledPolicy {
  ConditionId subject = everyone;  // over identities; unused for nodes
  std::vector<CompiledRule> ingress, egress;
};

struct SubjectView {
  DecidedEndpoint endpoint;
  std::vector<std::uint32_t> policies;  // that select it
  const std::vector<NamedPort>* named_ports = nullptr;
  bool init = false;        // has a label `init`, of whatever source: always default deny
  bool named_host = false;  // has a label `host`: taken for the host (QUIRK)
};

class Decider {
 public:
  Decider(const PolicySet& policies, const Cluster& cluster, const Identities& identities)
      : policies_(policies.policies),
        cluster_(cluster),
        identities_(identities),
        index_(identities.all()),
        conditions_(index_, cluster) {
    compile();
    collect_named_ports();
  }

  Decisions run() {
    if (cluster_.config.host_firewall) run_hosts();
    run_endpoints();
    std::sort(out_.endpoints.begin(), out_.endpoints.end(), [](const DecidedEndpoint& a, const DecidedEndpoint& b) {
      return std::pair(a.is_host, a.endpoint) < std::pair(b.is_host, b.endpoint);
    });
    return std::move(out_);
  }

 private:
  void compile() {
    compiled_.resize(policies_.size());
    std::map<std::string, std::uint32_t> texts;
    for (std::uint32_t p = 0; p < policies_.size(); ++p) {
      const Policy& policy = policies_[p];
      CompiledPolicy& out = compiled_[p];
      if (!policy.subject_is_node) {
        out.subject = conditions_.of_selector(policy.subject);
        if (policy.ns.empty()) clusterwide_.push_back(p);
        else by_namespace_[policy.ns].push_back(p);
      }
      for (std::uint32_t r = 0; r < policy.rules.size(); ++r) {
        const Rule& rule = policy.rules[r];
        auto& list = rule.direction == Direction::Ingress ? out.ingress : out.egress;
        list.push_back(compile_rule(policy, rule, {p, r}, conditions_));
        texts.emplace(list.back().text, 0);
      }
    }
    std::uint32_t rank = 0;
    for (auto& [text, number] : texts) number = rank++;
    for (CompiledPolicy& policy : compiled_)
      for (auto* list : {&policy.ingress, &policy.egress})
        for (CompiledRule& rule : *list) rule.rank = texts.at(rule.text);
  }

  // Before 1.20 egress names mean one number in the whole cluster (section 5.9).
  void collect_named_ports() {
    for (const Endpoint& endpoint : cluster_.endpoints)
      if (!endpoint.host_network) all_ports_.insert(all_ports_.end(), endpoint.named_ports.begin(), endpoint.named_ports.end());
    std::sort(all_ports_.begin(), all_ports_.end());
    all_ports_.erase(std::unique(all_ports_.begin(), all_ports_.end()), all_ports_.end());
  }

  void run_endpoints() {
    std::unordered_map<std::uint32_t, std::size_t> position;
    for (std::size_t i = 0; i < identities_.all().size(); ++i) position.emplace(identities_.all()[i].id, i);
    for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e) {
      const Endpoint& endpoint = cluster_.endpoints[e];
      if (endpoint.host_network || endpoint.remote) continue;
      const std::size_t at = position.at(identities_.of_endpoint(e));
      SubjectView view;
      view.endpoint.endpoint = e;
      view.named_ports = &endpoint.named_ports;
      const auto has_key = [&](const char* key) {
        return std::any_of(endpoint.labels.begin(), endpoint.labels.end(), [&](const Label& label) { return label.key == key; });
      };
      view.init = has_key("init");
      view.named_host = has_key("host");
      const auto consider = [&](const std::vector<std::uint32_t>& candidates) {
        for (std::uint32_t p : candidates)
          if (conditions_[compiled_[p].subject].bits.test(at)) view.policies.push_back(p);
      };
      consider(clusterwide_);
      if (const auto own = by_namespace_.find(endpoint.ns); own != by_namespace_.end()) consider(own->second);
      std::sort(view.policies.begin(), view.policies.end());
      place(view);
    }
  }

  void run_hosts() {
    static const std::vector<NamedPort> no_ports;
    std::vector<Identity> hosts;
    for (const Node& node : cluster_.nodes) {
      const bool apiserver = std::any_of(node.addresses.begin(), node.addresses.end(), [&](const IpAddress& address) {
        return std::binary_search(cluster_.kube_apiservers.begin(), cluster_.kube_apiservers.end(), address);
      });
      hosts.push_back({0, host_labels(node, apiserver), {}});
    }
    const SelectorIndex index(hosts);
    std::vector<std::pair<std::uint32_t, Bits>> selected;
    for (std::uint32_t p = 0; p < policies_.size(); ++p)
      if (policies_[p].subject_is_node) selected.push_back({p, index.select(policies_[p].subject)});
    for (std::uint32_t n = 0; n < cluster_.nodes.size(); ++n) {
      if (cluster_.nodes[n].remote_cluster) continue;
      SubjectView view;
      view.endpoint = {n, true, 0, {}, {}};
      view.named_ports = &no_ports;
      for (const auto& [p, bits] : selected)
        if (bits.test(n)) view.policies.push_back(p);
      place(view);
    }
  }

  Enforcement enforcement(const SubjectView& view, Direction direction) const {
    const Config& config = cluster_.config;
    if (config.mode == PolicyMode::Never) return Enforcement::None;
    if (view.named_host && !config.host_firewall) return Enforcement::None;
    if (config.mode == PolicyMode::Always || view.init) return Enforcement::DefaultDeny;
    Enforcement state = Enforcement::None;
    for (std::uint32_t p : view.policies) {
      const bool in = direction == Direction::Ingress;
      if ((in ? compiled_[p].ingress : compiled_[p].egress).empty()) continue;
      const bool deny = in ? policies_[p].default_deny_ingress : policies_[p].default_deny_egress;
      const bool may_deny = policies_[p].tier == Tier::Normal;
      if (may_deny && (deny || !config.non_default_deny_policies)) return Enforcement::DefaultDeny;
      state = Enforcement::DefaultAllow;
    }
    return state;
  }

  // Ingress from the node itself passes unless denied (section 4.5).
  bool localhost_exception(const SubjectView& view, Enforcement state) const {
    if (view.endpoint.is_host || !cluster_.config.allow_localhost || state == Enforcement::None) return false;
    if (cluster_.config.version < 20) return true;
    const bool any = std::any_of(view.policies.begin(), view.policies.end(), [&](std::uint32_t p) { return !compiled_[p].ingress.empty(); });
    return any && state == Enforcement::DefaultDeny;
  }

  DirectionInput input(const SubjectView& view, Direction direction) const {
    DirectionInput out;
    out.direction = direction;
    out.version = cluster_.config.version;
    out.enforcement = enforcement(view, direction);
    out.named_ports = direction == Direction::Ingress ? view.named_ports : &all_ports_;
    if (direction == Direction::Ingress) out.localhost_exception = localhost_exception(view, out.enforcement);
    if (out.enforcement == Enforcement::None) return out;
    for (std::uint32_t p : view.policies) {
      for (const CompiledRule& rule : direction == Direction::Ingress ? compiled_[p].ingress : compiled_[p].egress) {
        if (!rule.peers.empty()) out.rules.push_back(&rule);
        if (out.version > 18) continue;
        for (const Selector& selector : policies_[p].rules[rule.ref.rule].requires_all) {
          auto& to = rule.action == Action::Allow ? out.allow_requires : out.deny_requires;
          to.insert(to.end(), selector.requirements.begin(), selector.requirements.end());
        }
      }
    }
    std::stable_sort(out.rules.begin(), out.rules.end(), [](auto* a, auto* b) { return a->rank < b->rank; });
    out.rules.erase(std::unique(out.rules.begin(), out.rules.end(), [](auto* a, auto* b) { return a->rank == b->rank; }), out.rules.end());
    for (auto* list : {&out.allow_requires, &out.deny_requires}) {
      std::sort(list->begin(), list->end());
      list->erase(std::unique(list->begin(), list->end()), list->end());
    }
    return out;
  }

  std::uint32_t interned(const std::string& text) { return strings_.emplace(text, static_cast<std::uint32_t>(strings_.size())).first->second; }

  // Everything that a direction's table depends on.
  void append_key(const DirectionInput& in, std::vector<std::uint32_t>& key) {
    key.push_back(static_cast<std::uint32_t>(in.enforcement) * 2 + in.localhost_exception);
    key.push_back(static_cast<std::uint32_t>(in.rules.size()));
    std::string rest = to_string(Selector{in.allow_requires}) + "\n" + to_string(Selector{in.deny_requires});
    for (const CompiledRule* rule : in.rules) {
      key.push_back(rule->rank);
      if (in.direction == Direction::Egress) continue;
      for (const RuleFilter& filter : rule->filters)
        if (!filter.filter.name.empty())
          for (const NamedPort& port : *in.named_ports)
            if (port.name == filter.filter.name && port.protocol == filter.filter.protocol)
              rest += "\n" + port.name + protocol_name(port.protocol) + std::to_string(port.port);
    }
    key.push_back(interned(rest));
  }

  static std::vector<RuleRef> refs(const DirectionInput& in) {
    std::vector<RuleRef> out;
    for (const CompiledRule* rule : in.rules) out.push_back(rule->ref);
    out.insert(out.end(), synthesized_rules(in), synthesized_rule);
    return out;
  }

  void place(SubjectView& view) {
    const DirectionInput ingress = input(view, Direction::Ingress), egress = input(view, Direction::Egress);
    std::vector<std::uint32_t> key;
    append_key(ingress, key);
    append_key(egress, key);
    const auto [found, fresh] = tables_.emplace(std::move(key), static_cast<std::uint32_t>(out_.tables.size()));
    if (fresh) {
      DecisionTable table;
      table.ingress = make_direction(ingress, identities_, index_, conditions_, table.incomputable);
      std::optional<Incomputable> second;
      table.egress = make_direction(egress, identities_, index_, conditions_, second);
      if (!table.incomputable) table.incomputable = second;
      assert(!violated(table));
      out_.tables.push_back(std::move(table));
    }
    view.endpoint.table = found->second;
    view.endpoint.ingress_rules = refs(ingress);
    view.endpoint.egress_rules = refs(egress);
    out_.endpoints.push_back(std::move(view.endpoint));
  }

  const std::vector<Policy>& policies_;
  const Cluster& cluster_;
  const Identities& identities_;
  SelectorIndex index_;
  Conditions conditions_;
  std::vector<CompiledPolicy> compiled_;
  std::vector<std::uint32_t> clusterwide_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_namespace_;
  std::vector<NamedPort> all_ports_;
  std::unordered_map<std::string, std::uint32_t> strings_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> tables_;
  Decisions out_;
};

}  // namespace

Decisions decide(const PolicySet& policies, const Cluster& cluster, const Resolutions&, const Identities& identities) {
  return Decider(policies, cluster, identities).run();
}

}  // namespace netpolc::ir
