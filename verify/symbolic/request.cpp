#include "verify/symbolic/request.h"

#include <re2/re2.h>

#include <algorithm>

#include "ir/eval/fqdn.h"
#include "ir/eval/requests.h"
#include "verify/smt/solver.h"
#include "verify/symbolic/names.h"

namespace netpolc::verify {

std::string to_string(const RequestRange& range) {
  if (!range.said.empty()) return range.said;
  if (range.kind != RequestRange::Kind::Http) return (range.kind == RequestRange::Kind::Dns ? "DNS " : "SNI ") + (range.name.empty() ? std::string("*") : range.name);
  std::string out = (range.method.empty() ? ".*" : range.method) + " " + (range.path.empty() ? ".*" : range.path);
  if (!range.host.empty()) out += "  host " + range.host;
  for (const std::string& header : range.headers) out += "  header " + header;
  return out;
}

namespace symbolic {
namespace {

constexpr const char* kVisible = "[!-~]+";
constexpr const char* kPath = "/[!-~]*|[*]";  // RFC 9112, 3.2: of the origin form, or `OPTIONS *`
constexpr const char* kMethod = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

constexpr ir::CiliumVersion kPatternsOfAsking = 20;  // of a range of server names

// What people would rather see, the best first; the last one is all that can be.
const std::vector<const char*> kMethods{"GET", "POST|PUT|DELETE|PATCH|HEAD|OPTIONS", "[A-Z]+", kMethod};
const std::vector<const char*> kPaths{"/", "/[-a-z0-9._/]*", "/[!-~]*", kPath};
const std::vector<const char*> kHosts{"[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*", kVisible};
const std::vector<const char*> kNames{kFamiliarName, kEveryName};
constexpr const char* kServerName = "[-a-z0-9_]+([.][-a-z0-9_]+)*";
const std::vector<const char*> kServerNames{"[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+", kHosts[0], kServerName};

// Semantics reference 7.5, of patterns that are known.
std::string server_name_expression(const std::string& pattern) {
  if (pattern == "*") return kServerName;
  std::string out;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern.compare(at, 2, "**") == 0) out += "[-a-z0-9_]+([.][-a-z0-9_]+)*", ++at;
    else if (pattern[at] == '*') out += "[-a-z0-9_]*";
    else out += pattern[at] == '.' ? "[.]" : std::string(1, pattern[at]);
  }
  return out;
}

}  // namespace

SymbolicRequest::SymbolicRequest(z3::context& context, const RequestRange& range, ir::CiliumVersion version)
    : context_(context), range_(range), version_(version) {}

std::size_t SymbolicRequest::kind() const {
  switch (range_.kind) {
    case RequestRange::Kind::Http: return ir::eval::kHttpKind;
    case RequestRange::Kind::Dns: return ir::eval::kDnsKind;
    case RequestRange::Kind::Tls: break;
  }
  return ir::eval::kTlsKind;
}

z3::expr SymbolicRequest::all(const std::vector<z3::expr>& terms) { return smt::all(context_, terms); }

z3::expr SymbolicRequest::matches(Field field, const std::string& regex) {
  if (regex.empty()) return context_.bool_val(true);
  const auto key = std::pair(field, regex);
  if (const auto found = atoms_.find(key); found != atoms_.end()) return found->second.matches;
  z3::expr term = context_.bool_const(("text " + std::to_string(static_cast<int>(field)) + " matches " + regex).c_str());
  auto automaton = strings::Automaton::of(regex);
  if (!automaton && problem_.empty()) problem_ = automaton.error() + " in the expression " + regex;
  return atoms_.emplace(key, Atom{term, automaton ? std::make_unique<strings::Automaton>(std::move(*automaton)) : nullptr}).first->second.matches;
}

z3::expr SymbolicRequest::matches_name(const std::string& pattern) {
  if (pattern.empty()) return context_.bool_val(false);
  if (ir::eval::is_every_name(pattern)) return context_.bool_val(true);
  return matches(Field::Name, name_expression(ir::eval::canonical_name(pattern), version_));
}

