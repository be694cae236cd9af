// Answers about ways to a service, for a terminal: each case, each hop of it, whom policy sees there and why.
#include <algorithm>

#include "compiler/explain/nearest_output.h"
#include "compiler/request_options.h"
#include "compiler/via.h"
#include "verify/service_cases.h"

namespace netpolc::compiler {
namespace {

using verify::Arrival;
using verify::Cause;
using verify::Seen;

const char* words(Arrival arrival) {
  switch (arrival) {
    case Arrival::Any: return "";
    case Arrival::BackendNode: return "arriving at the backend's own node";
    case Arrival::OtherNode: return "arriving at another node";
    case Arrival::NodeWithBackend: return "arriving at a node with a backend";
    case Arrival::OwnNodeAddress: return "at its own node's address";
    case Arrival::OtherNodeAddress: return "at another node's address";
  }
  return "";
}

const char* words(Cause cause) {
  switch (cause) {
    case Cause::Direct: return "it goes to the pod's own address and port";
    case Cause::Translated: return "the address is translated where the client is, before any policy";
    case Cause::KeptByLocal: return "externalTrafficPolicy: Local keeps the client's address";
    case Cause::SameNode: return "nothing replaces the client's address where the backend is";
    case Cause::Dsr: return "the node keeps the client's address (bpf-lb-mode)";
    case Cause::DsrInTunnel: return "the node keeps the client's address (bpf-lb-mode), but the tunnel has an identity of its own (routing-mode)";
    case Cause::SnatInTunnel: return "the node replaces the client's address (bpf-lb-mode), and the tunnel says no more than world (routing-mode: tunnel)";
    case Cause::SnatNative: return "the node replaces the client's address by its own (bpf-lb-mode, routing-mode: native)";
    case Cause::KubeProxy: return "kube-proxy replaces the client's address by one of the node (kube-proxy-replacement: false)";
    case Cause::KubeProxyClusterIp: return "kube-proxy may replace the client's address (kube-proxy-replacement: false)";
    case Cause::NodeTranslates: return "the other node translates the address (no socket LB for pods)";
    case Cause::OtherCluster: return "how it comes here is up to its own cluster";
    case Cause::IngressProxy: return "the proxy of Ingress and Gateway connects to the pod itself";
    case Cause::ExternalClusterIp:
    case Cause::SourceRanges:
    case Cause::NoBackendHere:
    case Cause::BalancerConnects: return "";
  }
  return "";
}

std::string seen_as(const verify::Hop& hop) {
  switch (hop.seen) {
    case Seen::Itself: return hop.pair.from;
    case Seen::World: return "entity:world, without an address";
    case Seen::Host: return "entity:host";
    case Seen::RemoteNode: return "entity:remote-node";
  }
  return "";
}

std::string why(const verify::Hop& hop) { return hop.to_proxy ? "the proxy's own policy is asked where the client arrives" : words(hop.cause); }

std::string when(const verify::PathCase& one) {
  std::string out = one.itself ? "the pod itself" : words(one.arrival);
  if (one.sibling) out += out.empty() ? "another of its pods" : ", another of its pods";
  if (!one.node.empty()) out += ": " + one.node;
  if (one.entry != 0) out += "at the proxy's port " + std::to_string(one.entry);
  return out;
}

// "nodeport 30080".
std::string way(const verify::PathAnswer& answer) {
  std::string out(verify::to_string(answer.via));
  if (answer.via != verify::Via::NodePort) return out;
  for (std::size_t i = 0; i < answer.node_ports.size(); ++i) out += (i == 0 ? " " : ", ") + std::to_string(answer.node_ports[i]);
  return out;
}

class Text {
 public:
  Text(const ViaView& view, const HopNotes& notes) : view_(view), notes_(notes) {}

