#include "compiler/all_ports.h"

#include <algorithm>
#include <cstdio>

#include "compiler/answers.h"
#include "compiler/command_line/progress.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/session.h"
#include "compiler/traffic_text.h"
#include "verify/all_ports.h"
#include "verify/cross_check.h"

namespace netpolc::compiler {
namespace {

using verify::Traffic;
using verify::Word;

class Listing {
 public:
  Listing(verify::AllPorts& ports, const verify::Parties& from, const verify::Parties& to)
      : ports_(ports), from_(from), to_(to), writer_(ports.sets()) {}

  // `visit(from, to, traffic)`. A list of many leaves out what needs no policy: an endpoint and
  // itself, and pairs of externals.
  template <class Visit>
  void each(Visit&& visit) {
    const bool many = from_.size() * to_.size() > 1;
    Phase phase("comparing pairs");
    std::size_t begun = 0;
    for (const verify::Party& from : from_)
      for (const verify::Party& to : to_) {
        phase.at(begun++, from_.size() * to_.size());
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
  TrafficText writer_;
  std::size_t pairs_ = 0, allowed_ = 0, denied_ = 0, undecided_ = 0;
  bool mixed_ = false;
};

void print(std::FILE* to, const std::string& text) {
  const auto quiet = without_progress();  // a long list is printed as it is made
  std::fwrite(text.data(), 1, text.size(), to);
}

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
  print(file, with_kind("TrafficResult", std::string("{\"verdict\":\"") + verify::to_string(listing.word()) + "\",\"pairs\":[") + pairs + "]}\n");
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
  const std::string line = "{\"verdict\":\"UNDECIDED\",\"reason\":" + reason + "}\n";
  if (output == "text") print(file, "UNDECIDED\n\n  reason   " + error.message + "\n");
  else print(file, output == "json" ? with_kind("TrafficResult", line) : line);
  return kUndecided;
}

}  // namespace

int all_ports(const std::string& from, const std::string& to, const std::string& output, verify::Judge& judge,
              const ir::eval::World& world, const ir::IdentityLock& lock, std::FILE* file, bool by_class, bool cross_check) {
  if (from.empty() || to.empty()) return complain("--all-ports needs --from and --to; `any` stands for everything");
  verify::AllPorts ports(world, lock, judge);
  const auto sources = ports.parties(from), destinations = ports.parties(to);
  if (!sources) return refuse(file, sources.error(), output);
  if (!destinations) return refuse(file, destinations.error(), output);
  std::optional<verify::CrossCheck> check;
  std::size_t given_up = 0;
  if (cross_check) {
    check.emplace(world, ports.sets());
    ports.check_sides([&](const ir::Subject& subject, ir::Direction direction, const ir::PeerFacts& peer, const verify::Access& access) {
      given_up += !check->agrees(subject, direction, peer, access);
    });
  }
  const auto checked = [&](int code) {
    if (check) std::fprintf(stderr, "cross-checked by the solver: %zu sides%s\n", check->asked(), given_up == 0 ? ", all agree" : "");
    if (given_up != 0) std::fprintf(stderr, "netpolc: the solver gave up on %zu of them\n", given_up);
    return given_up == 0 ? code : kUndecided;
  };
  if (by_class) {
    const auto listed = during("grouping ends", [&] { return all_ports_by_class(from + " → " + to, output, ports, *sources, *destinations, file); });
    if (!listed) return complain("--by-class can't group services, whose ports are translated: say which pods are behind them, such as NAMESPACE/[key=value]");
    if (output == "jsonl") return checked(listed->undecided ? kUndecided : kGood);
    return checked(exit_code(listed->word));
  }
  Listing listing(ports, *sources, *destinations);
  if (output == "jsonl") return checked(print_lines(file, listing));
  if (output == "json") print_json(file, listing);
  else print_text(file, listing, from + " → " + to, *sources, *destinations);
  return checked(exit_code(listing.word()));
}

}  // namespace netpolc::compiler
