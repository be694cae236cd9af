#include "compiler/replay/report.h"

#include <algorithm>

#include "compiler/request_options.h"

namespace netpolc::compiler::replay {
namespace {

using Word = SideAnswer::Word;

std::string counted(std::uint64_t n, const char* one, const char* many) { return std::to_string(n) + " " + (n == 1 ? one : many); }

std::string counted(std::uint64_t n, Skip skip) {
  if (skip == Skip::Reply) return counted(n, "reply", "replies");
  if (skip == Skip::OtherEvent) return counted(n, "event of nodes and agents", to_string(skip));
  return std::to_string(n) + " " + to_string(skip);
}

// Paths and header values may have anything in them.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return text;
}

class Reporter {
 public:
  Reporter(const Outcomes& outcomes, const Recording& recording, const Session& now) : outcomes_(outcomes), recording_(recording), now_(now) {}

  DiffReport report() const {
    DiffReport out;
    for (const Outcome& one : outcomes_.all) out.lines.push_back(line(one));
    out.counts = counts();
    return out;
  }

 private:
  DiffLine line(const Outcome& one) const {
    const Connection& connection = recording_.connections()[one.connection];
    DiffLine out;
    out.symbol = one.change == Change::Dropped ? '-' : one.change == Change::Opened ? '+' : '?';
    out.word = one.change == Change::Dropped ? "dropped" : one.change == Change::Opened ? "opened" : "undecided";
    out.who = to_string(recording_.ends()[connection.from]) + " → " + to_string(recording_.ends()[connection.to]);
    out.what = to_words(connection.flow) + (one.by_request ? "  " + printable(to_text(*connection.request)) : "") + "   " + counted(one.flows, "flow", "flows");
    if (one.audited != 0) out.what += one.audited == one.flows ? ", audited" : ", " + std::to_string(one.audited) + " of them audited";
    if (one.exposes) out.alarm = "NEW INTERNET EXPOSURE";
    if (one.change == Change::Undecided) {
      out.reasons.push_back({one.why, ""});
      return out;
    }
    side(out.reasons, one, true);
    side(out.reasons, one, false);
    if (one.unrecorded) out.reasons.push_back({"the recording has nothing of what was decided there", ""});
    return out;
  }

  void side(std::vector<DiffReason>& out, const Outcome& one, bool egress) const {
    const SideAnswer& side = egress ? one.now.egress : one.now.ingress;
    if (!side.side || side.side->verdict == nullptr) return;
    const ir::SideVerdict& verdict = *side.side->verdict;
    if (one.change == Change::Dropped) {
      if (side.word == Word::Denied) denied(out, side, verdict);
      return;
    }
    const Connection& connection = recording_.connections()[one.connection];
    const bool opened = one.was ? (egress ? one.was->egress : one.was->ingress).word == Word::Denied : (egress ? connection.egress : connection.ingress).dropped != 0;
    if (!opened) return;
    if (verdict.rules.empty()) out.push_back({std::string(verdict.enforcement == ir::Enforcement::None ? "no policy is for its " : "no policy turns on default deny for its ") + (egress ? "egress" : "ingress"), ""});
    else add_reasons(out, verdict.verdict == ir::Verdict::AllowL7 && !side.side->request ? "through a proxy, by" : "by", verdict.rules, now_, false);
  }

  void denied(std::vector<DiffReason>& out, const SideAnswer& side, const ir::SideVerdict& verdict) const {
    if (side.refused_request) add_reasons(out, "the request is in no list of", side.side->request->rules, now_, false);
    else if (verdict.encapsulation) out.push_back({"only nodes send to the overlay's port of a node", ""});
    else add_reasons(out, verdict.verdict == ir::Verdict::Deny ? "denied by" : "default deny, switched on by", verdict.rules, now_, false);
  }

  std::string counts() const {
    std::string out = "Replay: ";
    bool any = false;
    for (const auto& [change, words] : {std::pair{Change::Dropped, "newly dropped"}, std::pair{Change::Opened, "newly opened"}, std::pair{Change::Undecided, "undecided"}}) {
      const auto lines = outcomes_.count(change);
      if (lines == 0) continue;
      out += (any ? ", " : "") + counted(outcomes_.flows_of(change), "flow", "flows") + " " + words + (lines == 1 ? "" : " (" + std::to_string(lines) + " lines)");
      any = true;
    }
    out += any ? "; " : "nothing changes; ";
    out += counted(outcomes_.unchanged_flows, "flow", "flows") + " fare" + (outcomes_.unchanged_flows == 1 ? "s" : "") + " as before.";
    if (outcomes_.contradicting != 0) out += "\n" + counted(outcomes_.contradicting, "flow", "flows") + " of the recording fared otherwise than the set compared with says.";
    if (const std::string left = not_judged(recording_); !left.empty()) out += "\nNot judged: " + left + ".";
    if (recording_.lost() != 0) out += "\nThe recording has gaps: " + counted(recording_.lost(), "event was", "events were") + " lost.";
    return out;
  }

  const Outcomes& outcomes_;
  const Recording& recording_;
  const Session& now_;
};

}  // namespace

std::string not_judged(const Recording& recording) {
  std::string out;
  for (std::size_t i = 0; i < kSkips; ++i)
    if (const auto n = recording.skipped(static_cast<Skip>(i)); n != 0) out += (out.empty() ? "" : ", ") + counted(n, static_cast<Skip>(i));
  if (recording.bad() != 0) out += (out.empty() ? "" : ", ") + counted(recording.bad(), "malformed line", "malformed lines");
  return out;
}

std::string not_judged_json(const Recording& recording) {
  std::string out;
  for (std::size_t i = 0; i < kSkips; ++i)
    if (const auto n = recording.skipped(static_cast<Skip>(i)); n != 0) out += std::string(out.empty() ? "" : ",") + '"' + to_key(static_cast<Skip>(i)) + "\":" + std::to_string(n);
  return "{" + out + "}";
}

std::string to_words(ir::Flow flow) { return std::string(ir::to_string(flow.protocol)) + " " + std::to_string(flow.number); }

std::string reference(const RecordedEnd& end) {
  switch (end.kind) {
    case RecordedEnd::Kind::Pod: return to_string(end);
    case RecordedEnd::Kind::Host:
    case RecordedEnd::Kind::Entity: return "entity:" + to_string(end);
    case RecordedEnd::Kind::Outside: break;
  }
  if (end.names.size() == 1) return "fqdn:" + end.names.front();
  if (end.addresses.size() == 1 && !end.more_addresses) return "ip:" + end.addresses.begin()->to_string();
  return end.prefix ? "cidr:" + end.prefix->to_string() : "entity:world";
}

DiffReport report(const Outcomes& outcomes, const Recording& recording, const Session& now) { return Reporter(outcomes, recording, now).report(); }

}  // namespace netpolc::compiler::replay
