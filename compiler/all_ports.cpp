#include "compiler/all_ports.h"

#include <algorithm>
#include <cstdio>

#include "compiler/answers.h"
#include "compiler/exit_code.h"
#include "compiler/session.h"
#include "verify/all_ports.h"

namespace netpolc::compiler {
namespace {

using verify::Access;
using verify::AccessId;
using verify::PortSpan;
using verify::Traffic;
using verify::Word;

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

// Sets as JSON and as text, each written once.
class Writer {
 public:
  explicit Writer(const verify::AccessSets& sets) : sets_(sets) {}
  const std::string& json(AccessId id) { return kept(json_, id, [&] { return write_json(lines(sets_[id])); }); }
  const std::string& text(AccessId id) { return kept(text_, id, [&] { return write_text(lines(sets_[id])); }); }

 private:
  template <class Write>
  const std::string& kept(std::vector<std::string>& all, AccessId id, Write&& write) {
    if (all.size() <= id) all.resize(sets_.size());
    if (all[id].empty()) all[id] = write();
    return all[id];
  }

  std::string write_json(const std::vector<Line>& all) const {
    if (is_everything(all)) return "[{\"protocol\":\"*\",\"ports\":\"*\"" + json_marks(all.front()) + "}]";
    std::string out = "[";
    for (const Line& line : all) {
      out += std::string(out.size() > 1 ? "," : "") + "{\"protocol\":\"" + protocol_text(line.protocol) + "\",\"ports\":\"" + line.ports + "\"";
      for (std::size_t i = 0; i < line.except.size(); ++i)
        out += std::string(i == 0 ? ",\"except\":[" : ",") + '"' + to_string(line.except[i]) + '"';
      out += (line.except.empty() ? "" : "]") + json_marks(line) + "}";
    }
    return out + "]";
  }
  std::string json_marks(const Line& line) const {
    std::string out;
    const verify::Marks& marks = sets_.marks(line.marks);
    if (!marks.l7.empty()) append_json_string(out += ",\"l7\":", marks.l7);
    if (!marks.auth.empty()) append_json_string(out += ",\"auth\":", marks.auth);
    return out;
  }

  std::string write_text(const std::vector<Line>& all) const {
    if (all.empty()) return "nothing";
    if (is_everything(all)) return "everything" + text_marks(all.front());
    std::string out;
    for (const Line& line : all) {
      out += (out.empty() ? "" : " · ") + protocol_text(line.protocol) + " " + (line.ports == "*" ? "all" : line.ports);
      for (std::size_t i = 0; i < line.except.size(); ++i) out += (i == 0 ? " but " : ", ") + std::string(to_string(line.except[i]));
      out += text_marks(line);
    }
    return out;
  }
  std::string text_marks(const Line& line) const {
    const verify::Marks& marks = sets_.marks(line.marks);
    std::string out;
    if (!marks.l7.empty()) out = "proxy: " + marks.l7;
    if (!marks.auth.empty()) out += (out.empty() ? "" : "; ") + std::string("authentication: ") + marks.auth;
    return out.empty() ? "" : " (" + out + ")";
  }

  const verify::AccessSets& sets_;
  std::vector<std::string> json_, text_;
};

class Listing {
 public:
  Listing(verify::AllPorts& ports, const verify::Parties& from, const verify::Parties& to)
      : ports_(ports), from_(from), to_(to), writer_(ports.sets()) {}

  // `visit(from, to, traffic)`. A list of many leaves out what needs no policy: an endpoint and
  // itself, and pairs of externals.
  template <class Visit>
  void each(Visit&& visit) {
    const bool many = from_.size() * to_.size() > 1;
    for (const verify::Party& from : from_)
      for (const verify::Party& to : to_) {
        if (many && (from.name == to.name || !ports_.decided(from, to))) continue;
        const Traffic traffic = ports_.between(from, to);
        count(traffic);
        visit(from, to, traffic);
      }
  }

  void append_json(std::string& out, const verify::Party& from, const verify::Party& to, const Traffic& traffic) {
    append_json_string(out += "{\"from\":", from.name);
    append_json_string(out += ",\"to\":", to.name);
    if (traffic.word == Word::Undecided) {
      append_json_string(out += ",\"undecided\":", traffic.reason);
    } else {
      (out += ",\"allowed\":") += writer_.json(traffic.allowed);
      if (traffic.possible != traffic.allowed) (out += ",\"partly\":") += writer_.json(traffic.possible);
    }
    out += '}';
  }

  std::string text(const Traffic& traffic) {
    if (traffic.word == Word::Undecided) return "undecided: " + traffic.reason;
    std::string out = writer_.text(traffic.allowed);
    if (traffic.possible != traffic.allowed) out += "; for some replicas, nodes or addresses " + writer_.text(traffic.possible);
    return out;
  }

