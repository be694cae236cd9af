#include "runtime-loader/seen.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>
#include <string_view>
#include <tuple>

#include "runtime-loader/names.h"
#include "runtime-loader/reasons.h"

namespace netpolc::loader {
namespace {

using ir::hubble::MatchType;

constexpr int kTcp = 6, kUdp = 17, kSctp = 132;

bool has_ports(const np_event& event) { return event.protocol == kTcp || event.protocol == kUdp || event.protocol == kSctp; }

// ---- who ------------------------------------------------------------------------------------------

// The interface says which endpoint, unless two namespaces have one of its number, or it is a pod's and the node's; then the
// program narrows it down.
void find_attachment(Seen& seen) {
  const Bundle& bundle = seen.generation->bundle();
  const Attachment* by_interface = nullptr;
  std::size_t there = 0;
  for (const Attachment& it : seen.generation->state().attachments) {
    if (it.ifindex != static_cast<int>(seen.event.ifindex)) continue;
    const BundleEndpoint* endpoint = it.bundle_endpoint < bundle.endpoints.size() ? &bundle.endpoints[it.bundle_endpoint] : nullptr;
    const bool judged = endpoint != nullptr && it.blocked.empty() && it.open.empty();
    if (judged && (bundle.programs[endpoint->program].tag == seen.event.program || (seen.outside() && !it.for_node))) {
      seen.attachment = &it;
      seen.endpoint = endpoint;
    }
    if (it.for_node) continue;
    by_interface = &it;
    ++there;
  }
  if (seen.attachment == nullptr && there == 1) seen.attachment = by_interface;
}

void find_program(Seen& seen) {
  for (const BundleProgram& program : seen.generation->bundle().programs)
    if (program.tag == seen.event.program && !seen.outside()) seen.program = &program;
}

EventEnd end_of(const np_event& event, const unsigned char* bytes, std::uint16_t port, bool ports) {
  EventEnd out;
  out.has_address = event.family != 0;
  out.address.v6 = event.family == 6;
  if (out.has_address) std::memcpy(out.address.bytes.data(), bytes, out.address.size());
  if (ports) out.port = port;
  return out;
}

void set_labels(const GenerationNames& names, EventEnd& end) {
  if (const auto* labels = names.labels(end.identity)) end.labels = *labels;
  constexpr std::string_view kNamespace = "k8s:io.kubernetes.pod.namespace=";
  for (const std::string& label : end.labels)
    if (end.name.ns.empty() && label.starts_with(kNamespace)) end.name.ns = label.substr(kNamespace.size());
}

void name_local(Seen& seen, EventEnd& end) {
  const GenerationNames& names = *seen.generation;
  if (seen.endpoint != nullptr) end.identity = seen.endpoint->is_node ? kHostIdentity : seen.endpoint->identity;
  if (seen.attachment == nullptr) {
    if (end.has_address) end.name = names.name(end.address, 0);
  } else if (!seen.attachment->for_node) {
    end.name = names.name(seen.attachment->endpoint);
    if (end.name.workload.empty() && seen.endpoint != nullptr) {
      end.name.workload = seen.endpoint->name;  // a pod that came later
      end.name.kind = seen.endpoint->kind;
    }
    // The name of a workload: which of its pods, the address may say.
    if (end.name.pod.empty() && end.has_address)
      if (const PodName pod = names.name(end.address, 0); pod.ns == end.name.ns && pod.workload == end.name.workload) end.name = pod;
    if (end.identity == 0) end.labels = seen.attachment->labels;
  }
  set_labels(names, end);
}

void name_remote(const Seen& seen, EventEnd& end) {
  end.identity = seen.event.identity;
  if (end.has_address) end.name = seen.generation->name(end.address, end.identity);
  set_labels(*seen.generation, end);
}

// ---- by which rule --------------------------------------------------------------------------------

void find_rule(Seen& seen) {
  if (seen.program == nullptr || seen.event.rule == NP_NO_RULE) return;
  const std::size_t rule = seen.event.rule;
  const auto& texts = direction_of(*seen.program, seen.event.direction).rule_texts;
  if (rule >= texts.size()) return;
  seen.rule_text = &texts[rule];
  if (seen.endpoint == nullptr) {
    const Bundle& bundle = seen.generation->bundle();
    seen.origins = places(bundle, static_cast<std::size_t>(seen.program - bundle.programs.data()), seen.event.direction, rule);
    return;
  }
  const auto& own = origins_of(*seen.endpoint, seen.event.direction);
  if (rule < own.size() && own[rule]) seen.origins = {*own[rule]};
}

bool is_default(const std::string* text) { return text != nullptr && text->ends_with(": default deny"); }

void find_not_allowed_by(Seen& seen) {
  const bool by_default = seen.event.reason == NP_REASON_DEFAULT_DENY || is_default(seen.rule_text);
  if (!by_default || seen.endpoint == nullptr) return;
  const auto& own = origins_of(*seen.endpoint, seen.event.direction);
  const auto& texts = direction_of(seen.generation->bundle().programs[seen.endpoint->program], seen.event.direction).rule_texts;
  std::set<std::tuple<std::string, std::string, std::string>> told;
  for (std::size_t i = 0; i < own.size() && i < texts.size(); ++i)
    if (own[i] && without_level(texts[i]).starts_with("allow ") && told.emplace(own[i]->kind, own[i]->ns, own[i]->name).second)
      seen.not_allowed_by.push_back(*own[i]);
}

bool is_number(std::string_view text, std::uint16_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

// "8080/TCP", "1-1024/UDP", "http/TCP", "*/SCTP": 2 where it names the port, 1 where only the protocol, else 0.
int ports_of(std::string_view filter, const std::string& protocol, std::uint16_t number) {
  const auto slash = filter.find('/');
  if (slash == std::string_view::npos || filter.substr(slash + 1) != protocol) return 0;
  const std::string_view port = filter.substr(0, slash);
  if (port == "*") return 1;
  const auto dash = port.find('-');
  std::uint16_t first = 0, last = 0;
  if (!is_number(port.substr(0, dash), first)) return 2;  // a name
  if (dash == std::string_view::npos || !is_number(port.substr(dash + 1), last)) last = first;
  return number >= first && number <= last ? 2 : 0;
}

template <class Visit>
void each_part(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const auto bar = list.find(" | ");
    visit(list.substr(0, bar));
    list = bar == std::string_view::npos ? std::string_view() : list.substr(bar + 3);
  }
}

std::optional<MatchType> found_by(const Seen& seen) {
  const np_event& event = seen.event;
  switch (event.reason) {
    case NP_REASON_DEFAULT_DENY:
    case NP_REASON_ENCAPSULATION:
      return MatchType::None;
    case NP_REASON_FORWARDED:
    case NP_REASON_DENY:
    case NP_REASON_AUTH_REQUIRED:
    case NP_REASON_L7_NOT_ENFORCED:
      break;
    default:
      return std::nullopt;
  }
  if (seen.rule_text != nullptr) return match_of(*seen.rule_text, event.protocol, event.destination_port);
  if (!seen.allowed() || event.rule != NP_NO_RULE || seen.program == nullptr) return std::nullopt;
  // No rule, and yet it passes: there is no policy, or it is the own node that may speak to its pods.
  const bool enforced = direction_of(*seen.program, event.direction).enforcement != "none";
  return enforced && seen.ingress() && event.identity == kHostIdentity ? MatchType::L3Only : MatchType::All;
}

}  // namespace

std::string EventEnd::text() const {
  const std::string& own = name.pod.empty() ? name.workload : name.pod;
  if (!own.empty()) return name.ns.empty() ? own : name.ns + "/" + own;
  return has_address ? address.to_string() : "unknown";
}

bool Seen::policy_verdict() const { return allowed() || match.has_value(); }

bool Seen::has_transport() const {
  return event.family != 0 && event.reason != NP_REASON_INVALID_PACKET && event.reason != NP_REASON_FRAGMENT_NOT_FOUND &&
         event.reason != NP_REASON_INVALID_EXTENSION && event.reason != NP_REASON_UNKNOWN_L4 && event.reason != NP_REASON_UNSUPPORTED_L3;
}

MatchType match_of(const std::string& rule_text, std::uint8_t protocol, std::uint16_t number) {
  const std::string_view text = without_level(rule_text);
  if (is_default(&rule_text)) return MatchType::None;
  const auto on = text.find(" on "), space = text.find(' ');
  if (on == std::string_view::npos || space >= on) return MatchType::None;
  std::string_view peers = text.substr(space + 1, on - space - 1), filters = text.substr(on + 4);
  for (const char* word : {"from ", "to "})
    if (peers.starts_with(word)) peers.remove_prefix(std::strlen(word));
  bool named = true;
  each_part(peers, [&](std::string_view peer) { named &= peer != "everyone"; });
  if (filters.starts_with("all traffic")) return ir::hubble::match_type(0, named);
  int ports = 1;
  each_part(filters, [&](std::string_view filter) { ports = std::max(ports, ports_of(filter.substr(0, filter.find(' ')), protocol_name(protocol), number)); });
  return ir::hubble::match_type(ports, named);
}

Seen see(const np_event& event, const Generations& generations, std::int64_t wall_offset) {
  Seen seen;
  seen.event = event;
  seen.time = static_cast<std::int64_t>(event.time) + wall_offset;
  seen.generation = &generations.of(event.program, seen.time);
  find_attachment(seen);
  find_program(seen);
  const bool ports = has_ports(event) && seen.has_transport();
  seen.source = end_of(event, event.source, event.source_port, ports);
  seen.destination = end_of(event, event.destination, event.destination_port, ports);
  name_local(seen, seen.ingress() ? seen.destination : seen.source);
  name_remote(seen, seen.ingress() ? seen.source : seen.destination);
  find_rule(seen);
  find_not_allowed_by(seen);
  seen.match = found_by(seen);
  return seen;
}

}  // namespace netpolc::loader
