// compiler/answers.h — verdicts as people and scripts read them.
#pragma once
#include <string>
#include <unordered_map>

#include "ir/base/source.h"
#include "verify/judge.h"

namespace netpolc::compiler {

// What else there is to say about the sides of the one pair of an answer: below each of them, and at the end. For a terminal these
// are whole lines; in JSON, fields with a comma before each.
struct SideNotes {
  std::string egress, ingress, end;
};

// Writes answers as JSON, one object per answer, fields as the command-line contract has them.
class JsonAnswers {
 public:
  JsonAnswers(const ir::PolicySet& policies, const SourceManager& sources) : policies_(policies), sources_(sources) {}
  // `id`: JSON text of the query's id, or empty.
  void append(std::string& out, const std::string& id, const verify::Answer& answer, const SideNotes& more = {});
  void append_side(std::string& out, const std::optional<verify::Side>& side, const std::string& more = "");
  const std::string& rule(ir::RuleRef ref);

 private:
  void append_pair(std::string& out, const verify::PairAnswer& pair);
  void append_request(std::string& out, const ir::RequestVerdict& request);

  const ir::PolicySet& policies_;
  const SourceManager& sources_;
  std::unordered_map<std::uint64_t, std::string> rules_;
};

// Text for a terminal; the first word is the verdict.
std::string to_text(const verify::Answer& answer, const verify::Question& question, const ir::PolicySet& policies,
                    const SourceManager& sources, bool colour, const SideNotes& notes = {});
// One pair of an answer the same way.
void pair_text(std::string& out, const verify::PairAnswer& pair, verify::Word word, const std::optional<ir::Request>& request, const ir::PolicySet& policies,
               const SourceManager& sources, bool colour, const SideNotes& notes);

// A word in the colour of a verdict: green, red, else yellow.
std::string coloured(const char* word, verify::Word verdict, bool colour);
std::string flow_text(ir::Flow flow);  // "tcp/80"
// "egress[0] of CiliumNetworkPolicy shop/web".
std::string rule_name(ir::RuleRef ref, const ir::PolicySet& policies);
// "denied by", "no rule matches; default deny, switched on by": what its rules are to a verdict.
const char* because(const ir::SideVerdict& verdict);
const char* because(const ir::RequestVerdict& request);
// Where a rule is: "egress[0] of CiliumNetworkPolicy shop/web   file:line".
std::string rule_line(ir::RuleRef ref, const ir::PolicySet& policies, const SourceManager& sources);
// One side of an answer, several lines; `name` is as wide as it shall be.
void side_text(std::string& out, const char* name, const std::optional<verify::Side>& side, const ir::PolicySet& policies,
               const SourceManager& sources);

void append_json_string(std::string& out, std::string_view text);
const char* to_string(ir::Verdict verdict);          // "allow-l7"
const char* to_string(ir::Enforcement enforcement);  // "default-deny"
// The parser's name, of a generic one the name in the rules that decided. "" for none.
std::string l7_name(const ir::SideVerdict& verdict, const ir::PolicySet& policies);
// Place of a rule, or of its policy where it has none.
Span place_of(ir::RuleRef ref, const ir::PolicySet& policies);

}  // namespace netpolc::compiler
