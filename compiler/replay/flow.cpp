#include "compiler/replay/flow.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace netpolc::compiler::replay {
namespace {

using nlohmann::json;

constexpr std::uint16_t kPolicyDenied = 133, kPolicyDeny = 181;  // drop reasons
constexpr int kPolicyVerdict = 5;                                // an event's type

struct Broken {
  std::string key, message;
};

// Names end up on terminals and in policies.
bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// Reads fields; what has the wrong type is thrown to `parse_line`, and no further.
class Reader {
 public:
  explicit Reader(const json& object) : object_(object) {}

  const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  std::string any_text(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return "";
    if (!value->is_string()) throw Broken{key, std::string("`") + key + "` is no string"};
    return value->get<std::string>();
  }
  std::string text(const char* key) const {
    std::string out = any_text(key);
    if (has_control(out)) throw Broken{key, std::string("`") + key + "` has a control character"};
    return out;
  }
  // A name of an enumeration, or its number, which is given as text.
  std::string name(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return "";
    if (value->is_string()) return value->get<std::string>();
    if (value->is_number_integer()) return value->dump();
    throw Broken{key, std::string("`") + key + "` is neither a name nor a number"};
  }
  std::uint64_t number(const char* key, std::uint64_t most) const {
    const json* value = find(key);
    if (value == nullptr) return 0;  // Protocol Buffers leave zeros out
    std::uint64_t out = 0;
    if (value->is_number_unsigned()) {
      out = value->get<std::uint64_t>();
    } else if (value->is_string()) {  // as 64-bit numbers are written
      const auto& digits = value->get_ref<const std::string&>();
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
      if (error != std::errc{} || end != digits.data() + digits.size()) throw Broken{key, std::string("`") + key + "` is no number"};
    } else {
      throw Broken{key, std::string("`") + key + "` is no number"};
    }
    if (out > most) throw Broken{key, std::string("`") + key + "` is larger than " + std::to_string(most)};
    return out;
  }
  std::optional<bool> boolean(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    // A wrapper, as programs write it that know nothing of Protocol Buffers' JSON.
    if (value->is_object()) return Reader(*value).boolean("value").value_or(false);
    if (!value->is_boolean()) throw Broken{key, std::string("`") + key + "` is neither true nor false"};
    return value->get<bool>();
  }
  std::optional<Reader> object(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) throw Broken{key, std::string("`") + key + "` is no object"};
    return Reader(*value);
  }
  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> out;
    const json* value = find(key);
    if (value == nullptr) return out;
    if (!value->is_array()) throw Broken{key, std::string("`") + key + "` is no list"};
    for (const json& one : *value) {
      if (!one.is_string()) throw Broken{key, std::string("`") + key + "` has an item that is no string"};
      out.push_back(one.get<std::string>());
      if (has_control(out.back())) throw Broken{key, std::string("`") + key + "` has an item with a control character"};
    }
    return out;
  }

 private:
  const json& object_;
};

bool is(const std::string& name, const char* word, const char* number) { return name == word || name == number; }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// "k8s:app=web"; a label's key may have colons after the first.
ir::Label label_of(const std::string& text) {
  const auto equals = text.find('='), colon = text.find(':');
  const bool sourced = colon != std::string::npos && colon < equals;
  const std::string key = text.substr(sourced ? colon + 1 : 0, equals == std::string::npos ? equals : equals - (sourced ? colon + 1 : 0));
  return {sourced ? text.substr(0, colon) : "unspec", key, equals == std::string::npos ? "" : text.substr(equals + 1)};
}

std::string namespace_of(const ir::LabelSet& labels) {
  const auto found = std::find_if(labels.begin(), labels.end(), [](const ir::Label& label) { return label.source == "k8s" && label.key == "io.kubernetes.pod.namespace"; });
  return found == labels.end() ? "" : found->value;
}

FlowEnd end_of(const std::optional<Reader>& end, const std::optional<Reader>& ip, const char* side) {
  FlowEnd out;
  if (ip) {
    const std::string text = ip->text(side);
    out.address = IpAddress::parse(text);
    if (!text.empty() && !out.address) throw Broken{side, "`" + text + "` is no IP address"};
  }
  if (!end) return out;
  out.identity = static_cast<std::uint32_t>(end->number("identity", 0xFFFFFFFFU));
  out.ns = end->text("namespace");
  out.pod = end->text("pod_name");
  for (const std::string& label : end->texts("labels")) out.labels.push_back(label_of(label));
  ir::normalise(out.labels);
  if (out.ns.empty()) out.ns = namespace_of(out.labels);
  if (const json* workloads = end->find("workloads")) {
    if (!workloads->is_array()) throw Broken{"workloads", "`workloads` is no list"};
    // Several are owners of the same pod: which of them manifests have is not said.
    if (workloads->size() == 1 && workloads->front().is_object()) out.workload = Reader(workloads->front()).text("name");
  }
  return out;
}

