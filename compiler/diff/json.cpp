// A comparison as data.
#include "compiler/answers.h"
#include "compiler/diff/report.h"
#include "compiler/traffic_text.h"

namespace netpolc::compiler {
namespace {

using verify::Diff;

class Writer {
 public:
  Writer(const Diff& diff, const Session& before, const Session& after)
      : diff_(diff), texts_(diff.sets), before_(before.loaded.policies, before.sources), after_(after.loaded.policies, after.sources) {}

  std::string write() {
    out_ = "{\"apiVersion\":\"netpolc.dev/v1\",\"kind\":\"DiffResult\"";
    out_ += std::string(",\"differs\":") + (diff_.differs() ? "true" : "false") + ",\"undecided\":" + (diff_.is_undecided() ? "true" : "false");
    out_ += ",\"pairs\":" + std::to_string(diff_.pairs) + ",\"changedPairs\":" + std::to_string(diff_.changed_pairs);
    out_ += ",\n\"ends\":[";
    for (std::size_t i = 0; i < diff_.ends.size(); ++i) append_json_string(out_ += i == 0 ? "" : ",", diff_.ends[i].name);
    out_ += ']';
    list("traffic", diff_.traffic, [&](const auto& one) { traffic(one); });
    list("defaultDeny", diff_.enforcement, [&](const auto& one) { enforcement(one); });
    list("arrivals", diff_.arrivals, [&](const auto& one) { arrival(one); });
    list("undecidable", diff_.undecided, [&](const auto& one) { undecided(one); });
    list("requests", diff_.requests, [&](const auto& one) { requests(one); });
    return out_ + "}\n";
  }

 private:
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
    rules("rulesBefore", one.rules_before, before_);
    rules("rulesAfter", one.rules_after, after_);
  }

  const Diff& diff_;
  TrafficText texts_;
  JsonAnswers before_, after_;
  std::string out_;
};

}  // namespace

std::string to_json(const Diff& diff, const Session& before, const Session& after) { return Writer(diff, before, after).write(); }

}  // namespace netpolc::compiler
