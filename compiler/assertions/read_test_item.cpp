#include "compiler/assertions/read_test_item.h"

#include <algorithm>

#include "compiler/assertions/references.h"
#include "compiler/assertions/safety.h"
#include "compiler/question_options.h"
#include "frontend/policy/object.h"

namespace netpolc::compiler::assertions {

using frontend::policy::quote;

namespace {

// Ways to say who, beside a reference in one string, and what a reference of that kind begins with.
struct EndField {
  std::string_view key;
  const char* prefix;
};
constexpr EndField kEndFields[] = {{"endpoint", ""}, {"entity", "entity:"}, {"ip", "ip:"}, {"cidr", "cidr:"}, {"fqdn", "fqdn:"}, {"service", "svc:"}};

Span start_of(const Node& node) { return {node.span.file, node.span.begin, node.span.begin}; }

class Reader {
 public:
  Reader(const Node& item, const Fields& fields, const std::string& ns) : item_(item), fields_(fields), ns_(ns), before_(fields.errors()) {
    test_.where = start_of(item);
    if (const auto name = fields.text(item, "name")) {
      test_.name = *name;
      test_.where = fields.value(item, "name")->span;
    }
    test_.allow_vacuous = fields.boolean(item, "allowVacuous");
  }

  Test test() {
    fields_.known(item_, {"name", "from", "to", "port", "ports", "protocol", "icmp", "icmpv6", "http", "dns", "sni", "except", "expect", "only", "symbolic", "withoutLabels", "forEach", "allowVacuous"});
    test_.symbolic = fields_.boolean(item_, "symbolic");
    if (const Node* each = fields_.value(item_, "forEach")) test_.for_each = read_for_each(*each, fields_);
    read_only();
    read_expectation();
    body(item_);
    uses_each();
    return std::move(test_);
  }

  // Of all pods that could be, and everybody else.
  Test never() {
    fields_.known(item_, {"name", "never", "allowVacuous"});
    const Node& claim = *fields_.value(item_, "never");
    test_.symbolic = true;
    test_.expect = Expect::Deny;
    if (!fields_.mapping(claim, "`never`")) return std::move(test_);
    fields_.known(claim, {"from", "to", "port", "ports", "protocol", "icmp", "icmpv6", "http", "dns", "sni", "except", "withoutLabels"});
    body(claim);
    return std::move(test_);
  }

  Test use() {
    fields_.known(item_, {"name", "use", "except", "allowVacuous"});
    std::vector<std::string_view> names(safety_names().begin(), safety_names().end());
    if (const auto name = fields_.word(*fields_.value(item_, "use"), names)) test_.pack = *name;
    exceptions(item_);
    if (test_.name.empty()) test_.name = test_.pack;
    return std::move(test_);
  }

 private:
  // What seems to be missing may be what was misspelt.
  bool is_faulty() const { return fields_.errors() != before_; }

  void read_only() {
    const Node* only = fields_.value(item_, "only");
    if (only == nullptr) return;
    if (only->is_bool()) {
      test_.only = only->bool_value() ? Only::Alike : Only::No;
      return;
    }
    if (const auto word = fields_.word(*only, {"true", "false", "outside", "everything"})) test_.only = *word == "outside" ? Only::Outside : Only::Everything;
  }

  void read_expectation() {
    const Node* expect = fields_.value(item_, "expect");
    if (expect == nullptr && is_faulty()) return;
    if (expect == nullptr && test_.only == Only::No)
      return fields_.error(DiagKind::TestFieldMissing, start_of(item_), "this test has no `expect`", "expected `expect: allow`, `deny` or `some`, or `only: true`");
    if (expect == nullptr) return;
    const auto word = fields_.word(*expect, {"allow", "deny", "some"});
    if (!word) return;
    test_.expect = *word == "allow" ? Expect::Allow : *word == "deny" ? Expect::Deny : Expect::Some;
    if (test_.only != Only::No && test_.expect != Expect::Allow)
      fields_.error(DiagKind::TestFieldChoice, expect->span, "`only` with `expect: " + *word + "`", "`only` says who is reached, and that nobody else is");
  }