z3::expr SymbolicRequest::matches_server_name(const std::string& pattern, ir::CiliumVersion version) {
  if (version < 18 && pattern.find('*') != std::string::npos) return context_.bool_val(false);  // as written, and no name has that
  return matches(Field::ServerName, server_name_expression(pattern));
}

z3::expr SymbolicRequest::has_server_name(const ir::L7& l7) {
  std::vector<z3::expr> out;
  if (kind() == ir::eval::kTlsKind)
    for (const std::string& pattern : l7.server_names) out.push_back(matches_server_name(pattern, version_));
  return smt::any(context_, out);
}

z3::expr SymbolicRequest::header(const std::string& name, const std::optional<std::string>& value) {
  const z3::expr there = present_.try_emplace(name, context_.bool_const(("header " + name).c_str())).first->second;
  if (!value) return there;
  const auto known = equal_.find({name, *value});
  if (known != equal_.end()) return known->second;
  const z3::expr is = context_.bool_const(("header " + name + ": " + *value).c_str());
  facts_.push_back(!is || there);
  for (const auto& [other, term] : equal_)
    if (other.first == name) facts_.push_back(!is || !term);
  return equal_.emplace(Header(name, *value), is).first->second;
}

z3::expr SymbolicRequest::holds(const ir::eval::HeaderCondition& condition) {
  using Of = ir::eval::HeaderCondition::Of;
  if (condition.never) return context_.bool_val(false);
  if (condition.of == Of::Header) return header(condition.name, condition.value);
  if (!condition.value) return context_.bool_val(true);
  if (condition.value->empty()) return context_.bool_val(false);  // none is
  return matches(condition.of == Of::Host ? Field::Host : condition.of == Of::Path ? Field::Path : Field::Method, re2::RE2::QuoteMeta(*condition.value));
}

z3::expr SymbolicRequest::matches(const ir::HttpRule& rule) {
  std::vector<z3::expr> out{matches(Field::Method, rule.method), matches(Field::Path, rule.path), matches(Field::Host, rule.host)};
  for (const ir::eval::HeaderCondition& condition : ir::eval::header_conditions(rule))
    if (!condition.always) out.push_back(holds(condition));
  return all(out);
}

z3::expr SymbolicRequest::in_list(const ir::L7& l7) {
  if (l7.http.empty() && l7.dns.empty()) return context_.bool_val(true);
  std::vector<z3::expr> out;
  for (const ir::HttpRule& rule : l7.http) out.push_back(matches(rule));
  for (const ir::DnsRule& rule : l7.dns) {
    if (!rule.match_name.empty()) out.push_back(matches(Field::Name, name_expression(ir::eval::canonical_name(rule.match_name), version_)));
    out.push_back(matches_name(rule.match_pattern));
  }
  return smt::any(context_, out);
}

z3::expr SymbolicRequest::in_range() {
  if (range_.kind == RequestRange::Kind::Dns) return range_.name.empty() ? context_.bool_val(true) : matches_name(range_.name);
  if (range_.kind == RequestRange::Kind::Tls) return range_.name.empty() ? context_.bool_val(true) : matches_server_name(range_.name, kPatternsOfAsking);
  ir::HttpRule rule;
  rule.method = range_.method;
  rule.path = range_.path;
  rule.host = range_.host;
  rule.headers = range_.headers;
  return matches(rule);
}

std::vector<z3::expr> SymbolicRequest::preferences() const {
  std::vector<z3::expr> out;
  for (const auto& [name, there] : present_) out.push_back(!there);
  return out;
}

std::vector<z3::expr> SymbolicRequest::open() const {
  std::vector<z3::expr> out;
  for (const auto& [key, atom] : atoms_)
    if (atom.automaton != nullptr) out.push_back(atom.matches);
  return out;
}

strings::Automaton& SymbolicRequest::automaton(const std::string& regex) {
  auto& out = known_[regex];
  if (out == nullptr) out = std::make_unique<strings::Automaton>(strings::Automaton::of(regex).value());
  return *out;
}

