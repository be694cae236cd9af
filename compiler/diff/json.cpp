// A comparison as data.
#include "compiler/answers.h"
#include "compiler/diff/cost.h"
#include "compiler/diff/flows.h"
#include "compiler/diff/report.h"
#include "compiler/diff/safety.h"
#include "compiler/request_options.h"
#include "compiler/traffic_text.h"

namespace netpolc::compiler {
namespace {

using verify::Diff;

class Writer {
 public:
  Writer(const Diff& diff, const Session& before, const Session& after, const Beside& beside)
      : diff_(diff), after_session_(after), beside_(beside), texts_(diff.sets), before_(before.loaded.policies, before.sources), after_(after.loaded.policies, after.sources) {}

  std::string write() {
    out_ = "{\"apiVersion\":\"netpolc.dev/v1\",\"kind\":\"DiffResult\"";
    out_ += std::string(",\"differs\":") + (diff_.differs() ? "true" : "false") + ",\"undecided\":" + (diff_.is_undecided() ? "true" : "false");
    out_ += ",\"pairs\":" + std::to_string(diff_.pairs) + ",\"changedPairs\":" + std::to_string(diff_.changed_pairs);
    number("requestPairs", diff_.request_pairs);
    number("undecidedRequestPairs", diff_.undecided_request_pairs);
    out_ += ",\n\"ends\":[";
    for (std::size_t i = 0; i < diff_.ends.size(); ++i) append_json_string(out_ += i == 0 ? "" : ",", diff_.ends[i].name);
    out_ += ']';
    list("traffic", diff_.traffic, [&](const auto& one) { traffic(one), observed(&SeenFlows::traffic, static_cast<std::size_t>(&one - diff_.traffic.data())); });
    list("defaultDeny", diff_.enforcement, [&](const auto& one) { enforcement(one), observed(&SeenFlows::enforcement, static_cast<std::size_t>(&one - diff_.enforcement.data())); });
    list("arrivals", diff_.arrivals, [&](const auto& one) { arrival(one); });
    list("undecidable", diff_.undecided, [&](const auto& one) { undecided(one); });
    list("requests", diff_.requests, [&](const auto& one) { requests(one), observed(&SeenFlows::requests, static_cast<std::size_t>(&one - diff_.requests.data())); });
    cost();
    safety();
    flows();
    return out_ + "}\n";
  }

 private:
  void number(const char* name, std::uint64_t value, bool first = false) { out_ += std::string(first ? "" : ",") + '"' + name + "\":" + std::to_string(value); }
  template <class All, class One>
  void list(const char* name, const All& all, One&& one) {
    out_ += std::string(",\"") + name + "\":[";
    bool first = true;
    for (const auto& item : all) {
      out_ += first ? "\n{" : ",\n{";
      first = false;
      one(item);
      out_ += '}';
    }
    out_ += ']';
  }

  void text(const char* name, std::string_view value, bool first = false) {
    out_ += std::string(first ? "" : ",") + '"' + name + "\":";
    append_json_string(out_, value);
  }
  void end(verify::DiffEndId id) { text("endpoint", diff_.ends[id].name, true); }

  void ends(const char* name, const verify::DiffEndIds& ids) {
    out_ += std::string(",\"") + name + "\":[";
    for (std::size_t i = 0; i < ids.size(); ++i) append_json_string(out_ += i == 0 ? "" : ",", diff_.ends[ids[i]].name);
    out_ += ']';
  }

  void access(const std::string& name, const verify::DiffAccess& one) {
    out_ += ",\"" + name + "\":" + texts_.json(one.allowed);
    if (one.possible != one.allowed) out_ += ",\"" + name + "Partly\":" + texts_.json(one.possible);
  }

  void rules(const char* name, const std::vector<ir::RuleRef>& refs, JsonAnswers& writer) {
    out_ += std::string(",\"") + name + "\":[";
    for (std::size_t i = 0; i < refs.size(); ++i) out_ += (i == 0 ? "" : ",") + writer.rule(refs[i]);
    out_ += ']';
  }

