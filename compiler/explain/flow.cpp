#include "compiler/explain/flow.h"

#include <algorithm>

#include "compiler/explain/json.h"
#include "compiler/explain/nearest_output.h"
#include "compiler/explain/words.h"
#include "ir/text/names.h"

namespace netpolc::explain {
namespace {

using ir::Direction;

constexpr std::size_t kRulesShown = 20;
constexpr const char* kIndent = "             ";

std::string seen_as(const Why& why) { return labels_words(why.seen_as) + (why.address ? " at " + why.address->to_string() : ""); }

std::string verb(const Matched& one) {
  std::string out(ir::text::name_of(one.action));
  if (one.l7 != ir::L7Parser::None) out += " through the proxy (" + std::string(ir::text::name_of(one.l7)) + ")";
  return out;
}

// What is said of the two sides of a pair.
class Sides {
 public:
  explicit Sides(const Sources& sources) : sources_(sources) {}
  compiler::SideNotes explained(const verify::PairAnswer& pair) {
    compiler::SideNotes out;
    out.egress = side(pair.egress, Direction::Egress, pair.flow, out.end);
    out.ingress = side(pair.ingress, Direction::Ingress, pair.flow, out.end);
    return out;
  }

 private:
  std::string side(const std::optional<verify::Side>& side, Direction direction, ir::Flow flow, std::string& help) {
    if (!side || side->verdict == nullptr) return "";
    const Why found = why(*side, direction, flow, sources_);
    std::string out = found.reason_is_news ? "  because  " + found.reason + "\n" : "";
    if (side->verdict->enforcement != ir::Enforcement::None) out += "  peer     " + side->other->name + " is " + seen_as(found) + "\n";
    out += rules(found) + nearest_text(found, sources_);
    if (found.fix) help += "\n" + to_text(*found.fix);
    return out;
  }

  std::string rules(const Why& why) const {
    std::string out;
    const std::size_t shown = std::min(why.matched.size(), kRulesShown);
    for (std::size_t i = 0; i < shown; ++i) {
      const Matched& one = why.matched[i];
      out += (i == 0 ? "  matched  " : kIndent) + compiler::rule_line(one.rule, sources_.world.policies, sources_.places.sources()) + "\n";
      out += kIndent + std::string("  ") + verb(one) + "; " + one.role + "\n";
    }
    if (shown < why.matched.size()) out += kIndent + std::string("… ") + std::to_string(why.matched.size() - shown) + " more\n";
    if (why.others == 0) return out;
    const std::string others = std::to_string(why.others) + (why.others == 1 ? " rule does not match\n" : " rules do not match\n");
    return out + (why.matched.empty() ? "  matched  none: " : kIndent + std::string("the other ")) + others;
  }

  const Sources& sources_;
};

class Text {
 public:
  Text(const FlowView& view, const Sources& sources) : view_(view), sources_(sources), sides_(sources) {}

  std::string write() {
    const std::size_t pairs = view_.answer.pairs.size();
    if (pairs == 1) {
      compiler::SideNotes notes = sides_.explained(view_.answer.pairs.front());
      notes.end = assuming_text(view_.answer.assuming) + notes.end;
      return compiler::to_text(view_.answer, view_.question, sources_.world.policies, sources_.places.sources(), view_.colour, notes);
    }
    std::string out = compiler::to_text(view_.answer, view_.question, sources_.world.policies, sources_.places.sources(), view_.colour);
    const std::size_t shown = view_.most == 0 ? pairs : std::min(pairs, view_.most);
    for (std::size_t i = 0; i < shown; ++i) {
      const verify::PairAnswer& pair = view_.answer.pairs[i];
      const compiler::SideNotes notes = sides_.explained(pair);
      out += "\n";
      compiler::pair_text(out, pair, pair.word, view_.question.request, sources_.world.policies, sources_.places.sources(), view_.colour, notes);
      out += notes.end;
    }
    if (!view_.answer.assuming.empty()) out += "\n" + assuming_text(view_.answer.assuming);
    if (shown < pairs) out += "\n… " + std::to_string(pairs - shown) + " more pairs are not explained: --wide\n";
    return out;
  }

 private:
  const FlowView& view_;
  const Sources& sources_;
  Sides sides_;
};

class Json {
 public:
  explicit Json(const Sources& sources) : sources_(sources), rules_(sources.world.policies, sources.places.sources()) {}