std::optional<ir::Flow> transport_of(const Reader& flow) {
  const auto l4 = flow.object("l4");
  if (!l4) return std::nullopt;
  for (const auto& [key, protocol] : {std::pair{"TCP", ir::Protocol::Tcp}, std::pair{"UDP", ir::Protocol::Udp}, std::pair{"SCTP", ir::Protocol::Sctp}})
    if (const auto one = l4->object(key)) return ir::Flow{protocol, static_cast<std::uint16_t>(one->number("destination_port", 65535))};
  for (const auto& [key, protocol] : {std::pair{"ICMPv4", ir::Protocol::Icmp}, std::pair{"ICMPv6", ir::Protocol::Icmpv6}})
    if (const auto one = l4->object(key)) return ir::Flow{protocol, static_cast<std::uint16_t>(one->number("type", 255))};
  return std::nullopt;
}

// "http://host:8080/path?query", or a path alone.
void set_url(ir::HttpRequest& request, const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos || url.starts_with('/')) {
    request.path = url.empty() ? "/" : url;
    return;
  }
  const auto host = scheme + 3, slash = url.find_first_of("/?", host);
  if (const std::string name = url.substr(host, slash == std::string::npos ? slash : slash - host); !name.empty()) request.host = name;
  request.path = slash == std::string::npos ? "/" : url[slash] == '?' ? "/" + url.substr(slash) : url.substr(slash);
}

ir::HttpRequest http_of(const Reader& http) {
  ir::HttpRequest out;
  out.method = http.text("method");
  set_url(out, http.any_text("url"));
  const json* headers = http.find("headers");
  if (headers == nullptr) return out;
  if (!headers->is_array()) throw Broken{"headers", "`headers` is no list"};
  for (const json& header : *headers) {
    if (!header.is_object()) throw Broken{"headers", "`headers` has an item that is no object"};
    const std::string name = lower(Reader(header).text("key")), value = Reader(header).any_text("value");
    if (name == "host" || name == ":authority") {
      if (!out.host) out.host = value;
      continue;
    }
    const auto known = std::find_if(out.headers.begin(), out.headers.end(), [&](const auto& one) { return one.first == name; });
    if (known == out.headers.end()) out.headers.emplace_back(name, value);
    else known->second += "," + value;  // as Envoy compares them
  }
  return out;
}

std::optional<ir::Request> request_of(const Reader& l7) {
  if (const auto http = l7.object("http")) return http_of(*http);
  if (const auto dns = l7.object("dns"); dns && !dns->text("query").empty()) {
    std::string name = lower(dns->text("query"));
    if (name.size() > 1 && name.ends_with('.')) name.pop_back();
    return ir::DnsQuery{std::move(name)};
  }
  return std::nullopt;
}

bool of_policy(const Reader& flow, bool of_proxy, bool verdict_event) {
  const std::string reason = flow.name("drop_reason_desc");
  if (!reason.empty() && reason != "0" && reason != "DROP_REASON_UNKNOWN") return is(reason, "POLICY_DENIED", "133") || is(reason, "POLICY_DENY", "181");
  const auto number = flow.number("drop_reason", 0xFFFFFFFFU);
  if (number != 0) return number == kPolicyDenied || number == kPolicyDeny;
  return of_proxy || verdict_event;
}

// Whether it answers; none where nobody says. Packets that policy is asked about begin a connection.
std::optional<bool> is_reply(const Reader& flow, bool dropped, bool verdict_event) {
  if (const auto said = flow.boolean("is_reply")) return said;
  if (flow.boolean("reply").value_or(false)) return true;
  if (dropped || verdict_event) return false;
  const auto l4 = flow.object("l4");
  const auto tcp = l4 ? l4->object("TCP") : std::nullopt;
  const auto flags = tcp ? tcp->object("flags") : std::nullopt;
  if (flags && flags->boolean("SYN").value_or(false)) return flags->boolean("ACK").value_or(false);
  return std::nullopt;
}

bool before_policy(const std::string& point) {
  if (point.starts_with("FROM_")) return true;
  const auto numbers = {"5", "6", "7", "8", "9", "10"};
  return std::find(numbers.begin(), numbers.end(), point) != numbers.end();
}