  void why(const char* name, const verify::DiffSides& one, JsonAnswers& writer, const std::string& from, const std::string& to) {
    const auto side = [&](const std::string& subject, const std::optional<ir::SideVerdict>& verdict) {
      writer.append_side(out_, verdict ? std::optional(verify::Side{.subject = subject, .verdict = &*verdict}) : std::nullopt);
    };
    out_ += std::string(",\"") + name + "\":{\"egress\":";
    side(from, one.egress);
    out_ += ",\"ingress\":";
    side(to, one.ingress);
    out_ += '}';
  }

  void traffic(const verify::TrafficChange& one) {
    text("change", one.kind == verify::ChangeKind::OtherWay ? "otherWay" : to_string(one.kind), true);
    ends("from", one.from);
    ends("to", one.to);
    out_ += ",\"pairs\":" + std::to_string(one.pairs);
    access("before", one.before);
    access("after", one.after);
    if (one.in_cases) out_ += ",\"someCasesOnly\":true";
    out_ += ",\"opened\":" + texts_.json(one.opened) + ",\"closed\":" + texts_.json(one.closed);
    out_ += std::string(",\"internetExposure\":") + (one.exposes ? "true" : "false");
    const std::string &from = diff_.ends[one.example_from].name, &to = diff_.ends[one.example_to].name;
    out_ += ",\"example\":{";
    text("from", from, true);
    text("to", to);
    text("protocol", one.flow.protocol == ir::Protocol::Any ? "other" : ir::to_string(one.flow.protocol));
    out_ += (one.flow.protocol == ir::Protocol::Icmp || one.flow.protocol == ir::Protocol::Icmpv6 ? ",\"icmpType\":" : ",\"port\":") + std::to_string(one.flow.number);
    why("before", one.why_before, before_, from, to);
    why("after", one.why_after, after_, from, to);
    out_ += '}';
  }

  void enforcement(const verify::EnforcementChange& one) {
    end(one.end);
    text("direction", one.direction == ir::Direction::Ingress ? "ingress" : "egress");
    text("before", to_string(one.before));
    text("after", to_string(one.after));
    rules("rulesBefore", one.rules_before, before_);
    rules("rulesAfter", one.rules_after, after_);
  }

  void arrival(const verify::Arrival& one) {
    end(one.end);
    text("change", one.came ? "came" : "went");
    if (one.came) out_ += ",\"fromWorld\":" + texts_.json(one.from_internet);
  }

  void undecided(const verify::UndecidedEnd& one) {
    end(one.end);
    if (!one.before.empty()) text("before", one.before);
    if (!one.after.empty()) text("after", one.after);
  }

  void requests(const verify::RequestsChange& one) {
    end(one.end);
    text("direction", one.direction == ir::Direction::Ingress ? "ingress" : "egress");
    text("change", to_string(one.kind));
    ends("peers", one.peers);
    out_ += ",\"traffic\":" + texts_.json(one.traffic);
    if (!one.why.empty()) text("reason", one.why);
    example("opened", one.opened);
    example("closed", one.closed);
    rules("rulesBefore", one.rules_before, before_);
    rules("rulesAfter", one.rules_after, after_);
  }

  void example(const char* name, const std::optional<verify::RequestExample>& one) {
    if (!one) return;
    out_ += std::string(",\"") + name + "\":{\"request\":" + to_json(one->request).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    text("peer", diff_.ends[one->peer].name);
    text("protocol", ir::to_string(one->flow.protocol));
    number("port", one->flow.number);
    rules("rulesBefore", one->before.rules, before_);
    rules("rulesAfter", one->after.rules, after_);
    out_ += '}';
  }

  // ---- beside the comparison -------------------------------------------------------------------------------

