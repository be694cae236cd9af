// An endpoint's explanation for people, and as data (kind EndpointExplanation, docs/explain.md).
#include <algorithm>

#include "compiler/explain/endpoint.h"
#include "compiler/explain/json.h"
#include "compiler/explain/place.h"
#include "compiler/explain/words.h"
#include "compiler/traffic_text.h"

namespace netpolc::explain {
namespace {

std::string rules_words(const SelectingPolicy& one) {
  std::string out;
  const auto add = [&](std::size_t count, const char* what) {
    if (count != 0) out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  add(one.denies, "deny");
  add(one.allows, "allow");
  add(one.passes, "pass");
  return out;
}

std::vector<std::string> node_names(const EndpointView& view, const ir::Cluster& cluster) {
  std::vector<std::string> out;
  for (const std::uint32_t node : view.nodes) out.push_back(cluster.nodes[node].name);
  return out;
}

// What is explained: a workload, or the host of a node.
struct Title {
  std::string name, kind;
  Span where;
};
Title title_of(const EndpointView& view, const ir::Cluster& cluster) {
  if (view.nodes.empty()) {
    const ir::Endpoint& endpoint = cluster.endpoints[view.endpoint];
    return {endpoint.ns + "/" + endpoint.name, endpoint.kind, endpoint.where};
  }
  const ir::Node& node = cluster.nodes[view.nodes.front()];
  return {"node/" + node.name, "Node", node.where};
}

class Text {
 public:
  Text(const verify::AllPorts& ports, const Sources& sources, bool wide) : traffic_(ports.sets()), sources_(sources), most_(wide ? 0 : kNamesShown) {}

  std::string write(const EndpointView& view) {
    const ir::Cluster& cluster = sources_.world.cluster;
    const Title title = title_of(view, cluster);
    const std::string kind = view.nodes.empty() ? title.kind : "host";
    out_ = title.name + "   " + kind + (view.identity == 0 ? "" : ", identity " + std::to_string(view.identity)) + "   " + place_text(title.where, files()) + "\n\n";
    if (view.nodes.size() > 1) line("nodes", "with the same labels: " + listed(node_names(view, cluster), most_));
    for (const std::string& note : view.notes) line("note", note);
    for (std::size_t l = 0; l < view.labels.size(); ++l) line(l == 0 ? "labels" : "", view.labels[l].to_string());
    for (std::size_t l = 0; l < view.dropped.size(); ++l) line(l == 0 ? "dropped" : "", view.dropped[l].label.to_string() + "   " + view.dropped[l].why);
    if (!view.incomputable.empty()) {
      out_ += "\n";
      line("policy", "cannot be computed, so that nothing is known of either direction: " + view.incomputable);
      for (const ir::RuleRef rule : view.conflict) line("", rule_line(rule));
    }
    for (const EndpointDirection& one : view.directions) direction(one);
    return std::move(out_);
  }

 private:
  const SourceManager& files() const { return sources_.places.sources(); }
  std::string rule_line(ir::RuleRef rule) const { return compiler::rule_line(rule, sources_.world.policies, files()); }

  void line(const char* name, const std::string& text) {
    std::string head = std::string("  ") + name;
    head.resize(12, ' ');
    out_ += head + text + "\n";
  }

  void direction(const EndpointDirection& view) {
    out_ += "\n";
    const bool ingress = view.direction == ir::Direction::Ingress;
    const char* name = direction_name(view.direction);
    if (view.enforcement == ir::Enforcement::None && view.open.empty()) return line(name, "not known, though no policy selects it in this direction");
    if (!view.open.empty()) return open(name, view);
    if (view.enforcement == ir::Enforcement::DefaultAllow) {
      line(name, "default allow: what no rule denies is allowed, since every policy that selects it leaves default deny off");
    } else {
      line(name, view.switched_on.empty() ? "default deny, though no rule switches it on: `enable-policy` is `always`, or it has no labels yet" : "default deny, switched on by");
      for (const ir::RuleRef rule : view.switched_on) line("", "  " + rule_line(rule));
    }
    policies(view);
    for (const Denied& one : view.denied) {
      line(&one == &view.denied.front() ? "denied" : "", (ingress ? "from " : "to ") + one.peers + ", on " + one.ports);
      line("", "  by " + rule_line(one.rule));
    }
    allowed(view);
  }

  void open(const char* name, const EndpointDirection& view) {
    line(name, "open: " + view.open + ", so everything is allowed");
    policies(view);
    if (!view.policies.empty()) line("", view.policies.size() == 1 ? "it enforces nothing" : "they enforce nothing");
  }

  void policies(const EndpointDirection& view) {
    for (const SelectingPolicy& one : view.policies) {
      const ir::Policy& policy = sources_.world.policies.policies[one.policy];
      std::string text = std::string(ir::to_string(policy.kind)) + " " + full_name(policy) + " (" + rules_words(one) + ")";
      text.resize(std::max<std::size_t>(text.size() + 2, 56), ' ');
      line(&one == &view.policies.front() ? "policies" : "", text + place_text(policy.where, files()));
    }
  }

  void allowed(const EndpointDirection& view) {
    const std::string preposition = view.direction == ir::Direction::Ingress ? "from " : "to ";
    if (view.allowed.empty() && view.nothing_for.empty()) return;
    for (const Allowed& one : view.allowed) {
      line(&one == &view.allowed.front() ? "allowed" : "", preposition + listed(one.peers, most_));
      std::string traffic;
      for (const verify::AccessId id : one.traffic) traffic += (traffic.empty() ? "" : "; or, by replica, node or address, ") + traffic_.text(id);
      line("", "  " + traffic);
    }
    if (!view.nothing_for.empty()) line(view.allowed.empty() ? "allowed" : "", "nothing " + preposition + listed(view.nothing_for, most_));
    for (const std::string& one : view.unknown) line("", preposition + one + ": no address is known (--resolutions)");
  }

  compiler::TrafficText traffic_;
  const Sources& sources_;
  const std::size_t most_;
  std::string out_;
};

class Json {
 public:
  Json(const verify::AllPorts& ports, const Sources& sources) : traffic_(ports.sets()), sources_(sources), rules_(sources.world.policies, sources.places.sources()) {}

  std::string write(const std::vector<EndpointView>& views) {
    std::vector<std::string> all;
    for (const EndpointView& one : views) all.push_back(endpoint(one));
    JsonObject out;
    return out.text("apiVersion", "netpolc.dev/v1").text("kind", "EndpointExplanation").list("endpoints", all).take() + "\n";
  }

 private:
  std::string endpoint(const EndpointView& view) {
    const Title title = title_of(view, sources_.world.cluster);
    const SourceManager& files = sources_.places.sources();
    JsonObject out;
    out.text("endpoint", title.name).text("workload", title.kind);
    out.text("file", files.path(title.where.file)).number("line", files.locate(title.where.file, title.where.begin).line);
    if (!view.nodes.empty()) out.texts("nodes", node_names(view, sources_.world.cluster));
    if (view.identity != 0) out.number("identity", view.identity);
    std::vector<std::string> labels, dropped;
    for (const ir::Label& label : view.labels) labels.push_back(label.to_string());
    for (const Dropped& one : view.dropped) {
      JsonObject label;
      dropped.push_back(label.text("label", one.label.to_string()).text("why", one.why).take());
    }
    out.texts("labels", labels).list("dropped", dropped).texts("notes", view.notes);
    if (!view.incomputable.empty()) out.text("incomputable", view.incomputable).list("conflict", rules(view.conflict));
    for (const EndpointDirection& one : view.directions) out.raw(direction_name(one.direction), direction(one));
    return out.take();
  }

  std::vector<std::string> rules(const std::vector<ir::RuleRef>& refs) {
    std::vector<std::string> out;
    for (const ir::RuleRef ref : refs) out.push_back(rules_.rule(ref));
    return out;
  }

  std::string direction(const EndpointDirection& view) {
    std::vector<std::string> policies, denied, allowed;
    for (const SelectingPolicy& one : view.policies) policies.push_back(policy(one));
    for (const Denied& one : view.denied) {
      JsonObject rule;
      denied.push_back(rule.raw("rule", rules_.rule(one.rule)).text("peers", one.peers).text("ports", one.ports).take());
    }
    for (const Allowed& one : view.allowed) {
      std::vector<std::string> traffic;
      for (const verify::AccessId id : one.traffic) traffic.push_back(traffic_.json(id));
      JsonObject set;
      allowed.push_back(set.texts("peers", one.peers).list("traffic", traffic).take());
    }
    JsonObject out;
    out.text("enforcement", compiler::to_string(view.enforcement)).list("defaultDeny", rules(view.switched_on)).list("policies", policies);
    if (!view.open.empty()) out.text("open", view.open);
    return out.list("denied", denied).list("allowed", allowed).texts("nothing", view.nothing_for).texts("unknown", view.unknown).take();
  }

  std::string policy(const SelectingPolicy& one) {
    const ir::Policy& policy = sources_.world.policies.policies[one.policy];
    const SourceManager& files = sources_.places.sources();
    JsonObject out;
    out.text("kind", ir::to_string(policy.kind)).text("namespace", policy.ns).text("name", policy.name);
    out.text("file", files.path(policy.where.file)).number("line", files.locate(policy.where.file, policy.where.begin).line);
    return out.number("allows", one.allows).number("denies", one.denies).number("passes", one.passes).take();
  }

  compiler::TrafficText traffic_;
  const Sources& sources_;
  compiler::JsonAnswers rules_;
};

}  // namespace

std::string endpoint_text(const EndpointView& view, const verify::AllPorts& ports, const Sources& sources, bool wide) { return Text(ports, sources, wide).write(view); }
std::string endpoint_json(const std::vector<EndpointView>& views, const verify::AllPorts& ports, const Sources& sources) { return Json(ports, sources).write(views); }

}  // namespace netpolc::explain
