#include "compiler/traffic_text.h"

#include <algorithm>

#include "compiler/answers.h"

namespace netpolc::compiler {
namespace {

using verify::Access;
using verify::AccessId;
using verify::PortSpan;

// One line of an answer: numbers of one protocol that pass under the same marks.
struct Line {
  ir::Protocol protocol = ir::Protocol::Any;
  verify::MarksId marks = verify::unmarked;
  std::string ports;
  std::vector<ir::Protocol> except;  // protocols that go the way of no other (`other` only)
};

bool is_whole(const PortSpan& span) { return span.first == 0 && span.last == verify::last_number(span.protocol); }
bool has_name_only(ir::Protocol protocol) { return protocol > ir::Protocol::Icmpv6; }

std::string protocol_text(ir::Protocol protocol) { return protocol == ir::Protocol::Any ? "other" : to_string(protocol); }

void add_ports(std::string& out, const PortSpan& span) {
  if (is_whole(span)) {
    out = "*";
    return;
  }
  if (!out.empty()) out += ',';
  out += std::to_string(span.first);
  if (span.last != span.first) out += '-' + std::to_string(span.last);
}

// Protocols without numbers are told apart from the others only where policy does.
std::vector<Line> lines(const Access& access) {
  std::vector<Line> out;
  const PortSpan* other = nullptr;
  std::vector<const PortSpan*> extended;
  for (const PortSpan& span : access) {
    if (span.protocol == ir::Protocol::Any) {
      other = &span;
    } else if (has_name_only(span.protocol)) {
      extended.push_back(&span);
    } else {
      auto line = std::find_if(out.begin(), out.end(), [&](const Line& l) { return l.protocol == span.protocol && l.marks == span.marks; });
      if (line == out.end()) line = out.insert(out.end(), {span.protocol, span.marks, "", {}});
      add_ports(line->ports, span);
    }
  }
  if (other != nullptr) {
    out.push_back({ir::Protocol::Any, other->marks, "*", {}});
    for (auto p = static_cast<int>(ir::Protocol::Vrrp); p <= static_cast<int>(ir::Protocol::Ah); ++p) {
      const auto same = [&](const PortSpan* span) { return span->protocol == static_cast<ir::Protocol>(p) && span->marks == other->marks; };
      if (std::none_of(extended.begin(), extended.end(), same)) out.back().except.push_back(static_cast<ir::Protocol>(p));
    }
  }
  for (const PortSpan* span : extended)
    if (other == nullptr || span->marks != other->marks) out.push_back({span->protocol, span->marks, "*", {}});
  return out;
}

// Whether everything passes under the same marks.
bool is_everything(const std::vector<Line>& all) {
  return all.size() == 6 && std::all_of(all.begin(), all.end(), [&](const Line& line) {
           return line.ports == "*" && line.except.empty() && line.marks == all.front().marks && !has_name_only(line.protocol);
         });
}

template <class Write>
const std::string& kept(std::vector<std::string>& all, AccessId id, std::size_t count, Write&& write) {
  if (all.size() <= id) all.resize(count);
  if (all[id].empty()) all[id] = write();
  return all[id];
}

}  // namespace

const std::string& TrafficText::json(AccessId id) {
  return kept(json_, id, sets_.size(), [&] { return write_json(sets_[id]); });
}
const std::string& TrafficText::text(AccessId id) {
  return kept(text_, id, sets_.size(), [&] { return write_text(sets_[id]); });
}

std::string TrafficText::write_json(const Access& access) const {
  const std::vector<Line> all = lines(access);
  if (is_everything(all)) return "[{\"protocol\":\"*\",\"ports\":\"*\"" + json_marks(all.front().marks) + "}]";
  std::string out = "[";
  for (const Line& line : all) {
    out += std::string(out.size() > 1 ? "," : "") + "{\"protocol\":\"" + protocol_text(line.protocol) + "\",\"ports\":\"" + line.ports + "\"";
    for (std::size_t i = 0; i < line.except.size(); ++i)
      out += std::string(i == 0 ? ",\"except\":[" : ",") + '"' + to_string(line.except[i]) + '"';
    out += (line.except.empty() ? "" : "]") + json_marks(line.marks) + "}";
  }
  return out + "]";
}

std::string TrafficText::json_marks(verify::MarksId id) const {
  std::string out;
  const verify::Marks& marks = sets_.marks(id);
  if (!marks.l7.empty()) append_json_string(out += ",\"l7\":", marks.l7);
  if (!marks.auth.empty()) append_json_string(out += ",\"auth\":", marks.auth);
  return out;
}

std::string TrafficText::write_text(const Access& access) const {
  const std::vector<Line> all = lines(access);
  if (all.empty()) return "nothing";
  if (is_everything(all)) return "everything" + text_marks(all.front().marks);
  std::string out;
  for (const Line& line : all) {
    out += (out.empty() ? "" : " · ") + protocol_text(line.protocol) + " " + (line.ports == "*" ? "all" : line.ports);
    for (std::size_t i = 0; i < line.except.size(); ++i) out += (i == 0 ? " but " : ", ") + std::string(to_string(line.except[i]));
    out += text_marks(line.marks);
  }
  return out;
}

std::string TrafficText::text_marks(verify::MarksId id) const {
  const verify::Marks& marks = sets_.marks(id);
  std::string out;
  if (!marks.l7.empty()) out = "proxy: " + marks.l7;
  if (!marks.auth.empty()) out += (out.empty() ? "" : "; ") + std::string("authentication: ") + marks.auth;
  return out.empty() ? "" : " (" + out + ")";
}

}  // namespace netpolc::compiler
