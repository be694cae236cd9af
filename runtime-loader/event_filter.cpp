#include "runtime-loader/event_filter.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

#include "runtime-loader/drop_words.h"

namespace netpolc::loader {
namespace {

using Test = std::function<bool(const Seen&)>;
using EndTest = std::function<bool(const EventEnd&)>;

bool same(const std::string& text, const char* word) { return strcasecmp(text.c_str(), word) == 0; }

template <class Number>
bool is_number(const std::string& text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

// ---- an end -----------------------------------------------------------------------------------------

Result<EndTest> pod_test(const std::string& text) {
  const auto slash = text.find('/');
  if (text.empty() || text == "/") return bad_input("`" + text + "` is no pod: expected NAMESPACE/POD, NAMESPACE/ or a beginning of a pod's name");
  const std::string ns = slash == std::string::npos ? "" : text.substr(0, slash), own = slash == std::string::npos ? text : text.substr(slash + 1);
  return [ns, own](const EventEnd& end) {
    if (!ns.empty() && end.name.ns != ns) return false;
    return own.empty() || end.name.pod.starts_with(own) || end.name.workload.starts_with(own);
  };
}

Result<EndTest> namespace_test(const std::string& text) {
  return [text](const EventEnd& end) { return end.name.ns == text; };
}

// "k8s:app=web" has this key, with its source or without; `value`: what follows, if it is wanted.
bool has_key(const std::string& label, const std::string& key, const std::string* value) {
  const auto equals = label.find('=');
  const std::string own = label.substr(0, equals), rest = equals == std::string::npos ? "" : label.substr(equals + 1);
  const auto colon = own.find(':');
  const bool named = own == key || (colon != std::string::npos && own.substr(colon + 1) == key);
  return named && (value == nullptr || rest == *value);
}

Result<EndTest> requirement(const std::string& text) {
  const auto complaint = [&] { return bad_input("`" + text + "` is no label: expected KEY=VALUE, KEY!=VALUE, KEY or !KEY, several with commas"); };
  if (text.empty() || text.find_first_of(" ()") != std::string::npos) return complaint();
  const auto equals = text.find('=');
  const bool differs = equals != std::string::npos && equals > 0 && text[equals - 1] == '!';
  const bool absent = text[0] == '!';
  std::string key = text.substr(absent ? 1 : 0, equals == std::string::npos ? std::string::npos : equals - (differs ? 1 : 0) - (absent ? 1 : 0));
  if (key.empty() || (absent && equals != std::string::npos)) return complaint();
  if (key.starts_with("any:")) key.erase(0, 4);
  std::optional<std::string> value;
  if (equals != std::string::npos) value = text.substr(equals + (text.compare(equals, 2, "==") == 0 ? 2 : 1));
  const bool wanted = !differs && !absent;
  return [key, value, wanted](const EventEnd& end) {
    const bool found = std::any_of(end.labels.begin(), end.labels.end(), [&](const std::string& label) { return has_key(label, key, value ? &*value : nullptr); });
    return found == wanted;
  };
}

Result<EndTest> label_test(const std::string& text) {
  std::vector<EndTest> all;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    auto one = requirement(text.substr(begin, comma - begin));
    if (!one) return one;
    all.push_back(std::move(*one));
    begin = comma + 1;
  }
  return [all](const EventEnd& end) { return std::all_of(all.begin(), all.end(), [&](const EndTest& one) { return one(end); }); };
}

Result<EndTest> ip_test(const std::string& text) {
  const auto prefix = Prefix::parse(text);
  if (!prefix) return bad_input("`" + text + "` is neither an address nor a prefix");
  return [wanted = *prefix](const EventEnd& end) { return end.has_address && wanted.contains({end.address, static_cast<std::uint8_t>(end.address.v6 ? 128 : 32)}); };
}

std::optional<std::uint32_t> reserved_number(const std::string& text) {
  for (std::uint32_t id = 0; ir::hubble::reserved_name(id)[0] != 0; ++id)
    if (same(text, ir::hubble::reserved_name(id))) return id;
  return std::nullopt;
}

Result<EndTest> identity_test(const std::string& text) {
  std::uint32_t number = 0;
  const auto reserved = reserved_number(text);
  if (!reserved && !is_number(text, number)) return bad_input("`" + text + "` is no identity: expected a number or a reserved name, as host, world, remote-node");
  if (reserved) number = *reserved;
  const bool worlds = same(text, "world");
  return [number, worlds](const EventEnd& end) { return end.identity == number || (worlds && (end.identity == 9 || end.identity == 10)); };
}

Result<EndTest> who_test(const std::string& text) {
  std::uint32_t number = 0;
  if (reserved_number(text) || is_number(text, number)) return identity_test(text);
  if (text.find('=') != std::string::npos || text.starts_with('!')) return label_test(text);
  if (Prefix::parse(text)) return ip_test(text);
  return pod_test(text);
}

// ---- the rest of it ---------------------------------------------------------------------------------

Result<Test> verdict_test(const std::string& text) {
  const bool allowed = same(text, "FORWARDED") || same(text, "ALLOWED") || same(text, "allow");
  const bool dropped = same(text, "DROPPED") || same(text, "DENIED") || same(text, "drop");
  const bool audited = same(text, "AUDIT") || same(text, "AUDITED");
  if (!allowed && !dropped && !audited) return bad_input("`" + text + "` is no verdict: expected FORWARDED, DROPPED or AUDIT");
  return [=](const Seen& seen) { return seen.allowed() ? allowed : seen.audited() ? audited : dropped; };
}

Result<Test> protocol_test(const std::string& text) {
  struct Name {
    const char* name;
    int number;
  };
  for (const Name& it : {Name{"TCP", 6}, Name{"UDP", 17}, Name{"SCTP", 132}, Name{"ICMPv4", 1}, Name{"ICMPv6", 58}})
    if (same(text, it.name)) return [number = it.number](const Seen& seen) { return seen.event.family != 0 && seen.event.protocol == number; };
  if (same(text, "ICMP")) return [](const Seen& seen) { return seen.event.family != 0 && (seen.event.protocol == 1 || seen.event.protocol == 58); };
  std::uint8_t number = 0;
  if (!is_number(text, number)) return bad_input("`" + text + "` is no protocol: expected TCP, UDP, SCTP, ICMP, ICMPv4, ICMPv6 or a number");
  return [number](const Seen& seen) { return seen.event.family != 0 && seen.event.protocol == number; };
}

Result<Test> tcp_flags_test(const std::string& text) {
  std::uint8_t wanted = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    const std::string name = text.substr(begin, comma - begin);
    const auto* flag = std::find_if(ir::hubble::kTcpFlags.begin(), ir::hubble::kTcpFlags.end(), [&](const ir::hubble::TcpFlag& it) { return same(name, it.name); });
    if (flag == ir::hubble::kTcpFlags.end()) return bad_input("`" + name + "` is no flag of TCP: expected SYN, ACK, RST, FIN, PSH, URG, ECE or CWR");
    wanted |= flag->bit;
    begin = comma + 1;
  }
  return [wanted](const Seen& seen) { return seen.event.protocol == 6 && seen.has_transport() && (seen.event.tcp_flags & wanted) == wanted; };
}

Result<Test> port_test(const std::string& text, bool source, bool destination) {
  std::uint16_t number = 0;
  if (!is_number(text, number)) return bad_input("`" + text + "` is no port");
  return [=](const Seen& seen) { return (source && seen.source.port == number) || (destination && seen.destination.port == number); };
}

Result<Test> direction_test(const std::string& text) {
  const bool ingress = same(text, "INGRESS");
  if (!ingress && !same(text, "EGRESS")) return bad_input("`" + text + "` is no direction: expected INGRESS or EGRESS");
  return [ingress](const Seen& seen) { return seen.ingress() == ingress; };
}

Result<Test> reason_test(const std::string& text) {
  const auto reason = parse_drop_reason(text);
  if (!reason) return bad_input("`" + text + "` is no reason of a drop: expected a name as POLICY_DENIED, or a number");
  return [wanted = *reason](const Seen& seen) { return seen.event.reason == wanted; };
}

Result<Test> policy_test(const std::string& text) {
  const auto slash = text.find('/');
  const std::string ns = slash == std::string::npos ? "" : text.substr(0, slash), name = slash == std::string::npos ? text : text.substr(slash + 1);
  return [=](const Seen& seen) {
    const auto meant = [&](const RuleOrigin& it) { return it.name == name && (slash == std::string::npos || it.ns == ns); };
    return std::any_of(seen.origins.begin(), seen.origins.end(), meant) || std::any_of(seen.not_allowed_by.begin(), seen.not_allowed_by.end(), meant);
  };
}

// ---- all of it --------------------------------------------------------------------------------------

using Side = int;
constexpr Side kFrom = 1, kTo = 2, kEither = 3;

Test at_side(EndTest test, Side side) {
  return [=](const Seen& seen) { return ((side & kFrom) != 0 && test(seen.source)) || ((side & kTo) != 0 && test(seen.destination)); };
}

class Parser {
 public:
  // One of `texts` must hold, if there are any.
  template <class Make>
  void add(const std::string& option, const std::vector<std::string>& texts, Make&& make) {
    std::vector<Test> any;
    for (const std::string& text : texts) {
      auto test = make(text);
      if (!test) {
        if (failure_.empty()) failure_ = option + ": " + test.error().message;
        return;
      }
      any.push_back(std::move(*test));
    }
    if (any.empty()) return;
    all_.push_back([any](const Seen& seen) { return std::any_of(any.begin(), any.end(), [&](const Test& one) { return one(seen); }); });
  }
  void add_end(const std::string& prefix, const std::string& who, const EndWords& words, Side side) {
    const auto end = [&](const std::string& option, const std::vector<std::string>& texts, Result<EndTest> (*make)(const std::string&)) {
      add(option, texts, [&](const std::string& text) -> Result<Test> {
        auto test = make(text);
        if (!test) return tl::make_unexpected(test.error());
        return at_side(std::move(*test), side);
      });
    };
    end(who, words.who, who_test);
    end(prefix + "pod", words.pods, pod_test);
    end(prefix + "namespace", words.namespaces, namespace_test);
    end(prefix + "label", words.labels, label_test);
    end(prefix + "ip", words.ips, ip_test);
    end(prefix + "identity", words.identities, identity_test);
  }
  const std::string& failure() const { return failure_; }
  std::vector<Test> take() { return std::move(all_); }

