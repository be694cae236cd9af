#include "verify/symbolic/pod.h"

#include <algorithm>
#include <bit>

#include "ir/eval/resolve.h"
#include "verify/node_labels.h"
#include "verify/smt/solver.h"

namespace netpolc::verify::symbolic {
namespace {

unsigned evaluate(const z3::model& model, const z3::expr& term) { return model.eval(term, true).get_numeral_uint(); }

unsigned bits_for(unsigned count) { return std::max(1, static_cast<int>(std::bit_width(count - 1))); }

const std::string* value_in(const PodPattern& pattern, const std::string& key) {
  for (const auto& [k, value] : pattern.labels)
    if (k == key) return &value;
  return nullptr;
}

}  // namespace

z3::expr SymbolicPod::Code::is(unsigned code) const {
  if (constant) return term.ctx().bool_val(*constant == code);
  if (code >= count) return term.ctx().bool_val(false);
  return term == term.ctx().bv_val(code, term.get_sort().bv_size());
}

SymbolicPod::SymbolicPod(const Universe& universe, z3::context& context, std::string role, const PodPattern& pattern, Is is)
    : universe_(universe), context_(context), role_(std::move(role)), pattern_(pattern), is_(is), namespace_{context.bool_val(true)} {
  std::optional<unsigned> fixed;
  if (pattern_.ns)
    if (const auto found = universe_.namespace_code(*pattern_.ns)) fixed = static_cast<unsigned>(*found);
  namespace_ = fresh("namespace", static_cast<unsigned>(universe_.namespaces().size()) + 1, fixed);
  // Two values for one key, or a namespace's label that it doesn't have: such pods can't be.
  for (const auto& [key, value] : pattern_.labels)
    if (kind(key) != KeyKind::Never) facts_.push_back(in(key, {value}));
}

KeyKind SymbolicPod::kind(const std::string& key) const {
  if (is_ == Is::Pod) return universe_.kind(key);
  return is_host_label(key) ? KeyKind::Own : KeyKind::Never;
}

SymbolicPod::Code SymbolicPod::fresh(const std::string& name, unsigned count, std::optional<unsigned> constant) {
  const unsigned bits = bits_for(count);
  if (constant) return {context_.bv_val(*constant, bits), count, constant};
  Code out{context_.bv_const((role_ + " " + name).c_str(), bits), count};
  if (count < (1ULL << bits)) facts_.push_back(z3::ult(out.term, context_.bv_val(count, bits)));
  return out;
}

// ---- labels --------------------------------------------------------------------------------------

const SymbolicPod::Code& SymbolicPod::code(const std::string& key) {
  if (const auto found = codes_.find(key); found != codes_.end()) return found->second;
  const auto& values = universe_.values(key);
  const KeyKind kind = this->kind(key);
  std::optional<unsigned> fixed;
  if (kind == KeyKind::Own)
    if (const std::string* value = value_in(pattern_, key))
      fixed = static_cast<unsigned>(std::lower_bound(values.begin(), values.end(), *value) - values.begin()) + 1;
  const Code& made = codes_.emplace(key, fresh(key, static_cast<unsigned>(values.size()) + 2, fixed)).first->second;
  if (kind == KeyKind::ServiceAccount) facts_.push_back(smt::negate(made.is(0)));
  if (kind == KeyKind::NamespaceLabel) tie_to_namespace(key, made);
  return made;
}

void SymbolicPod::tie_to_namespace(const std::string& key, const Code& made) {
  const auto& values = universe_.values(key);
  const std::string own = key.substr(std::string_view(kNamespaceLabels).size());
  for (unsigned n = 0; n < universe_.namespaces().size(); ++n) {
    const auto* labels = universe_.labels_of_namespace(universe_.namespaces()[n]);
    if (labels == nullptr || namespace_.is(n).is_false()) continue;
    const auto found = labels->find(own);
    const unsigned is = found == labels->end() ? 0 : static_cast<unsigned>(std::lower_bound(values.begin(), values.end(), found->second) - values.begin()) + 1;
    facts_.push_back(smt::any(context_, {smt::negate(namespace_.is(n)), made.is(is)}));
  }
}

z3::expr SymbolicPod::in_namespaces(const std::vector<std::string>& names) {
  if (is_ == Is::Node) return context_.bool_val(false);
  std::vector<z3::expr> out;
  for (const std::string& name : names)
    if (const auto code = universe_.namespace_code(name)) out.push_back(namespace_.is(static_cast<unsigned>(*code)));
  return smt::any(context_, out);
}

z3::expr SymbolicPod::in_namespace(const std::string& name) { return in_namespaces({name}); }

z3::expr SymbolicPod::in(const std::string& key, const std::vector<std::string>& wanted) {
  switch (kind(key)) {
    case KeyKind::Never: return context_.bool_val(false);
    case KeyKind::Namespace: return in_namespaces(wanted);
    case KeyKind::Cluster: return context_.bool_val(std::find(wanted.begin(), wanted.end(), universe_.cluster_name()) != wanted.end());
    case KeyKind::Own:
    case KeyKind::NamespaceLabel:
    case KeyKind::ServiceAccount: break;
  }
  const auto& values = universe_.values(key);
  const Code& code = this->code(key);
  std::vector<z3::expr> out;
  for (const std::string& value : wanted) {
    const auto at = std::lower_bound(values.begin(), values.end(), value);
    if (at != values.end() && *at == value) out.push_back(code.is(static_cast<unsigned>(at - values.begin()) + 1));
  }
  return smt::any(context_, out);
}

z3::expr SymbolicPod::exists(const std::string& key) {
  switch (kind(key)) {
    case KeyKind::Never: return context_.bool_val(false);
    case KeyKind::Namespace:
    case KeyKind::Cluster:
    case KeyKind::ServiceAccount: return context_.bool_val(true);
    case KeyKind::Own:
    case KeyKind::NamespaceLabel: break;
  }
  return smt::negate(code(key).is(0));
}

z3::expr SymbolicPod::has(const std::string& key) { return exists(key); }

// A pod's labels are all of source k8s (section 2.2): requirements for other sources see nothing, but for `reserved:host`
// of a node.
z3::expr SymbolicPod::holds(const ir::Requirement& requirement) {
  const bool asks = requirement.source == "k8s" || requirement.source == "any";
  const bool host = is_ == Is::Node && requirement.key == "host" && (requirement.source == "reserved" || requirement.source == "any");
  const bool by_value = requirement.op == ir::Operator::In || requirement.op == ir::Operator::NotIn;
  const bool of_host = host && (!by_value || std::find(requirement.values.begin(), requirement.values.end(), "") != requirement.values.end());
  const z3::expr own = !asks ? context_.bool_val(false) : by_value ? in(requirement.key, requirement.values) : exists(requirement.key);
  const z3::expr has = of_host ? context_.bool_val(true) : own;
  return requirement.op == ir::Operator::In || requirement.op == ir::Operator::Exists ? has : smt::negate(has);
}

z3::expr SymbolicPod::holds(const ir::Selector& selector) {
  if (const auto found = known_.find(selector); found != known_.end()) return found->second;
  std::vector<z3::expr> terms;
  for (const ir::Requirement& requirement : selector.requirements) {
    terms.push_back(holds(requirement));
    if (terms.back().is_false()) break;
  }
  return known_.emplace(selector, smt::all(context_, terms)).first->second;
}

z3::expr SymbolicPod::matches(const PodPattern& pattern) {
  std::vector<z3::expr> terms;
  if (pattern.ns) terms.push_back(in_namespace(*pattern.ns));
  for (const auto& [key, value] : pattern.labels) terms.push_back(in(key, {value}));
  return smt::all(context_, terms);
}

z3::expr SymbolicPod::may_differ(SymbolicPod& other, const std::string& key) {
  const bool of_namespace = universe_.kind(key) == KeyKind::Namespace;
  const Code& mine = of_namespace ? namespace_ : code(key);
  const Code& theirs = of_namespace ? other.namespace_ : other.code(key);
  const unsigned unnamed = mine.count - 1;
  return smt::any(context_, {mine.term != theirs.term, smt::all(context_, {mine.is(unnamed), theirs.is(unnamed)})});
}

z3::expr SymbolicPod::named_port(const std::string& name, ir::Protocol protocol) {
  if (is_ == Is::Node) return context_.bv_val(0, 16);
  const auto found = ports_.find({name, protocol});
  if (found != ports_.end()) return found->second;
  const std::string variable = role_ + " port " + name + "/" + std::to_string(static_cast<int>(protocol));
  return ports_.emplace(std::pair(name, protocol), context_.bv_const(variable.c_str(), 16)).first->second;
}

z3::expr SymbolicPod::identity_port(const std::string& name, ir::Protocol protocol) {
  const auto found = identity_ports_.find({name, protocol});
  if (found != identity_ports_.end()) return found->second;
  const z3::expr own = named_port(name, protocol), zero = context_.bv_val(0, 16);
  const std::string variable = role_ + " identity port " + name + "/" + std::to_string(static_cast<int>(protocol));
  const z3::expr number = identity_ports_.emplace(std::pair(name, protocol), context_.bv_const(variable.c_str(), 16)).first->second;
  facts_.push_back(number == zero || own == zero || own == number);
  return number;
}

z3::expr SymbolicPod::is_like(const ir::Endpoint& endpoint) {
  std::vector<z3::expr> terms{in_namespace(endpoint.ns)};
  for (const auto& [key, code] : codes_) {
    if (terms.back().is_false()) return terms.back();
    const auto label = std::find_if(endpoint.labels.begin(), endpoint.labels.end(), [&](const ir::Label& l) { return l.source == "k8s" && l.key == key; });
    if (label == endpoint.labels.end()) {
      terms.push_back(code.is(0));
      continue;
    }
    const auto& values = universe_.values(key);
    const auto at = std::lower_bound(values.begin(), values.end(), label->value);
    const bool named = at != values.end() && *at == label->value;
    terms.push_back(code.is(named ? static_cast<unsigned>(at - values.begin()) + 1 : code.count - 1));
  }
  for (const auto& [name, number] : ports_) {
    std::uint16_t own = 0;
    bool several = false;
    for (const ir::NamedPort& port : endpoint.named_ports) {
      if (port.name != name.first || (port.protocol != name.second && port.protocol != ir::Protocol::Any)) continue;
      several |= own != 0 && own != port.port;
      own = port.port;
    }
    terms.push_back(number == context_.bv_val(several ? 0 : own, 16));
  }
  if (identity_ports_.empty()) return smt::all(context_, terms);
  ir::eval::NamedPorts table;
  for (const ir::Endpoint& other : universe_.cluster().endpoints)
    if (!other.host_network && !other.named_ports.empty() && other.labels == endpoint.labels) table.add(other.named_ports);
  for (const auto& [name, number] : identity_ports_) terms.push_back(number == context_.bv_val(table.find(name.first, name.second).value_or(0), 16));
  return smt::all(context_, terms);
}

// ---- what a model says -----------------------------------------------------------------------------

// A namespace that there is, no labels that nothing needs, no ports of its own.
std::vector<z3::expr> SymbolicPod::preferences() {
  std::vector<z3::expr> out;
  std::vector<z3::expr> existing;
  for (unsigned n = 0; n < universe_.namespaces().size(); ++n)
    if (universe_.labels_of_namespace(universe_.namespaces()[n]) != nullptr) existing.push_back(namespace_.is(n));
  if (!namespace_.constant && !existing.empty()) {
    out.push_back(smt::any(context_, existing));
    for (std::size_t n = 0; n < existing.size() && n < 8; ++n) out.push_back(existing[n]);
  }
  for (const auto& [key, code] : codes_) {
    if (code.constant) continue;
    if (universe_.kind(key) == KeyKind::ServiceAccount) {
      const auto& values = universe_.values(key);
      const auto at = std::lower_bound(values.begin(), values.end(), "default");
      out.push_back(code.is(at != values.end() && *at == "default" ? static_cast<unsigned>(at - values.begin()) + 1 : code.count - 1));
    } else {
      out.push_back(code.is(0));
    }
  }
  for (const auto& [name, port] : identity_ports_) out.push_back(port == ports_.at(name));
  for (const auto& [name, port] : ports_) out.push_back(port == context_.bv_val(0, 16));
  std::erase_if(out, [](const z3::expr& term) { return term.is_true() || term.is_false(); });
  return out;
}

std::string SymbolicPod::value_of(const std::string& key, unsigned code) const {
  const auto& values = universe_.values(key);
  return code <= values.size() ? values[code - 1] : universe_.other_value(key);
}

std::string SymbolicPod::namespace_of(const z3::model& model) const {
  const unsigned code = evaluate(model, namespace_.term);
  return code < universe_.namespaces().size() ? universe_.namespaces()[code] : universe_.other_namespace();
}

std::vector<std::pair<std::string, std::string>> SymbolicPod::own_labels(const z3::model& model) const {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : pattern_.labels)
    if (universe_.kind(key) == KeyKind::Own) out.emplace(key, value);
  for (const auto& [key, code] : codes_) {
    if (universe_.kind(key) != KeyKind::Own) continue;
    if (const unsigned is = evaluate(model, code.term); is != 0) out[key] = value_of(key, is);
  }
  return {out.begin(), out.end()};
}

