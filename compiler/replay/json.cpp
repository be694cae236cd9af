// A replay as data.
#include "compiler/answers.h"
#include "compiler/replay/report.h"
#include "compiler/request_options.h"

namespace netpolc::compiler::replay {
namespace {

class Writer {
 public:
  Writer(const Outcomes& outcomes, const Recording& recording, const Session& now, const Session* was)
      : outcomes_(outcomes), recording_(recording), now_(now.loaded.policies, now.sources), before_((was != nullptr ? *was : now).loaded.policies, (was != nullptr ? *was : now).sources), compares_(was != nullptr) {}

  std::string write() {
    out_ = "{\"apiVersion\":\"netpolc.dev/v1\",\"kind\":\"ReplayResult\"";
    out_ += std::string(",\"comparedWith\":\"") + (compares_ ? "policies" : "recording") + "\"";
    number("flows", outcomes_.flows);
    number("connections", outcomes_.connections);
    number("unchangedFlows", outcomes_.unchanged_flows);
    number("unchangedConnections", outcomes_.unchanged_connections);
    if (compares_) number("contradictingFlows", outcomes_.contradicting);
    list("dropped", Change::Dropped);
    list("opened", Change::Opened);
    list("undecidable", Change::Undecided);
    out_ += ",\"notJudged\":" + not_judged_json(recording_);
    number("malformedLines", recording_.bad());
    number("lostEvents", recording_.lost());
    return out_ + "}\n";
  }

 private:
  void number(const char* name, std::uint64_t value, bool first = false) { out_ += std::string(first ? "" : ",") + '"' + name + "\":" + std::to_string(value); }
  void text(const char* name, std::string_view value, bool first = false) {
    out_ += std::string(first ? "" : ",") + '"' + name + "\":";
    append_json_string(out_, value);
  }

  void list(const char* name, Change change) {
    out_ += std::string(",\"") + name + "\":[";
    bool first = true;
    for (const Outcome& one : outcomes_.all) {
      if (one.change != change) continue;
      out_ += first ? "\n{" : ",\n{";
      first = false;
      outcome(one);
      out_ += '}';
    }
    out_ += ']';
  }

  void outcome(const Outcome& one) {
    const Connection& connection = recording_.connections()[one.connection];
    end("from", recording_.ends()[connection.from], true);
    end("to", recording_.ends()[connection.to], false);
    text("protocol", ir::to_string(connection.flow.protocol));
    const bool icmp = connection.flow.protocol == ir::Protocol::Icmp || connection.flow.protocol == ir::Protocol::Icmpv6;
    number(icmp ? "icmpType" : "port", connection.flow.number);
    if (one.by_request) out_ += ",\"request\":" + compiler::to_json(*connection.request).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    number("flows", one.flows);
    if (one.audited != 0) number("audited", one.audited);
    if (one.requests != 0) number("requests", one.requests);
    if (one.exposes) out_ += ",\"internetExposure\":true";
    if (one.unrecorded) out_ += ",\"sideNotRecorded\":true";
    if (!one.why.empty()) text("reason", one.why);
    sides("now", one.now, now_);
    if (one.was) sides("before", *one.was, before_);
  }

  void end(const char* name, const RecordedEnd& end, bool first) {
    text(name, reference(end), first);
    if (end.kind != RecordedEnd::Kind::Outside) return;
    const std::string prefix(name);
    strings((prefix + "Names").c_str(), end.names);
    std::vector<std::string> addresses;
    for (const IpAddress& address : end.addresses) addresses.push_back(address.to_string());
    strings((prefix + "Addresses").c_str(), addresses);
    if (end.more_addresses) out_ += ",\"" + prefix + "MoreAddresses\":true";
  }

  void strings(const char* name, const std::vector<std::string>& all) {
    if (all.empty()) return;
    out_ += std::string(",\"") + name + "\":[";
    for (std::size_t i = 0; i < all.size(); ++i) append_json_string(out_ += i == 0 ? "" : ",", all[i]);
    out_ += ']';
  }

  void sides(const char* name, const Answer& answer, JsonAnswers& writer) {
    out_ += std::string(",\"") + name + "\":{\"egress\":";
    writer.append_side(out_, answer.egress.side);
    out_ += ",\"ingress\":";
    writer.append_side(out_, answer.ingress.side);
    out_ += '}';
  }

  const Outcomes& outcomes_;
  const Recording& recording_;
  JsonAnswers now_, before_;
  bool compares_;
  std::string out_;
};

}  // namespace

std::string to_json(const Outcomes& outcomes, const Recording& recording, const Session& now, const Session* was) { return Writer(outcomes, recording, now, was).write(); }

}  // namespace netpolc::compiler::replay