// Literals of the model, and what they wish of the text.
std::vector<std::pair<z3::expr, strings::Wish>> SymbolicRequest::chosen(Field field, const z3::model& model) {
  std::vector<std::pair<z3::expr, strings::Wish>> out;
  for (const auto& [key, atom] : atoms_) {
    if (key.first != field || atom.automaton == nullptr) continue;
    const z3::expr value = model.eval(atom.matches, false);
    if (!value.is_true() && !value.is_false()) continue;  // the model does not care
    out.push_back({value.is_true() ? atom.matches : !atom.matches, {atom.automaton.get(), value.is_true()}});
  }
  return out;
}

std::optional<z3::expr> SymbolicRequest::impossible(const z3::model& model) {
  using Fields = std::vector<std::pair<Field, const char*>>;
  static const Fields of_http{{Field::Method, kMethod}, {Field::Path, kPath}, {Field::Host, kVisible}}, of_dns{{Field::Name, kEveryName}}, of_tls{{Field::ServerName, kServerName}};
  for (const auto& [field, universe] : kind() == ir::eval::kHttpKind ? of_http : kind() == ir::eval::kDnsKind ? of_dns : of_tls) {
    const auto literals = chosen(field, model);
    std::vector<strings::Wish> wishes;
    for (const auto& [literal, wish] : literals) wishes.push_back(wish);
    const auto found = conflicts_.of(automaton(universe), wishes);
    if (std::holds_alternative<strings::TooMany>(found) && problem_.empty()) problem_ = "expressions that have too many states together";
    const auto* conflict = std::get_if<strings::Conflict>(&found);
    if (conflict == nullptr) continue;
    std::vector<z3::expr> clause;
    for (const std::size_t i : *conflict) clause.push_back(smt::negate(literals[i].first));
    return smt::any(context_, clause);
  }
  return std::nullopt;
}

void SymbolicRequest::relate_to_range() {
  for (const auto& [field, regex] : {std::pair{Field::Method, range_.method}, std::pair{Field::Path, range_.path}, std::pair{Field::Host, range_.host}}) {
    const auto range = atoms_.find({field, regex});
    if (range == atoms_.end() || range->second.automaton == nullptr) continue;
    for (auto& [key, atom] : atoms_)
      if (key.first == field && atom.automaton != nullptr && conflicts_.disjoint(*range->second.automaton, *atom.automaton)) facts_.push_back(!range->second.matches || !atom.matches);
  }
}

std::string SymbolicRequest::text(Field field, const z3::model& model) {
  const auto better_of = [](Field one) -> const std::vector<const char*>& {
    switch (one) {
      case Field::Method: return kMethods;
      case Field::Path: return kPaths;
      case Field::Host: return kHosts;
      case Field::Name: return kNames;
      case Field::ServerName: break;
    }
    return kServerNames;
  };
  const auto& better = better_of(field);
  const auto literals = chosen(field, model);
  for (const char* one : better) {
    std::vector<strings::Wish> wishes{{&automaton(one), true}};
    for (const auto& [literal, wish] : literals) wishes.push_back(wish);
    std::vector<strings::Wish> asked;
    for (const std::size_t i : conflicts_.relevant(wishes)) asked.push_back(wishes[i]);
    auto found = strings::shortest(asked);
    if (auto* out = std::get_if<std::string>(&found)) return std::move(*out);
  }
  return "";
}

ir::Request SymbolicRequest::request(const z3::model& model) {
  if (range_.kind == RequestRange::Kind::Dns) return ir::DnsQuery{text(Field::Name, model)};
  if (range_.kind == RequestRange::Kind::Tls) return ir::TlsHello{text(Field::ServerName, model)};
  ir::HttpRequest out{text(Field::Method, model), text(Field::Path, model), text(Field::Host, model), {}};
  for (const auto& [name, there] : present_) {
    if (!model.eval(there, true).is_true()) continue;
    std::optional<std::string> value;
    std::string other = "x";
    for (const auto& [header, is] : equal_) {
      if (header.first != name) continue;
      if (model.eval(is, true).is_true()) value = header.second;
    }
    while (equal_.contains(Header(name, other))) other += "x";  // one that nobody mentions
    out.headers.emplace_back(name, value.value_or(other));
  }
  return out;
}

}  // namespace symbolic
}  // namespace netpolc::verify
