// `netpolc explain fqdn`: how a name or a pattern is read, and which rules mean it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "compiler/exit_code.h"
#include "compiler/explain/commands.h"
#include "compiler/explain/fqdn.h"
#include "compiler/explain/json.h"
#include "compiler/namespaces.h"
#include "compiler/outputs.h"
#include "compiler/question_options.h"
#include "compiler/session.h"
#include "ir/eval/fqdn.h"

namespace netpolc::explain {
namespace {

struct Options {
  compiler::InputOptions input;
  std::string name, ns, output = "text";
};

// A selector of names somewhere in the policies.
struct Use {
  ir::RuleRef rule;
  NamesOf what = NamesOf::ToFqdns;
  ir::FqdnPeer selector;
};

// Of policies of a namespace, and of those that are of none; "" of all.
std::vector<Use> uses(const ir::PolicySet& policies, const std::string& ns) {
  std::vector<Use> out;
  for (std::uint32_t p = 0; p < policies.policies.size(); ++p) {
    const std::string& own = policies.policies[p].ns;
    if (!ns.empty() && !own.empty() && own != ns) continue;
    for (std::uint32_t r = 0; r < policies.policies[p].rules.size(); ++r) {
      const ir::Rule& rule = policies.policies[p].rules[r];
      for (const ir::Peer& peer : rule.peers)
        if (const auto* names = std::get_if<ir::FqdnPeer>(&peer)) out.push_back({{p, r}, NamesOf::ToFqdns, *names});
      for (const ir::PortRule& item : rule.ports)
        for (const ir::DnsRule& one : item.l7.dns) out.push_back({{p, r}, NamesOf::DnsRule, {one.match_name, one.match_pattern}});
    }
  }
  return out;
}

const char* place_name(NamesOf what) { return what == NamesOf::ToFqdns ? "toFQDNs" : "dns"; }
std::string version_text(ir::CiliumVersion version) { return "1." + std::to_string(version); }
std::string span_text(const VersionSpan& span) { return span.first == span.last ? version_text(span.first) : version_text(span.first) + " to " + version_text(span.last); }

class Explanation {
 public:
  Explanation(const Options& options, const compiler::Session* session)
      : selector_(selector_of(options.name)), version_(std::stoi(options.input.cilium_version.substr(2))), session_(session) {
    if (session != nullptr) uses_ = uses(session->loaded.policies, options.ns);
  }

  std::string text() {
    out_ = text_of(selector_) + "   as `" + field_of(selector_) + "`, Cilium " + version_text(version_) + "\n\n";
    line("read as", regex_of(selector_, version_));
    const std::string of_dns = regex_of(selector_, version_, NamesOf::DnsRule);
    if (of_dns != regex_of(selector_, version_)) line("", of_dns + "   in `rules.dns`");
    line("", "of names in lower case, with their final dot");
    if (!is_name() && ir::eval::is_every_name(text_of(selector_))) line("", "stars alone are every name");
    else if (!is_name()) line("", "a `*` is any number of letters, digits, `-` and `_`, and never a dot");
    if (versions(selector_).size() > 1) line("", version_ < 20 ? "several in a row are as one" : "`**.` in front is one label or more");
    matches();
    version_lines();
    if (session_ != nullptr) policy_lines();
    return std::move(out_);
  }

  std::string json() {
    JsonObject out;
    out.text("apiVersion", "netpolc.dev/v1").text("kind", "FqdnExplanation").text("name", text_of(selector_)).text("as", field_of(selector_)).text("ciliumVersion", version_text(version_));
    out.text("regex", regex_of(selector_, version_)).text("dnsRegex", regex_of(selector_, version_, NamesOf::DnsRule));
    std::vector<std::string> yes, no, spans, rules;
    for (const NameExample& one : examples(selector_, version_)) {
      JsonObject miss;
      if (one.why_not.empty()) yes.push_back(one.name);
      else no.push_back(miss.text("name", one.name).text("why", one.why_not).take());
    }
    for (const VersionSpan& span : versions(selector_)) {
      JsonObject object;
      spans.push_back(object.text("first", version_text(span.first)).text("last", version_text(span.last)).text("regex", span.regex).take());
    }
    out.texts("matches", yes).list("misses", no).list("versions", spans);
    if (session_ == nullptr) return out.take() + "\n";
    compiler::JsonAnswers writer(session_->loaded.policies, session_->sources);
    for (const Use& use : uses_) {
      if (!of_interest(use)) continue;
      JsonObject rule;
      const std::string why = said_of(use);
      rule.raw("rule", writer.rule(use.rule)).text("in", place_name(use.what)).text(field_of(use.selector), text_of(use.selector)).boolean("matches", why.empty());
      if (!why.empty()) rule.text("why", why);
      rules.push_back(rule.take());
    }
    return out.list("rules", rules).texts("addresses", addresses()).take() + "\n";
  }

