// verify/symbolic/encode.h — a verdict as a formula: what one side of a connection allows, where either end may be a pod
// with unknown labels. Written from the semantics reference (4, 5.1, 5.3, 5.9, 5.10) beside the interpreter, which every
// witness is replayed through; what the two share is how names are looked up (ir/eval/resolve.h).
#pragma once
#include <z3++.h>

#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "ir/eval/eval.h"
#include "verify/claims.h"
#include "verify/symbolic/names.h"
#include "verify/symbolic/pod.h"
#include "verify/symbolic/request.h"
#include "verify/symbolic/rules.h"
#include "verify/symbolic/traffic.h"

namespace netpolc::verify::symbolic {

// One end: a pod or a node with unknown labels, or somebody that there is. Of the latter `subject` is null where nothing is
// enforced for it. What is pointed to outlives the encoding.
struct Party {
  SymbolicPod* pod = nullptr;
  const ir::Subject* subject = nullptr;
  const ir::PeerFacts* facts = nullptr;
  bool judged() const { return pod != nullptr || subject != nullptr; }
  bool is_host() const { return pod != nullptr ? pod->is_node() : subject->is_host; }
};

// What can forbid (Forbids). The literal is assumed; where it isn't, the formula goes as if that were not there.
struct Guard {
  z3::expr literal;
  Forbids what;
};

struct SideTerms {
  z3::expr allowed;
  z3::expr plain;  // allowed, and no proxy looks at it; before 1.17 not where a range begins with a port's name
  z3::expr passes; // the request is let through; `allowed` without one
};

class Encoder {
 public:
  // `pods`: all that take part in the question. Everything outlives the encoder.
  // Without guards, what forbids is just there. `names`: those of the address outside, if one of the ends is one; without,
  // they resolve to what is known and to nothing else.
  Encoder(const ir::eval::World& world, const PreparedRules& rules, z3::context& context, std::vector<SymbolicPod*> pods, bool guards = true,
          SymbolicRequest* request = nullptr, SymbolicNames* names = nullptr);

  // As if this rule said nothing; what it turns on by being there stays.
  void leave_out(ir::RuleRef rule) { left_out_ = rule; }
  // What is not modelled is the same to all encoders that this is said to.
  void take_unknown_as_alike() { unknown_alike_ = true; }
  // Precondition: subject.judged().
  SideTerms side(ir::Direction direction, const Party& subject, const Party& peer, const Traffic& traffic);

  // Whether the rule spoke of what the last side() was about. Precondition: it was not left out.
  z3::expr spoke(ir::RuleRef rule) const;

  const std::vector<Guard>& guards() const { return guards_; }
  const std::vector<z3::expr>& facts() const { return facts_; }
  std::vector<z3::expr> preferences() const;
  // Does the model turn on what lists let pass that are not modelled?
  bool is_unmodelled(const z3::model& model) const;
  // What egress rules' named ports mean in a model, where they are one table for all pods (before 1.20); 0: nothing.
  std::vector<ir::NamedPort> cluster_ports(const z3::model& model) const;