  void body(const Node& node) {
    test_.traffic = read_traffic(node, fields_);
    test_.request = read_request(node, test_.symbolic, fields_);
    if (const Node* from = required(node, "from")) sources(*from, test_.from);
    if (const Node* to = required(node, "to")) targets(*to);
    exceptions(node);
    if (const Node* keys = fields_.value(node, "withoutLabels"))
      for (const Node* key : fields_.one_or_more(*keys))
        if (const auto text = fields_.text(*key)) test_.without.push_back(*text);
    if (!test_.without.empty() && !test_.symbolic)
      fields_.error(DiagKind::TestFieldChoice, fields_.place(node, "withoutLabels"), "`withoutLabels` in a test of pods that there are", "it assumes something of pods that could be: add `symbolic: true`");
    needs_traffic(node);
    if (test_.name.empty()) test_.name = described();
  }

  const Node* required(const Node& node, std::string_view key) {
    const Node* found = fields_.value(node, key);
    if (found == nullptr) fields_.error(DiagKind::TestFieldMissing, start_of(node), "this test has no `" + std::string(key) + "`", "`" + std::string(key) + "` is required");
    return found;
  }

  // Nothing at all may pass: that can be meant. That everything passes must be said.
  void needs_traffic(const Node& node) {
    if (is_faulty()) return;
    const bool said = fields_.has(node, "port") || fields_.has(node, "ports") || fields_.has(node, "icmp") || fields_.has(node, "icmpv6");
    for (const Target& target : test_.to) {
      const bool service = target.end.text.starts_with("svc:");
      for (const auto& range : target.traffic.empty() ? test_.traffic : target.traffic)
        if (service && (!range.protocol || range.first != range.last)) return fields_.error(DiagKind::TestFieldChoice, target.end.where, "a service with a range of ports", "expected its port, or none for all that it has");
      if (said || service || !target.traffic.empty() || (test_.expect == Expect::Deny && !test_.request.given())) continue;
      return fields_.error(DiagKind::TestFieldMissing, target.end.where, "no port is said for " + quote(target.end.text), "expected `port`, `icmp` or `icmpv6`; `port: any` is everything");
    }
    if (!test_.request.given()) return;
    for (const Target& target : test_.to)
      for (const auto& range : target.traffic.empty() ? test_.traffic : target.traffic)
        if (const std::string problem = not_over(test_.request, range.protocol); !problem.empty()) return fields_.error(DiagKind::TestFieldChoice, start_of(node), problem.substr(0, problem.find(": ask")), "");
  }

  std::string described() const {
    std::string out = test_.from.empty() ? "" : test_.from.front().text + (test_.from.size() > 1 ? " and others" : "");
    if (!test_.to.empty()) out += std::string(test_.symbolic && test_.expect == Expect::Deny ? " never → " : " → ") + test_.to.front().end.text + (test_.to.size() > 1 ? " and others" : "");
    for (std::size_t i = 0; i < test_.traffic.size(); ++i) out += (i == 0 ? " " : ", ") + verify::to_string(test_.traffic[i]);
    return out;
  }

  void uses_each() {
    if (!test_.for_each) return;
    const auto is_each = [](const Reference& one) { return one.text == "each"; };
    const bool used = std::any_of(test_.from.begin(), test_.from.end(), is_each) || std::any_of(test_.to.begin(), test_.to.end(), [&](const Target& one) { return is_each(one.end); });
    if (!used) fields_.error(DiagKind::TestFieldChoice, test_.for_each->where, "`forEach`, and neither `from` nor `to` is `each`", "expected `each` where the workload at hand is meant");
    if (test_.symbolic) fields_.error(DiagKind::TestFieldChoice, test_.for_each->where, "`forEach` in a test of pods that could be", "expected a pattern such as [key=value] in its place");
  }