 private:
  void line(const std::string& name, const std::string& text) {
    std::string head = "  " + name;
    head.resize(12, ' ');
    out_ += head + text + "\n";
  }

  void matches() {
    bool first_yes = true, first_no = true;
    for (const NameExample& one : examples(selector_, version_)) {
      bool& first = one.why_not.empty() ? first_yes : first_no;
      std::string text = one.name;
      if (!one.why_not.empty()) text.resize(std::max<std::size_t>(text.size() + 2, 28), ' ');
      line(!first ? "" : one.why_not.empty() ? "matches" : "but not", text + one.why_not);
      first = false;
    }
  }

  // Only what starts with `**.` is read in two ways.
  void version_lines() {
    const auto spans = versions(selector_);
    if (spans.size() == 1) return line("versions", span_text(spans.front()) + " read it alike");
    for (const VersionSpan& span : spans) line(&span == &spans.front() ? "versions" : "", span_text(span) + "  " + span.regex);
    for (const NameExample& one : examples(selector_, spans.back().last))
      if (one.why_not.empty() && !why_not(selector_, one.name, spans.front().last).empty())
        return line("", one.name + " matches from " + version_text(spans.back().first) + " on only");
  }

  bool is_name() const { return selector_.match_pattern.empty(); }
  // Of a pattern, only where it is used as such.
  bool of_interest(const Use& use) const { return is_name() || text_of(use.selector) == text_of(selector_); }
  std::string said_of(const Use& use) const { return is_name() ? why_not(use.selector, text_of(selector_), version_) : ""; }

  std::vector<std::string> addresses() const {
    std::vector<std::string> out;
    for (const IpAddress& address : ir::eval::resolve(selector_, session_->resolutions, version_)) out.push_back(address.to_string());
    return out;
  }

  void policy_lines() {
    std::size_t matched = 0, shown = 0;
    out_ += "\n";
    for (const bool yes : {true, false})
      for (const Use& use : uses_) {
        const std::string why = said_of(use);
        if (!of_interest(use) || why.empty() != yes) continue;
        matched += yes;
        line(!is_name() ? "used in" : yes ? "matches" : "not", compiler::rule_line(use.rule, session_->loaded.policies, session_->sources));
        line("", std::string("  ") + place_name(use.what) + " " + field_of(use.selector) + " " + text_of(use.selector) + (yes ? "" : ": " + why));
        ++shown;
      }
    if (shown == 0) line("policies", is_name() ? "none has names" : "none has this pattern");
    else if (matched == 0) line("policies", "no rule means this name");
    std::string all;
    for (const std::string& address : addresses()) all += (all.empty() ? "" : ", ") + address;
    line("addresses", all.empty() ? "none is known (--resolutions)" : all);
  }

  const ir::FqdnPeer selector_;
  const ir::CiliumVersion version_;
  const compiler::Session* session_;
  std::vector<Use> uses_;
  std::string out_;
};

int run(const Options& options) {
  if (const std::string expected = bad_name(options.name); !expected.empty()) return compiler::complain("`" + options.name + "` is neither a DNS name nor a pattern: " + expected);
  compiler::Session session;
  const bool with_input = !options.input.files.empty() || !options.input.positional.empty();
  if (with_input) {
    if (const auto code = compiler::open(options.input, session)) return *code;
    if (const std::string problem = compiler::unknown_namespace(options.ns, session.loaded); !problem.empty()) return compiler::complain(problem);
  }
  Explanation explanation(options, with_input ? &session : nullptr);
  const std::string out = compiler::is_document(options.output) ? explanation.json() : explanation.text();
  return compiler::print_as(options.output, out) ? compiler::kGood : compiler::kNoAnswer;
}

}  // namespace

void add_fqdn(CLI::App& explain, compiler::Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = explain.add_subcommand("fqdn", "How Cilium reads a DNS name or pattern, what it matches, and which rules mean it");
  command->add_option("name", options->name, "api.example.com, or a pattern such as '*.example.com'")->required();
  options->input.waits_for_pipe = false;
  compiler::add_namespace_options(*command, options->ns, "Rules", "Only rules of this namespace's policies, and of clusterwide ones");
  compiler::add_input_options(*command, options->input);
  compiler::add_output(*command, options->output, {"text", "json"});
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::explain