 private:
  struct Selected {
    z3::expr by;
    const PreparedPolicy* policy;
  };
  struct Sums {  // of one level
    std::vector<z3::expr> denies, allows, passes, redirects;
    // Of requests: which proxies are asked for; where they end what is not theirs; what lets pass at the request's own proxy,
    // and at one that looks for server names (of a DNS query), and what may.
    std::vector<z3::expr> http, tls, dns, http_ends, dns_ends, through, at_names, perhaps;
  };
  // A port as written, and a selector: where names of several rules are one list (section 5.6).
  using Filter = std::tuple<Level, ir::Protocol, std::uint16_t, std::uint16_t, std::string, std::string>;
  struct Names {
    std::vector<z3::expr> asked, listed;
  };
  struct Question {  // of one side
    ir::Direction direction;
    const Party& subject;
    const Party& peer;
    const Traffic& traffic;
    std::map<Filter, Names> names = {};
    bool names_unknown = false;  // from/toRequires make selectors equal that are written in different ways, and different ones equal
    std::vector<z3::expr> unmodelled = {};
  };
  std::vector<Selected> selected(ir::Direction direction, const Party& subject);
  z3::expr selects(const ir::Policy& policy, const Party& subject);
  z3::expr holds(const ir::Selector& selector, const Party& party);
  z3::expr has_key(const Party& subject, const std::string& key);
  z3::expr narrowing(const std::vector<Selected>& selected, ir::Direction direction, ir::Action action, const Party& peer);
  z3::expr is_peer(const PreparedRule& rule, const Party& peer, const z3::expr& narrowed);
  z3::expr is_peer(const ir::eval::ResolvedPeer& one, const Party& peer, const z3::expr& narrowed);
  z3::expr is_peer(const ir::eval::Matcher& matcher, const Party& peer);
  z3::expr holds_outside(const ir::Selector& selector, const ir::LabelSet& labels);
  z3::expr port(const ir::PortMatch& match, ir::Protocol protocol, ir::Direction direction, const Party& subject, const Party& peer, const Traffic& traffic);
  z3::expr ports(const PreparedRule& rule, ir::Direction direction, const Party& subject, const Party& peer, const Traffic& traffic, bool redirected);
  void collect_names(const std::vector<Selected>& selected, Question& question);
  void lists(const Selected& selected, const PreparedRule& rule, const z3::expr& narrowed, Question& question, Sums& out);
  z3::expr by_server_name(const Selected& selected, const PreparedRule& rule, const ir::PortMatch& match, ir::Protocol protocol, const z3::expr& narrowed, const Question& question);
  // Whether a redirect is taken, and to which proxy.
  struct Chosen {
    z3::expr redirected, http, tls, dns;
  };
  Chosen first_hit(const std::vector<Selected>& selected, const z3::expr& narrowed, Question& question);  // before 1.17
  // What the proxy of this level makes of the request. `proxied`, `at_names`: what the next levels let pass.
  struct AtProxy {
    z3::expr passes, proxied, at_names;
  };
  AtProxy at_proxy(const Sums& sums, const std::optional<Chosen>& chosen, const z3::expr& unknown, const z3::expr& anything, const z3::expr& proxied, const z3::expr& at_names);
  z3::expr number_of(const std::string& name, ir::Protocol protocol, ir::Direction direction, const Party& subject, const Party& peer);
  z3::expr cluster_port(const std::string& name, ir::Protocol protocol);
  z3::expr peer_port(const std::string& name, ir::Protocol protocol, const Party& peer);
  z3::expr guarded(const z3::expr& term, Forbids what);
  z3::expr unmatched(ir::Direction direction, const std::vector<Selected>& selected, const Party& subject, const Party& peer);
  z3::expr encapsulates(ir::Direction direction, const Party& subject, const Party& peer, const Traffic& traffic);
  z3::expr constant(bool value) { return context_.bool_val(value); }

  const ir::eval::World& world_;
  const PreparedRules& rules_;
  z3::context& context_;
  const std::vector<SymbolicPod*> pods_;
  const bool guarding_;
  SymbolicRequest* const request_;
  SymbolicNames* const names_;
  std::vector<z3::expr> unmodelled_;
  bool unknown_alike_ = false;
  std::optional<ir::RuleRef> left_out_;
  std::map<ir::RuleRef, z3::expr> spoken_;
  const ir::eval::AddressLabels& address_labels_;
  std::map<const ir::PeerFacts*, ir::LabelSet> labels_of_;
  std::map<std::pair<std::string, ir::Protocol>, z3::expr> cluster_ports_;
  std::map<Forbids, z3::expr> guard_of_;
  std::vector<Guard> guards_;
  std::vector<z3::expr> facts_;
};

}  // namespace netpolc::verify::symbolic