  std::string write() {
    const verify::PathAnswer& answer = view_.answer;
    out_ = coloured(verify::to_string(answer.word), answer.word, view_.colour) + "  " + view_.question.from + " → " + view_.question.to + "   via " + way(answer) + "\n\n";
    if (view_.question.request) out_ += "  request  " + to_text(*view_.question.request) + "\n";
    const std::size_t cases = answer.cases.size(), shown = view_.most == 0 ? cases : std::min(cases, view_.most);
    if (cases > 1) table();
    for (std::size_t i = 0; i < shown; ++i) {
      const verify::PathCase& one = answer.cases[i];
      const bool as_before = !one.hops.empty() && i > 0 && answer.cases[i - 1].from == one.from && answer.cases[i - 1].to == one.to && verify::same_hops(answer.cases[i - 1].hops, one.hops);
      hops(one, cases > 1, as_before);
    }
    if (shown < cases) out_ += "\n… " + std::to_string(cases - shown) + " more cases are not shown hop by hop\n";
    if (cases > 1 && (!answer.reason.empty() || answer.others_drop || !answer.assuming.empty() || answer.route != nullptr)) out_ += "\n";
    last_lines();
    return out_;
  }

 private:
  void table() {
    std::size_t from = 0, to = 0;
    for (const verify::PathCase& one : view_.answer.cases) {
      from = std::max(from, one.from.size());
      to = std::max(to, one.to.size());
    }
    for (const verify::PathCase& one : view_.answer.cases) {
      const std::string word = verify::to_string(one.word);
      out_ += "  " + coloured(word.c_str(), one.word, view_.colour) + std::string(11 - word.size(), ' ') + one.from + std::string(from - one.from.size(), ' ') + " → " + one.to + std::string(to - one.to.size(), ' ') + "   " + flow_text(one.flow);
      if (const std::string where = when(one); !where.empty()) out_ += "  (" + where + ")";
      out_ += "\n";
    }
  }

  // `as_before`: another case had the same hops, but for why they are so.
  void hops(const verify::PathCase& one, bool heading, bool as_before) {
    const std::string where = when(one);
    if (heading) out_ += "\n" + coloured(verify::to_string(one.word), one.word, view_.colour) + "  " + one.from + " → " + one.to + "   " + flow_text(one.flow) + (where.empty() ? "" : "  (" + where + ")") + "\n\n";
    else if (!where.empty()) out_ += "  where    " + where + "\n";
    if (one.itself) out_ += "  policy   is not asked: a pod reaches itself, through a service, too\n";
    std::size_t number = 0;
    bool before = false;
    for (const verify::Hop& hop : one.hops) {
      const bool instead = before && hop.one_of;  // of the one before
      if (!instead) hop_line(hop.pair, ++number);
      if (hop.pair.ingress) out_ += std::string(instead ? "  or as    " : "  seen as  ") + seen_as(hop) + (hop.one_of ? ", perhaps" : "") + (instead ? "" : std::string(": ") + why(hop)) + "\n";
      before = hop.one_of;
      if (!as_before) sides(hop, one.hops.size() > 1);
    }
    if (as_before) out_ += "  policy   says the same as above\n";
    if (heading || view_.answer.reason.empty())
      if (!one.reason.empty()) out_ += "  reason   " + one.reason + "\n";
  }

  void hop_line(const verify::PairAnswer& pair, std::size_t number) {
    out_ += "  hop " + std::to_string(number) + "    " + pair.from + " → " + pair.to + "   " + flow_text(pair.flow);
    if (!pair.via.empty()) out_ += "  (" + pair.via + ")";
    out_ += "\n";
  }

  void sides(const verify::Hop& hop, bool several) {
    const verify::PairAnswer& pair = hop.pair;
    const SideNotes notes = hop.one_of && !view_.all_notes ? SideNotes{} : notes_(pair);
    // An address that is not translated, and a proxy that is called: there is one side.
    const bool sends = pair.egress || !(several && pair.ingress), receives = pair.ingress || !(several && pair.egress);
    if (sends) side_text(out_, "egress   ", pair.egress, view_.policies, view_.sources);
    out_ += notes.egress;
    if (receives) side_text(out_, "ingress  ", pair.ingress, view_.policies, view_.sources);
    out_ += notes.ingress;
    if (!hop.one_of) out_ += notes.end;
  }

  void last_lines() {
    const verify::PathAnswer& answer = view_.answer;
    if (!answer.reason.empty()) out_ += "  reason   " + answer.reason + "\n";
    if (answer.route != nullptr) out_ += "  through  " + answer.route->kind + " " + answer.route->ns + "/" + answer.route->name + "   " + view_.sources.path(answer.route->where.file) + ":" + std::to_string(view_.sources.locate(answer.route->where.file, answer.route->where.begin).line) + "\n";
    if (answer.others_drop) out_ += "  note     a node without a backend drops it before policy (externalTrafficPolicy: Local)\n";
    out_ += explain::assuming_text(assumptions(answer));
  }