  // As for single questions: what is certain of some pairs is said even if others are undecided.
  Word word() const {
    if (mixed_ || (allowed_ != 0 && denied_ != 0)) return Word::Mixed;
    if (undecided_ != 0) return Word::Undecided;
    return allowed_ != 0 ? Word::Allowed : Word::Denied;
  }
  bool undecided() const { return undecided_ != 0; }
  std::size_t silent() const { return denied_; }
  std::size_t pairs() const { return pairs_; }

 private:
  void count(const Traffic& traffic) {
    ++pairs_;
    mixed_ |= traffic.word == Word::Mixed;
    allowed_ += traffic.word == Word::Allowed;
    denied_ += traffic.word == Word::Denied;
    undecided_ += traffic.word == Word::Undecided;
  }

  verify::AllPorts& ports_;
  const verify::Parties& from_;
  const verify::Parties& to_;
  Writer writer_;
  std::size_t pairs_ = 0, allowed_ = 0, denied_ = 0, undecided_ = 0;
  bool mixed_ = false;
};

void print(std::FILE* to, const std::string& text) { std::fwrite(text.data(), 1, text.size(), to); }

// A list answers whatever it says, like a batch of queries.
int print_lines(std::FILE* file, Listing& listing) {
  std::string out;
  listing.each([&](const verify::Party& from, const verify::Party& to, const Traffic& traffic) {
    if (traffic.word == Word::Denied) return;
    listing.append_json(out, from, to, traffic);
    out += '\n';
    if (out.size() < (1U << 18U)) return;
    print(file, out);
    out.clear();
  });
  print(file, out);
  return listing.undecided() ? kUndecided : kGood;
}

void print_json(std::FILE* file, Listing& listing) {
  std::string pairs;
  listing.each([&](const verify::Party& from, const verify::Party& to, const Traffic& traffic) {
    if (traffic.word == Word::Denied) return;
    pairs += pairs.empty() ? "" : ",\n";
    listing.append_json(pairs, from, to, traffic);
  });
  print(file, std::string("{\"verdict\":\"") + verify::to_string(listing.word()) + "\",\"pairs\":[" + pairs + "]}\n");
}

void pad(std::string& text, std::size_t width) { text.resize(std::max(text.size(), width), ' '); }

std::size_t widest(const verify::Parties& parties) {
  std::size_t out = 0;
  for (const auto& party : parties) out = std::max(out, party.name.size());
  return out;
}

void print_text(std::FILE* file, Listing& listing, const std::string& asked, const verify::Parties& from, const verify::Parties& to) {
  const std::size_t source = widest(from), destination = widest(to);
  const bool one = from.size() * to.size() == 1;
  std::string rows;
  listing.each([&](const verify::Party& a, const verify::Party& b, const Traffic& traffic) {
    if (traffic.word == Word::Denied && !one) return;
    std::string left = a.name, right = b.name;
    pad(left, source);
    pad(right, destination);
    rows += "  " + left + " → " + right + "   " + listing.text(traffic) + "\n";
  });
  if (!one && listing.silent() != 0)
    rows += "  " + std::string(rows.empty() ? "" : "and ") + "nothing between the " + (rows.empty() ? "" : "other ") +
            std::to_string(listing.silent()) + " pairs\n";
  print(file, std::string(verify::to_string(listing.word())) + "  " + asked + "   all protocols and ports\n\n" + rows);
}

int exit_code(Word word) {
  switch (word) {
    case Word::Allowed: return kGood;
    case Word::Denied:
    case Word::Mixed: return kNegative;
    case Word::Undecided: return kUndecided;
  }
  return kUndecided;
}

// Says why a reference stands for nothing.
int refuse(std::FILE* file, const verify::RefError& error, const std::string& output) {
  if (!error.undecided) return complain(error.message);
  std::string reason;
  append_json_string(reason, error.message);
  if (output == "text") print(file, "UNDECIDED\n\n  reason   " + error.message + "\n");
  else print(file, "{\"verdict\":\"UNDECIDED\",\"reason\":" + reason + "}\n");
  return kUndecided;
}

}  // namespace

int all_ports(const std::string& from, const std::string& to, const std::string& output, verify::Judge& judge,
              const ir::eval::World& world, const ir::IdentityLock& lock, std::FILE* file) {
  if (from.empty() || to.empty()) return complain("--all-ports needs --from and --to; `any` stands for everything");
  verify::AllPorts ports(world, lock, judge);
  const auto sources = ports.parties(from), destinations = ports.parties(to);
  if (!sources) return refuse(file, sources.error(), output);
  if (!destinations) return refuse(file, destinations.error(), output);
  Listing listing(ports, *sources, *destinations);
  if (output == "jsonl") return print_lines(file, listing);
  if (output == "json") print_json(file, listing);
  else print_text(file, listing, from + " → " + to, *sources, *destinations);
  return exit_code(listing.word());
}

}  // namespace netpolc::compiler