  std::string write(const FlowView& view) {
    JsonObject out;
    out.text("apiVersion", "netpolc.dev/v1").text("kind", "FlowExplanation");
    out.text("from", view.question.from).text("to", view.question.to).text("verdict", verify::to_string(view.answer.word));
    if (!view.answer.reason.empty()) out.text("reason", view.answer.reason);
    std::vector<std::string> pairs;
    for (const verify::PairAnswer& one : view.answer.pairs) pairs.push_back(pair(one));
    out.list("pairs", pairs);
    std::vector<std::string> assuming;
    for (const std::string& one : view.answer.assuming) assuming.push_back(explain::json_quoted(one));
    if (!assuming.empty()) out.list("assuming", assuming);
    return out.take() + "\n";
  }

  // As `verify` has it, and more.
  std::string side(const std::optional<verify::Side>& side, Direction direction, ir::Flow flow) {
    std::string out;
    rules_.append_side(out, side);
    if (!side || side->verdict == nullptr) return out;
    const Why found = why(*side, direction, flow, sources_);
    JsonObject more;
    more.text("reason", found.reason).list("seenAs", labels(found.seen_as));
    if (found.address) more.text("address", found.address->to_string());
    std::vector<std::string> matched;
    for (const Matched& one : found.matched) {
      JsonObject rule;
      rule.raw("rule", rules_.rule(one.rule)).text("action", ir::text::name_of(one.action));
      if (one.l7 != ir::L7Parser::None) rule.text("l7", ir::text::name_of(one.l7));
      matched.push_back(rule.boolean("wins", one.wins).text("role", one.role).take());
    }
    more.list("matched", matched).number("notMatched", found.others).raw("nearest", nearest_json(found, rules_));
    return out.substr(0, out.size() - 1) + "," + more.take().substr(1);
  }

 private:
  std::string pair(const verify::PairAnswer& one) {
    const bool icmp = one.flow.protocol == ir::Protocol::Icmp || one.flow.protocol == ir::Protocol::Icmpv6;
    JsonObject out;
    out.text("from", one.from).text("to", one.to).text("protocol", ir::to_string(one.flow.protocol)).number(icmp ? "icmpType" : "port", one.flow.number);
    out.text("verdict", verify::to_string(one.word));
    if (!one.via.empty()) out.text("via", one.via);
    if (!one.reason.empty()) out.text("reason", one.reason);
    return out.raw("egress", side(one.egress, Direction::Egress, one.flow)).raw("ingress", side(one.ingress, Direction::Ingress, one.flow)).take();
  }

  static std::vector<std::string> labels(const ir::LabelSet& labels) {
    std::vector<std::string> out;
    for (const ir::Label& label : labels) out.push_back(explain::json_quoted(label.to_string()));
    return out;
  }

  const Sources& sources_;
  compiler::JsonAnswers rules_;
};

}  // namespace

std::string flow_text(const FlowView& view, const Sources& sources) { return Text(view, sources).write(); }
std::string flow_json(const FlowView& view, const Sources& sources) { return Json(sources).write(view); }

compiler::SideNotes pair_notes(const verify::PairAnswer& pair, const Sources& sources) { return Sides(sources).explained(pair); }

std::string path_json(const compiler::ViaView& view, const Sources& sources) {
  Json writer(sources);
  JsonObject out;
  out.text("apiVersion", "netpolc.dev/v1").text("kind", "FlowExplanation");
  out.text("from", view.question.from).text("to", view.question.to).text("verdict", verify::to_string(view.answer.word));
  if (!view.answer.reason.empty()) out.text("reason", view.answer.reason);
  out.list("pairs", {});
  std::vector<std::string> assuming;
  for (const std::string& one : compiler::assumptions(view.answer)) assuming.push_back(explain::json_quoted(one));
  if (!assuming.empty()) out.list("assuming", assuming);
  const std::string fields = compiler::via_fields(view.answer, sources.places.sources(), [&](const std::optional<verify::Side>& side, Direction direction, ir::Flow flow) { return writer.side(side, direction, flow); });
  std::string text = out.take();
  return text.substr(0, text.size() - 1) + "," + fields + "}\n";
}

}  // namespace netpolc::explain