  void observed(std::vector<ObservedOnLine> SeenFlows::*lines, std::size_t number_of_line) {
    if (beside_.flows == nullptr) return;
    const ObservedOnLine& seen = (beside_.flows->*lines)[number_of_line];
    if (seen.dropped.flows == 0 && seen.opened.flows == 0) return;
    out_ += ",\"observed\":{";
    observed("dropped", seen.dropped, true);
    observed("opened", seen.opened, false);
    out_ += '}';
  }
  void observed(const char* name, const Observed& seen, bool first) {
    out_ += std::string(first ? "" : ",") + '"' + name + "\":{\"flows\":" + std::to_string(seen.flows) + ",\"what\":[";
    for (std::size_t i = 0; i < seen.what.size(); ++i) {
      out_ += i == 0 ? "{" : ",{";
      text("what", seen.what[i].first, true);
      number("flows", seen.what[i].second);
      out_ += '}';
    }
    out_ += "]}";
  }

  void cost() {
    if (beside_.cost_after == nullptr) return;
    const auto one = [&](const char* name, const Cost& cost, bool first) {
      out_ += std::string(first ? "" : ",") + '"' + name + "\":{\"largestMap\":" + std::to_string(cost.entries);
      if (!cost.endpoint.empty()) text("endpoint", cost.endpoint);
      number("policies", cost.policies);
      out_ += '}';
    };
    out_ += ",\n\"cost\":{";
    one("before", *beside_.cost_before, true);
    one("after", *beside_.cost_after, false);
    out_ += '}';
  }

  void safety() {
    if (beside_.safety == nullptr) return;
    const SafetyChange& all = *beside_.safety;
    out_ += ",\n\"safety\":{\"held\":" + std::to_string(all.held);
    number("judged", all.judged);
    number("undecided", all.undecided);
    number("heldBefore", all.held_before);
    number("judgedBefore", all.judged_before);
    list("broken", all.broken, [&](const BrokenAssertion& one) { broken(one); });
    strings("repaired", all.repaired);
    strings("stillFailing", all.still_failing);
    list("vacuous", all.vacuous, [&](const auto& one) { text("name", one.first, true), text("reason", one.second); });
    out_ += '}';
  }
  void broken(const BrokenAssertion& one) {
    text("name", one.name, true);
    text("pack", one.pack);
    text("before", one.before ? assertions::to_string(*one.before) : "not asked");
    list("details", one.details, [&](const assertions::Detail& detail) {
      text("text", detail.text, true);
      if (!detail.where) return;
      const auto at = after_session_.sources.locate(detail.where->file, detail.where->begin);
      text("file", after_session_.sources.path(detail.where->file));
      number("line", at.line);
      number("column", at.column);
    });
  }
  void strings(const char* name, const std::vector<std::string>& all) {
    out_ += std::string(",\"") + name + "\":[";
    for (std::size_t i = 0; i < all.size(); ++i) append_json_string(out_ += i == 0 ? "" : ",", all[i]);
    out_ += ']';
  }

  void flows() {
    if (beside_.flows == nullptr) return;
    const SeenFlows& seen = *beside_.flows;
    out_ += ",\n\"flows\":{";
    text("sources", seen.sources, true);
    number("flows", seen.flows);
    number("connections", seen.connections);
    number("dropped", seen.dropped);
    number("opened", seen.opened);
    number("undecided", seen.undecided);
    number("unchanged", seen.unchanged());
    number("inNoLine", seen.in_no_line);
    number("contradicting", seen.contradicting);
    out_ += ",\"notJudged\":" + seen.not_judged_json;
    number("malformedLines", seen.bad);
    number("lostEvents", seen.lost);
    out_ += '}';
  }

  const Diff& diff_;
  const Session& after_session_;
  const Beside& beside_;
  TrafficText texts_;
  JsonAnswers before_, after_;
  std::string out_;
};

}  // namespace

std::string to_json(const Diff& diff, const Session& before, const Session& after, const Beside& beside) { return Writer(diff, before, after, beside).write(); }

}  // namespace netpolc::compiler