std::vector<std::string> names_of(const Reader& flow) {
  std::vector<std::string> out = flow.texts("destination_names");
  for (std::string& name : out) {
    name = lower(std::move(name));
    if (name.ends_with('.')) name.pop_back();
  }
  std::erase(out, "");
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Line flow_of(const Reader& flow) {
  Flow out;
  const std::string verdict = flow.name("verdict"), direction = flow.name("traffic_direction");
  const auto event = flow.object("event_type");
  const bool verdict_event = event && event->number("type", 0xFFFFFFFFU) == kPolicyVerdict;
  const auto l7 = flow.object("l7");
  out.dropped = is(verdict, "DROPPED", "2");
  out.audited = is(verdict, "AUDIT", "4");
  if (!out.dropped && !out.audited && !is(verdict, "FORWARDED", "1") && !is(verdict, "REDIRECTED", "5")) return Skip::NoVerdict;
  if (before_policy(flow.name("trace_observation_point"))) return Skip::BeforePolicy;
  const auto reply = is_reply(flow, out.dropped, verdict_event);
  const bool related = is(flow.name("trace_reason"), "RELATED", "4");  // an ICMP error about a connection passes with it
  if (reply.value_or(false) || related || (l7 && is(l7->name("type"), "RESPONSE", "2"))) return Skip::Reply;
  if (out.dropped && !of_policy(flow, l7.has_value(), verdict_event)) return Skip::OtherDrop;
  if (!reply && !l7) return Skip::PerhapsReply;
  if (!is(direction, "INGRESS", "1") && !is(direction, "EGRESS", "2")) return Skip::NoDirection;
  out.direction = is(direction, "INGRESS", "1") ? ir::Direction::Ingress : ir::Direction::Egress;
  const auto transport = transport_of(flow);
  if (!transport) return Skip::OtherProtocol;
  out.flow = *transport;
  if (l7) {
    out.request = request_of(*l7);
    if (!out.request) return Skip::OtherRequest;
  }
  const auto ip = flow.object("IP");
  out.source = end_of(flow.object("source"), ip, "source");
  out.destination = end_of(flow.object("destination"), ip, "destination");
  out.names = names_of(flow);
  out.node = flow.text("node_name");
  if (const auto slash = out.node.rfind('/'); slash != std::string::npos) out.node.erase(0, slash + 1);
  return out;
}

Line line_of(const Reader& line) {
  if (const auto flow = line.object("flow")) return flow_of(*flow);
  if (const auto lost = line.object("lost_events")) return Lost{lost->number("num_events_lost", ~std::uint64_t{0})};
  for (const char* other : {"node_status", "agent_event", "debug_event"})
    if (line.find(other) != nullptr) return Skip::OtherEvent;
  for (const char* field : {"verdict", "source", "destination", "traffic_direction", "IP"})
    if (line.find(field) != nullptr) return flow_of(line);
  throw Broken{"", "this is no flow of Hubble's: it has neither `flow` nor `verdict`"};
}

// Where a key stands: the parser keeps no places.
std::size_t column_of(std::string_view text, const std::string& key) {
  const auto found = key.empty() ? std::string_view::npos : text.find("\"" + key + "\"");
  return found == std::string_view::npos ? text.find_first_not_of(" \t") + 1 : found + 1;
}

// Of nlohmann's message what follows its place.
std::string why_no_json(const json::parse_error& error) {
  const std::string text = error.what();
  const auto colon = text.find(": ", text.find("column"));
  return "no JSON: " + (colon == std::string::npos ? text : text.substr(colon + 2));
}

}  // namespace

tl::expected<Line, BadLine> parse_line(std::string_view text) {
  try {
    const json line = json::parse(text);
    if (!line.is_object()) return tl::unexpected(BadLine{1, "expected an object, a flow of Hubble's"});
    return line_of(Reader(line));
  } catch (const json::parse_error& error) {
    return tl::unexpected(BadLine{std::max<std::size_t>(std::min(error.byte, text.size()), 1), why_no_json(error)});
  } catch (const Broken& broken) {
    return tl::unexpected(BadLine{column_of(text, broken.key), broken.message});
  } catch (const json::exception&) {  // numbers that no type holds
    return tl::unexpected(BadLine{1, "no JSON: a number is out of range"});
  }
}

const char* to_string(Skip skip) {
  switch (skip) {
    case Skip::Reply: return "replies";
    case Skip::PerhapsReply: return "of which nobody says whether they are replies";
    case Skip::BeforePolicy: return "seen before policy was asked";
    case Skip::NoVerdict: return "without a verdict (traced, translated, errors)";
    case Skip::OtherDrop: return "dropped for other reasons than policy";
    case Skip::NoDirection: return "without a direction";
    case Skip::OtherProtocol: return "of other protocols than TCP, UDP, SCTP and ICMP";
    case Skip::OtherRequest: return "of requests that are neither HTTP nor DNS";
    case Skip::OtherEvent: return "events of nodes and agents";
    case Skip::NoIdentity: return "with an end whose identity was not known";
    case Skip::NoLabels: return "with an end that has no labels and is in no manifest";
    case Skip::NoAddress: return "with an end outside that has no address";
    case Skip::NobodysPolicy: return "between ends without policy of their own";
    case Skip::TooMany: return "beyond the number of different flows that are kept";
  }
  return "";
}

const char* to_key(Skip skip) {
  switch (skip) {
    case Skip::Reply: return "reply";
    case Skip::PerhapsReply: return "perhapsReply";
    case Skip::BeforePolicy: return "beforePolicy";
    case Skip::NoVerdict: return "noVerdict";
    case Skip::OtherDrop: return "otherDrop";
    case Skip::NoDirection: return "noDirection";
    case Skip::OtherProtocol: return "otherProtocol";
    case Skip::OtherRequest: return "otherRequest";
    case Skip::OtherEvent: return "otherEvent";
    case Skip::NoIdentity: return "noIdentity";
    case Skip::NoLabels: return "noLabels";
    case Skip::NoAddress: return "noAddress";
    case Skip::NobodysPolicy: return "nobodysPolicy";
    case Skip::TooMany: return "tooMany";
  }
  return "";
}

}  // namespace netpolc::compiler::replay