ir::Subject SymbolicPod::subject(const z3::model& model) const {
  ir::Subject out;
  out.ns = namespace_of(model);
  std::map<std::string, std::string> labels;
  for (const auto& [key, value] : own_labels(model)) labels.emplace(key, value);
  const auto put = [&](const std::string& key, const std::string& value) {
    if (universe_.kind(key) != KeyKind::Never) labels[key] = value;
  };
  put(kNamespaceKey, out.ns);
  put(kNamespaceNameKey, out.ns);
  put(kClusterKey, universe_.cluster_name());
  put(kServiceAccountKey, "default");
  if (const auto* known = universe_.labels_of_namespace(out.ns))
    for (const auto& [key, value] : *known)
      if (key != "kubernetes.io/metadata.name") put(kNamespaceLabels + key, value);
  for (const auto& [key, code] : codes_) {
    const KeyKind kind = universe_.kind(key);
    if (kind != KeyKind::NamespaceLabel && kind != KeyKind::ServiceAccount) continue;
    if (const unsigned is = evaluate(model, code.term); is != 0) labels[key] = value_of(key, is);
  }
  for (const auto& [key, value] : labels) out.labels.push_back({"k8s", key, value});
  ir::normalise(out.labels);
  if (!identity_ports_.empty()) set_apart(out.labels);
  for (const auto& [name, port] : ports_)
    if (const unsigned number = evaluate(model, port); number != 0) out.named_ports.push_back({name.first, static_cast<std::uint16_t>(number), name.second});
  std::sort(out.named_ports.begin(), out.named_ports.end());
  return out;
}

