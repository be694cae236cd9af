#include "compiler/queries.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "compiler/answers.h"
#include "compiler/exit_code.h"
#include "compiler/question_options.h"
#include "compiler/request_options.h"
#include "compiler/session.h"
#include "compiler/side_files.h"
#include "compiler/via.h"
#include "frontend/policy/object.h"
#include "ir/icmp_names.h"

namespace netpolc::compiler {
namespace {

using nlohmann::json;

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::optional<std::uint16_t> parse_number(std::string_view text, unsigned limit) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > limit) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

std::optional<std::uint16_t> number_field(const json& object, const char* key, unsigned limit) {
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if (found->is_string()) return parse_number(found->get_ref<const std::string&>(), limit);
  if (!found->is_number_integer()) return std::nullopt;
  const auto value = found->get<std::int64_t>();
  if (value < 0 || value > static_cast<std::int64_t>(limit)) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

tl::expected<std::optional<ir::Flow>, std::string> flow_of(const json& object, bool to_service) {
  const std::string protocol_text = object.value("protocol", std::string("TCP"));
  const auto protocol = parse_protocol(protocol_text);
  if (!protocol) return tl::unexpected("unknown protocol `" + protocol_text + "`: expected TCP, UDP, SCTP, ICMP or ICMPv6");
  const bool icmp = *protocol == ir::Protocol::Icmp || *protocol == ir::Protocol::Icmpv6;
  const char* key = icmp ? "icmpType" : "port";
  if (!icmp && to_service && !object.contains(key)) return std::optional<ir::Flow>{};
  const auto number = number_field(object, key, icmp ? 255 : 65535);
  if (!number) return tl::unexpected(std::string("expected `") + key + "`, a number" + (icmp ? " to 255" : " to 65535"));
  return std::optional<ir::Flow>(ir::Flow{*protocol, *number});
}

class Batch {
 public:
  Batch(std::string ns, verify::Judge& judge, const AskVia& ask_via, const ir::PolicySet& policies, const SourceManager& sources)
      : ns_(std::move(ns)), judge_(judge), ask_via_(ask_via), sources_(sources), json_(policies, sources) {}

  void line(const std::string& text) {
    std::string id = "null";
    auto query = parse_query(text, id);
    if (!query) return refuse(id, query.error());
    for (std::string* end : {&query->question.from, &query->question.to}) *end = in_namespace(*end, ns_);
    if (query->via) {
      const auto answer = ask_via_(query->question, *query->via);
      if (!answer) return refuse(id, answer.error().message);
      out_ += via_json(id, *answer, sources_, json_);
    } else {
      const auto answer = judge_.ask(query->question);
      if (!answer) return refuse(id, answer.error().message);
      json_.append(out_, id, *answer);
    }
    if (out_.size() > (1U << 18U)) flush();
  }
  void flush() {
    std::fwrite(out_.data(), 1, out_.size(), stdout);
    std::fflush(stdout);
    out_.clear();
  }
  bool complete() const { return complete_; }

 private:
  void refuse(const std::string& id, const std::string& why) {
    complete_ = false;
    out_ += "{\"id\":" + id + ",\"error\":";
    append_json_string(out_, why);
    out_ += "}\n";
  }
  const std::string ns_;
  verify::Judge& judge_;
  const AskVia& ask_via_;
  const SourceManager& sources_;
  JsonAnswers json_;
  std::string out_;
  bool complete_ = true;
};

}  // namespace

std::optional<ir::Protocol> parse_protocol(std::string_view text) {
  const std::string name = upper(text);
  for (const auto protocol : {ir::Protocol::Tcp, ir::Protocol::Udp, ir::Protocol::Sctp, ir::Protocol::Icmp, ir::Protocol::Icmpv6})
    if (name == upper(to_string(protocol))) return protocol;
  return std::nullopt;
}

std::optional<ir::Flow> parse_port(std::string_view text) {
  const auto slash = text.find('/');
  const auto number = parse_number(text.substr(0, slash), 65535);
  const auto protocol = slash == std::string_view::npos ? ir::Protocol::Tcp : parse_protocol(text.substr(slash + 1));
  if (!number || !protocol || *protocol == ir::Protocol::Icmp || *protocol == ir::Protocol::Icmpv6) return std::nullopt;
  return ir::Flow{*protocol, *number};
}

std::optional<verify::FlowRange> parse_port_range(std::string_view text) {
  const auto slash = text.find('/'), dash = text.substr(0, slash).find('-');
  const std::string protocol(slash == std::string_view::npos ? std::string_view{} : text.substr(slash));
  const auto first = parse_port(std::string(text.substr(0, std::min(dash, slash))) + protocol);
  const auto last = dash == std::string_view::npos ? first : parse_port(std::string(text.substr(dash + 1)) + (slash == std::string_view::npos ? protocol : ""));
  if (!first || !last || last->number < first->number) return std::nullopt;
  return verify::FlowRange{first->protocol, first->number, last->number};
}

std::optional<ir::Flow> parse_icmp(std::string_view text, bool v6) {
  const auto protocol = v6 ? ir::Protocol::Icmpv6 : ir::Protocol::Icmp;
  if (const auto number = parse_number(text, 255)) return ir::Flow{protocol, *number};
  for (const auto& entry : ir::kIcmpNames) {
    const int type = v6 ? entry.v6 : entry.v4;
    if (type >= 0 && upper(entry.name) == upper(text)) return ir::Flow{protocol, static_cast<std::uint16_t>(type)};
  }
  return std::nullopt;
}

tl::expected<Query, std::string> parse_query(const std::string& line, std::string& id) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return tl::unexpected(std::string("the line is no JSON object"));
  if (const auto found = object.find("id"); found != object.end()) id = found->dump(-1, ' ', false, json::error_handler_t::replace);
  for (const char* key : {"from", "to"})
    if (!object.contains(key) || !object[key].is_string()) return tl::unexpected(std::string("expected `") + key + "`, an endpoint reference");
  if (object.contains("protocol") && !object["protocol"].is_string()) return tl::unexpected(std::string("`protocol` is no string"));
  static const std::vector<std::string_view> kKeys{"id", "from", "to", "protocol", "port", "icmpType", "http", "host", "dns", "sni", "via"};
  for (const auto& [key, value] : object.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end()) continue;
    // Others may be somebody's own; what looks like one of these is not what it was meant to be.
    const auto begun = std::find_if(kKeys.begin(), kKeys.end(), [&, name = std::string_view(key)](std::string_view one) { return name.size() > 2 && one.starts_with(name); });
    const auto meant = begun != kKeys.end() ? std::optional(*begun) : frontend::policy::nearest(key, kKeys);
    if (meant) return tl::unexpected("there is no `" + key + "`; did you mean `" + std::string(*meant) + "`?");
  }
  Query query{.id = id, .question = {object["from"].get<std::string>(), object["to"].get<std::string>(), {}}};
  auto flow = flow_of(object, query.question.to.starts_with("svc:"));
  if (!flow) return tl::unexpected(flow.error());
  query.question.flow = *flow;
  if (object.contains("via")) {
    query.via = object["via"].is_string() ? verify::via_of(object["via"].get_ref<const std::string&>()) : std::nullopt;
    if (!query.via) return tl::unexpected(std::string("`via` is none of direct, clusterip, nodeport, lb and ingress"));
  }
  RequestOptions request;
  for (const auto& [key, value] : {std::pair{"http", &request.http}, std::pair{"host", &request.host}, std::pair{"dns", &request.dns}, std::pair{"sni", &request.sni}}) {
    if (!object.contains(key)) continue;
    if (!object[key].is_string()) return tl::unexpected(std::string("`") + key + "` is no string");
    *value = object[key].get<std::string>();
  }
  auto asked = request_of(request);
  if (!asked) return tl::unexpected(asked.error());
  query.question.request = std::move(*asked);
  return query;
}

int answer_queries(const std::string& path, const std::string& ns, verify::Judge& judge, const AskVia& ask_via, const ir::PolicySet& policies, const SourceManager& sources) {
  std::istringstream file;
  if (path != "-") {
    auto text = read_text(path);
    if (!text) return complain(text.error().message);
    file.str(std::move(*text));
  }
  std::istream& in = path == "-" ? std::cin : file;
  Batch batch(ns, judge, ask_via, policies, sources);
  for (std::string line; std::getline(in, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) batch.line(line);
  batch.flush();
  return batch.complete() ? kGood : kNoAnswer;
}

}  // namespace netpolc::compiler