  const ViaView& view_;
  const HopNotes& notes_;
  std::string out_;
};

}  // namespace

std::vector<std::string> assumptions(const verify::PathAnswer& answer) {
  std::vector<std::string> out;
  for (const verify::Assumption& one : answer.assuming) out.push_back(one.what + " (" + one.why + ")");
  return out;
}

std::string via_text(const ViaView& view, const HopNotes& notes) { return Text(view, notes).write(); }

namespace {

void text_field(std::string& out, const char* name, std::string_view value) {
  if (value.empty()) return;
  ((out += out.empty() || out.back() == '{' ? "\"" : ",\"") += name) += "\":";
  append_json_string(out, value);
}

std::string hop_json(const verify::Hop& hop, const SideJson& side) {
  const verify::PairAnswer& pair = hop.pair;
  std::string out = "{";
  text_field(out, "from", pair.from);
  text_field(out, "to", pair.to);
  text_field(out, "protocol", to_string(pair.flow.protocol));
  out += ",\"port\":" + std::to_string(pair.flow.number);
  text_field(out, "verdict", verify::to_string(pair.word));
  text_field(out, "via", pair.via);
  text_field(out, "reason", pair.reason);
  if (pair.ingress) {
    text_field(out, "seenAs", hop.seen == Seen::World ? "entity:world" : seen_as(hop));
    text_field(out, "because", why(hop));
    if (hop.one_of) out += ",\"certain\":false";
  }
  return out + ",\"egress\":" + side(pair.egress, ir::Direction::Egress, pair.flow) + ",\"ingress\":" + side(pair.ingress, ir::Direction::Ingress, pair.flow) + "}";
}

std::string case_json(const verify::PathCase& one, const SideJson& side) {
  std::string out = "{";
  text_field(out, "from", one.from);
  text_field(out, "to", one.to);
  text_field(out, "protocol", to_string(one.flow.protocol));
  out += ",\"port\":" + std::to_string(one.flow.number);
  text_field(out, "when", when(one));
  text_field(out, "verdict", verify::to_string(one.word));
  text_field(out, "reason", one.reason);
  out += ",\"hops\":[";
  for (std::size_t i = 0; i < one.hops.size(); ++i) out += (i == 0 ? "" : ",") + hop_json(one.hops[i], side);
  return out + "]}";
}

}  // namespace

std::string via_fields(const verify::PathAnswer& answer, const SourceManager& sources, const SideJson& side) {
  std::string out;
  text_field(out, "via", verify::to_string(answer.via));
  out += ",\"cases\":[";
  for (std::size_t i = 0; i < answer.cases.size(); ++i) out += (i == 0 ? "" : ",") + case_json(answer.cases[i], side);
  out += "]";
  if (answer.route != nullptr) {
    std::string route = "{";
    text_field(route, "kind", answer.route->kind);
    text_field(route, "namespace", answer.route->ns);
    text_field(route, "name", answer.route->name);
    text_field(route, "file", sources.path(answer.route->where.file));
    out += ",\"route\":" + route + ",\"line\":" + std::to_string(sources.locate(answer.route->where.file, answer.route->where.begin).line) + "}";
  }
  return out;
}

std::string via_json(const std::string& id, const verify::PathAnswer& answer, const SourceManager& sources, JsonAnswers& writer) {
  std::string out = "{";
  if (!id.empty()) out += "\"id\":" + id;
  text_field(out, "verdict", verify::to_string(answer.word));
  text_field(out, "reason", answer.reason);
  const bool one = answer.cases.size() == 1 && answer.cases.front().hops.size() == 1;
  static const std::optional<verify::Side> kNone;
  out += ",\"egress\":";
  writer.append_side(out, one ? answer.cases.front().hops.front().pair.egress : kNone);
  out += ",\"ingress\":";
  writer.append_side(out, one ? answer.cases.front().hops.front().pair.ingress : kNone);
  const SideJson side = [&](const std::optional<verify::Side>& of, ir::Direction, ir::Flow) {
    std::string text;
    writer.append_side(text, of);
    return text;
  };
  return out + "," + via_fields(answer, sources, side) + explain::assuming_field(assumptions(answer)) + "}\n";
}

}  // namespace netpolc::compiler