// A label that nobody asks about, where an endpoint has the same labels and so a say in what ports are.
void SymbolicPod::set_apart(ir::LabelSet& labels) const {
  const auto& all = universe_.cluster().endpoints;
  if (std::none_of(all.begin(), all.end(), [&](const ir::Endpoint& endpoint) { return endpoint.labels == labels; })) return;
  for (int n = 1; n < 100; ++n) {
    const std::string key = n == 1 ? "other" : "other-" + std::to_string(n);
    if (universe_.kind(key) != KeyKind::Own || !universe_.values(key).empty() || ir::eval::has_key(labels, key)) continue;
    labels.push_back({"k8s", key, "other"});
    ir::normalise(labels);
    return set_apart(labels);
  }
}

std::vector<ir::NamedPort> SymbolicPod::identity_ports(const z3::model& model) const {
  std::vector<ir::NamedPort> out;
  for (const auto& [name, port] : identity_ports_) out.push_back({name.first, static_cast<std::uint16_t>(evaluate(model, port)), name.second});
  return out;
}

std::string SymbolicPod::describe(const z3::model& model) const {
  const ir::Subject pod = subject(model);
  std::string labels, more;
  for (const ir::Label& label : pod.labels)
    if (universe_.kind(label.key) == KeyKind::Own) labels += (labels.empty() ? "" : ",") + label.key + "=" + label.value;
  const auto add = [&](const std::string& text) { more += (more.empty() ? " (" : ", ") + text; };
  const auto* known = universe_.labels_of_namespace(pod.ns);
  if (known == nullptr) add("a namespace that the input doesn't have");
  for (const ir::Label& label : pod.labels) {
    if (label.key == kServiceAccountKey && label.value != "default") add("service account " + label.value);
    if (known == nullptr && label.key.starts_with(kNamespaceLabels) && label.key != kNamespaceNameKey)
      add("its label " + label.key.substr(std::string_view(kNamespaceLabels).size()) + "=" + label.value);
  }
  for (const ir::NamedPort& port : pod.named_ports)
    add("port " + port.name + "=" + std::to_string(port.port) + "/" + to_string(port.protocol));
  return pod.ns + "/[" + labels + "]" + more + (more.empty() ? "" : ")");
}

}  // namespace netpolc::verify::symbolic