 private:
  std::vector<Test> all_;
  std::string failure_;
};

}  // namespace

Result<EventFilter> EventFilter::parse(const FilterWords& words) {
  Parser parser;
  parser.add_end("--from-", "--from", words.from, kFrom);
  parser.add_end("--to-", "--to", words.to, kTo);
  parser.add_end("--", "--endpoint", words.either, kEither);
  parser.add("--from-port", words.from_ports, [](const std::string& text) { return port_test(text, true, false); });
  parser.add("--to-port", words.to_ports, [](const std::string& text) { return port_test(text, false, true); });
  parser.add("--port", words.ports, [](const std::string& text) { return port_test(text, true, true); });
  parser.add("--verdict", words.verdicts, verdict_test);
  parser.add("--protocol", words.protocols, protocol_test);
  parser.add("--tcp-flags", words.tcp_flags, tcp_flags_test);
  parser.add("--traffic-direction", words.directions, direction_test);
  parser.add("--drop-reason-desc", words.reasons, reason_test);
  parser.add("--policy", words.policies, policy_test);
  if (!parser.failure().empty()) return bad_input(parser.failure());
  EventFilter out;
  out.all_ = parser.take();
  return out;
}

bool EventFilter::passes(const Seen& seen) const {
  return std::all_of(all_.begin(), all_.end(), [&](const Test& one) { return one(seen); });
}

}  // namespace netpolc::loader
