// A policy's explanation for people, and as data (kind PolicyExplanation, docs/explain.md).
#include "compiler/explain/json.h"
#include "compiler/explain/place.h"
#include "compiler/explain/policy.h"
#include "compiler/explain/words.h"
#include "ir/text/names.h"

namespace netpolc::explain {
namespace {

std::string counted(std::size_t count, const char* one) { return std::to_string(count) + " " + one + (count == 1 ? "" : "s"); }

class Text {
 public:
  Text(const Sources& sources, bool wide) : sources_(sources), most_(wide ? 0 : kNamesShown) {}

  std::string write(const std::vector<SpecView>& specs) {
    for (std::size_t s = 0; s < specs.size(); ++s) {
      const ir::Policy& policy = of(specs[s]);
      if (s != 0) out_ += "\n";
      out_ += std::string(ir::to_string(policy.kind)) + " " + full_name(policy) + (specs.size() == 1 ? "" : ", spec " + std::to_string(s + 1) + " of " + std::to_string(specs.size())) + "   " + place_text(policy.where, files()) + "\n\n";
      spec(specs[s], policy);
    }
    return std::move(out_);
  }

 private:
  const SourceManager& files() const { return sources_.places.sources(); }
  const ir::Policy& of(const SpecView& spec) const { return sources_.world.policies.policies[spec.policy]; }

  void line(const char* name, const std::string& text) {
    std::string head = std::string("  ") + name;
    head.resize(12, ' ');
    out_ += head + text + "\n";
  }
  void below(const char* name, const std::string& text) {
    std::string head = std::string("    ") + name;
    head.resize(12, ' ');
    out_ += head + text + "\n";
  }

  void spec(const SpecView& spec, const ir::Policy& policy) {
    line("selects", spec.words);
    line("", "as Cilium reads it: " + spec.selector);
    line("", spec.selected.empty() ? "nobody now" : "now " + counted(spec.selected.size(), "endpoint") + ": " + listed(spec.selected, most_));
    for (const std::string& note : spec.notes) line("", note);
    if (policy.tier != ir::Tier::Normal) line("tier", std::string(ir::text::name_of(policy.tier)) + ", priority " + std::to_string(policy.priority) + ": rules are asked in order, and it never denies by default");
    for (const DirectionView& direction : spec.directions) enforcement(spec, policy, direction);
    for (const RuleView& view : spec.rules) rule(view, policy);
  }

  void enforcement(const SpecView& spec, const ir::Policy& policy, const DirectionView& direction) {
    const char* name = direction_name(direction.direction);
    const ir::PolicyMode mode = sources_.world.cluster.config.mode;
    if (mode == ir::PolicyMode::Always) return line(name, "default deny is on for everybody, whatever policies say (`enable-policy` is `always`)");
    if (mode == ir::PolicyMode::Never) return line(name, "nothing is enforced (`enable-policy` is `never`)");
    if (direction.rules == 0) return line(name, "it says nothing about it");
    if (!direction.default_deny) return line(name, policy.tier == ir::Tier::Normal ? "it leaves default deny off (`enableDefaultDeny`): what no rule denies is allowed, as far as it goes" : "it leaves default deny as it is");
    line(name, "it switches on default deny for all that it selects: what no rule of any policy allows is denied");
    if (!direction.alone.empty() && direction.alone.size() == spec.selected.size()) line("", "no other policy does so for them");
    else if (!direction.alone.empty()) line("", "no other policy does so for " + listed(direction.alone, most_));
    else if (!spec.selected.empty()) line("", "other policies do so, too, for each of them");
  }

  void rule(const RuleView& view, const ir::Policy& policy) {
    const ir::Rule& written = policy.rules[view.ref.rule];
    out_ += "\n  " + std::string(ir::text::name_of(view.action)) + "  " + written.path + "   " + place_text(written.where, files()) + "\n";
    const char* side = view.direction == ir::Direction::Ingress ? "from" : "to";
    for (const PeerView& one : view.peers) peer(side, one);
    if (!view.peers.empty())
      for (const PortsView& one : view.ports) ports(one);
    if (!view.auth.empty()) below("auth", view.auth);
    for (const std::string& note : view.notes) below("note", note);
  }

  void peer(const char* side, const PeerView& view) {
    below(side, view.words);
    if (!view.selector.empty()) below("", "as Cilium reads it: " + view.selector);
    if (!view.now.empty()) below("", "now " + std::to_string(view.now.size()) + ": " + listed(view.now, most_));
    else if (!view.open) below("", "nobody now");
    for (const std::string& note : view.notes) below("", note);
  }

  void ports(const PortsView& view) {
    below("on", view.words);
    for (const std::string& l7 : view.l7) below("", "if the proxy finds  " + l7);
    for (const std::string& note : view.notes) below("", note);
  }

  const Sources& sources_;
  const std::size_t most_;
  std::string out_;
};

class Json {
 public:
  explicit Json(const Sources& sources) : sources_(sources), rules_(sources.world.policies, sources.places.sources()) {}

  std::string write(const std::vector<SpecView>& specs) {
    const ir::Policy& policy = sources_.world.policies.policies[specs.front().policy];
    std::vector<std::string> all;
    for (const SpecView& one : specs) all.push_back(spec(one));
    JsonObject out;
    out.text("apiVersion", "netpolc.dev/v1").text("kind", "PolicyExplanation");
    out.text("policyKind", ir::to_string(policy.kind)).text("namespace", policy.ns).text("name", policy.name);
    return out.list("specs", all).take() + "\n";
  }

 private:
  std::string spec(const SpecView& view) {
    const ir::Policy& policy = sources_.world.policies.policies[view.policy];
    const SourceManager& files = sources_.places.sources();
    std::vector<std::string> rules;
    for (const RuleView& one : view.rules) rules.push_back(rule(one));
    JsonObject out;
    out.text("file", files.path(policy.where.file)).number("line", files.locate(policy.where.file, policy.where.begin).line);
    out.text("selects", view.words).text("selector", view.selector).texts("selected", view.selected).texts("notes", view.notes);
    for (const DirectionView& one : view.directions) {
      JsonObject direction;
      direction.number("rules", one.rules).boolean("defaultDeny", one.default_deny).texts("onlyThisPolicyFor", one.alone);
      out.raw(direction_name(one.direction), direction.take());
    }
    return out.list("rules", rules).take();
  }

  std::string rule(const RuleView& view) {
    std::vector<std::string> peers, ports;
    for (const PeerView& one : view.peers) {
      JsonObject peer;
      peer.text("words", one.words);
      if (!one.selector.empty()) peer.text("selector", one.selector);
      peers.push_back(peer.texts("now", one.now).boolean("outside", one.open).texts("notes", one.notes).take());
    }
    for (const PortsView& one : view.ports) {
      JsonObject port;
      ports.push_back(port.text("words", one.words).texts("l7", one.l7).texts("notes", one.notes).take());
    }
    JsonObject out;
    out.raw("rule", rules_.rule(view.ref)).text("direction", direction_name(view.direction)).text("action", ir::text::name_of(view.action));
    out.list("peers", peers).list("ports", ports);
    if (!view.auth.empty()) out.text("auth", view.auth);
    return out.texts("notes", view.notes).take();
  }

  const Sources& sources_;
  compiler::JsonAnswers rules_;
};

}  // namespace

std::string policy_text(const std::vector<SpecView>& specs, const Sources& sources, bool wide) { return Text(sources, wide).write(specs); }
std::string policy_json(const std::vector<SpecView>& specs, const Sources& sources) { return Json(sources).write(specs); }

}  // namespace netpolc::explain