  // ---- who --------------------------------------------------------------------------------------------
  void sources(const Node& node, std::vector<Reference>& out) {
    for (const Node* item : fields_.one_or_more(node)) {
      if (item->is_mapping()) fields_.known(*item, end_keys());
      if (auto one = end(*item)) out.push_back(std::move(*one));
    }
  }

  void targets(const Node& node) {
    for (const Node* item : fields_.one_or_more(node)) {
      auto keys = end_keys();
      for (const char* key : {"port", "ports", "protocol", "icmp", "icmpv6"}) keys.push_back(key);
      if (item->is_mapping()) fields_.known(*item, keys);
      if (auto one = end(*item)) test_.to.push_back({std::move(*one), item->is_mapping() ? read_traffic(*item, fields_) : std::vector<verify::FlowRange>{}});
    }
  }

  // Of sources; or {from, to}.
  void exceptions(const Node& node) {
    const Node* except = fields_.value(node, "except");
    if (except == nullptr) return;
    const bool both = except->is_mapping() && (fields_.has(*except, "from") || fields_.has(*except, "to"));
    if (!both) {
      sources(*except, test_.except_from);
    } else {
      fields_.known(*except, {"from", "to"});
      if (const Node* from = fields_.value(*except, "from")) sources(*from, test_.except_from);
      if (const Node* to = fields_.value(*except, "to")) sources(*to, test_.except_to);
    }
    if (!test_.symbolic) return;
    for (const auto* list : {&test_.except_from, &test_.except_to})
      for (const Reference& one : *list)
        if (one.text.find('[') == std::string::npos && one.text.find(':') == std::string::npos && one.text != "any")
          fields_.error(DiagKind::TestValue, one.where, quote(one.text) + " is a pod of today", "of pods that could be, those that are left out are said by labels, such as " + one.text.substr(0, one.text.find('/')) + "/[key=value]");
  }

  static std::vector<std::string_view> end_keys() {
    std::vector<std::string_view> out;
    for (const EndField& field : kEndFields) out.push_back(field.key);
    return out;
  }

  std::optional<Reference> end(const Node& node) {
    if (!node.is_mapping()) {
      const auto text = fields_.text(node);
      return text ? reference(*text, node.span) : std::nullopt;
    }
    const EndField* said = nullptr;
    for (const EndField& field : kEndFields) {
      if (!fields_.has(node, field.key)) continue;
      if (said != nullptr) {
        fields_.error(DiagKind::TestFieldChoice, fields_.place(node, field.key), "both `" + std::string(said->key) + "` and `" + std::string(field.key) + "`", "an end is one of them: make it two items");
        return std::nullopt;
      }
      said = &field;
    }
    if (said == nullptr) {
      fields_.error(DiagKind::TestFieldMissing, node.span, "nothing here says who is meant", "expected `endpoint`, `entity`, `ip`, `cidr`, `fqdn` or `service`");
      return std::nullopt;
    }
    const auto text = fields_.text(node, said->key);
    return text ? reference(said->prefix + *text, fields_.value(node, said->key)->span) : std::nullopt;
  }

  std::optional<Reference> reference(const std::string& said, Span where) {
    const bool whole = said == "each" || (test_.symbolic && said.starts_with('['));
    const std::string text = whole ? said : in_namespace(said, ns_);
    const std::string problem = malformed_reference(text, {.pattern = test_.symbolic, .each = test_.for_each.has_value()});
    if (problem.empty()) return Reference{text, where};
    fields_.error(DiagKind::TestValue, where, quote(text) + " is no endpoint reference here", problem);
    return std::nullopt;
  }

  const Node& item_;
  const Fields& fields_;
  const std::string& ns_;
  const std::size_t before_;  // errors
  Test test_;
};

}  // namespace

Test read_test_item(const Node& item, const Fields& fields, const std::string& ns) {
  Reader reader(item, fields, ns);
  if (fields.has(item, "never")) return reader.never();
  if (fields.has(item, "use")) return reader.use();
  return reader.test();
}

}  // namespace netpolc::compiler::assertions
