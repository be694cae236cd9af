// `verify --all-ports --by-class`: parties that no policy tells apart are one class, and sources that may send the same
// to everybody share their lines, so that an answer is as long as policies are varied, not as there are pods.
#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "compiler/all_ports.h"
#include "compiler/answers.h"
#include "compiler/command_line/progress.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/traffic_text.h"

namespace netpolc::compiler {
namespace {

using verify::Traffic;
using verify::Word;
using Numbers = std::vector<std::uint32_t>;

struct Class {
  std::vector<const verify::Party*> members;
  bool source = false, destination = false;
};

// Source and destination may be said in different words: then who is both is apart from who is one of them.
std::vector<Class> classes(verify::AllPorts& ports, const verify::Parties& sources, const verify::Parties& destinations, verify::Parties& all) {
  std::map<std::string, std::pair<bool, bool>> roles;
  for (const auto& party : sources) roles[party.name].first = true;
  for (const auto& party : destinations) roles[party.name].second = true;
  all = sources;
  for (const auto& party : destinations)
    if (!roles[party.name].first) all.push_back(party);
  std::map<std::tuple<std::uint32_t, bool, bool>, std::size_t> numbers;
  std::vector<Class> out;
  const auto alike = ports.classes(all);
  for (std::size_t p = 0; p < all.size(); ++p) {
    const auto [source, destination] = roles[all[p].name];
    const auto [found, fresh] = numbers.emplace(std::tuple(alike[p], source, destination), out.size());
    if (fresh) out.push_back({{}, source, destination});
    out[found->second].members.push_back(&all[p]);
  }
  return out;
}

// Traffic from each class to each, and the classes whose rows are equal.
class Matrix {
 public:
  Matrix(verify::AllPorts& ports, const std::vector<Class>& classes) : ports_(ports), classes_(classes) {
    kinds_.push_back({});  // number 0: nothing passes, or nothing is said
    std::map<Numbers, std::size_t> groups;
    for (std::uint32_t c = 0; c < classes.size(); ++c) {
      if (!classes[c].source) continue;
      const auto [found, fresh] = groups.emplace(row(c), rows_.size());
      if (fresh) rows_.push_back({{}, &found->first});
      rows_[found->second].sources.push_back(c);
    }
    kept_ = std::move(groups);  // nodes stay where they are
  }

  struct Row {
    Numbers sources;        // classes
    const Numbers* traffic; // by class: a kind of traffic
  };

  // `line(sources, destinations, traffic)`, in the order of classes.
  template <class Line>
  void each(Line&& line) const {
    for (const Row& row : rows_) {
      std::vector<std::uint32_t> order;
      std::map<std::uint32_t, Numbers> to;
      for (std::uint32_t d = 0; d < row.traffic->size(); ++d) {
        const std::uint32_t kind = (*row.traffic)[d];
        if (kind == 0) continue;
        if (to[kind].empty()) order.push_back(kind);
        to[kind].push_back(d);
      }
      for (const std::uint32_t kind : order)
        if (!(row.sources == to[kind] && alone(row.sources))) line(row.sources, to[kind], kinds_[kind]);
    }
  }

  Word word() const {
    if (mixed_ || (allowed_ && denied_)) return Word::Mixed;
    if (undecided_) return Word::Undecided;
    return allowed_ ? Word::Allowed : Word::Denied;
  }
  bool undecided() const { return undecided_; }

 private:
  // One end and itself: nothing to be said.
  bool alone(const Numbers& classes) const { return classes.size() == 1 && classes_[classes.front()].members.size() == 1; }

  Numbers row(std::uint32_t c) {
    Numbers out(classes_.size(), 0);
    const verify::Party& from = *classes_[c].members.front();
    for (std::uint32_t d = 0; d < classes_.size(); ++d) {
      const verify::Party& to = *classes_[d].members.back();
      if (!classes_[d].destination || !ports_.decided(from, to)) continue;
      const Traffic traffic = ports_.between(from, to);
      if (c != d || !alone({c})) count(traffic);
      if (traffic.word != Word::Denied) out[d] = number(traffic);
    }
    return out;
  }

  void count(const Traffic& traffic) {
    mixed_ |= traffic.word == Word::Mixed;
    allowed_ |= traffic.word == Word::Allowed;
    denied_ |= traffic.word == Word::Denied;
    undecided_ |= traffic.word == Word::Undecided;
  }

  std::uint32_t number(const Traffic& traffic) {
    const auto next = static_cast<std::uint32_t>(kinds_.size());
    std::uint32_t& kept = traffic.word == Word::Undecided ? undecided_kinds_.emplace(traffic.reason, 0).first->second
                                                          : kept_kinds_.emplace((std::uint64_t{traffic.allowed} << 32U) | traffic.possible, 0).first->second;
    if (kept == 0) {
      kept = next;
      kinds_.push_back(traffic);
    }
    return kept;
  }

  verify::AllPorts& ports_;
  const std::vector<Class>& classes_;
  std::map<Numbers, std::size_t> kept_;
  std::vector<Row> rows_;
  std::vector<Traffic> kinds_;
  std::unordered_map<std::uint64_t, std::uint32_t> kept_kinds_;  // by what is allowed and what is possible
  std::map<std::string, std::uint32_t> undecided_kinds_;         // by reason
  bool mixed_ = false, allowed_ = false, denied_ = false, undecided_ = false;
};

// Classes are counted from 1.
std::string joined(const Numbers& classes, const char* comma) {
  std::string out;
  for (const std::uint32_t c : classes) out += (out.empty() ? "" : comma) + std::to_string(c + 1);
  return out;
}

std::string class_json(const Class& one, std::size_t number) {
  std::string out = "{\"class\":" + std::to_string(number) + ",\"members\":[";
  for (const auto* member : one.members) append_json_string(out += member == one.members.front() ? "" : ",", member->name);
  return out + "]}";
}

std::string line_json(const Numbers& from, const Numbers& to, const Traffic& traffic, TrafficText& texts) {
  std::string out = "{\"from\":[" + joined(from, ",") + "],\"to\":[" + joined(to, ",") + "]";
  if (traffic.word == Word::Undecided) {
    append_json_string(out += ",\"undecided\":", traffic.reason);
  } else {
    (out += ",\"allowed\":") += texts.json(traffic.allowed);
    if (traffic.possible != traffic.allowed) (out += ",\"partly\":") += texts.json(traffic.possible);
  }
  return out + "}";
}

std::string line_text(const Traffic& traffic, TrafficText& texts) {
  if (traffic.word == Word::Undecided) return "undecided: " + traffic.reason;
  std::string out = texts.text(traffic.allowed);
  if (traffic.possible != traffic.allowed) out += "; for some replicas, nodes or addresses " + texts.text(traffic.possible);
  return out;
}

void print(std::FILE* to, const std::string& text) {
  const auto quiet = without_progress();
  std::fwrite(text.data(), 1, text.size(), to);
}

void print_json(std::FILE* file, const std::vector<Class>& classes, const Matrix& matrix, TrafficText& texts, bool lines) {
  if (!lines) print(file, with_kind("ClassTrafficResult", std::string("{\"verdict\":\"") + verify::to_string(matrix.word()) + "\",\"classes\":["));
  for (std::size_t c = 0; c < classes.size(); ++c) print(file, (lines || c == 0 ? "" : ",\n") + class_json(classes[c], c + 1) + (lines ? "\n" : ""));
  if (!lines) print(file, "],\"traffic\":[");
  bool first = true;
  matrix.each([&](const Numbers& from, const Numbers& to, const Traffic& traffic) {
    print(file, (lines || first ? "" : ",\n") + line_json(from, to, traffic, texts) + (lines ? "\n" : ""));
    first = false;
  });
  if (!lines) print(file, "]}\n");
}

void print_text(std::FILE* file, const std::string& asked, const std::vector<Class>& classes, const Matrix& matrix, TrafficText& texts) {
  std::string out = std::string(verify::to_string(matrix.word())) + "  " + asked + "   all protocols and ports, by class\n\n";
  for (std::size_t c = 0; c < classes.size(); ++c) {
    out += "  " + std::to_string(c + 1) + " is ";
    for (const auto* member : classes[c].members) out += (member == classes[c].members.front() ? "" : ", ") + member->name;
    out += '\n';
  }
  out += '\n';
  matrix.each([&](const Numbers& from, const Numbers& to, const Traffic& traffic) {
    out += "  " + joined(from, ", ") + " → " + joined(to, ", ") + "   " + line_text(traffic, texts) + "\n";
  });
  print(file, out);
}

}  // namespace

std::optional<ListedByClass> all_ports_by_class(const std::string& asked, const std::string& output, verify::AllPorts& ports, const verify::Parties& sources,
                                                const verify::Parties& destinations, std::FILE* file) {
  for (const auto* parties : {&sources, &destinations})
    for (const auto& party : *parties)
      for (const auto& end : party.ends)
        if (!end.flows.empty()) return std::nullopt;
  verify::Parties all;
  const auto classes = compiler::classes(ports, sources, destinations, all);
  const Matrix matrix(ports, classes);
  TrafficText texts(ports.sets());
  if (output == "text") print_text(file, asked, classes, matrix, texts);
  else print_json(file, classes, matrix, texts, output == "jsonl");
  return ListedByClass{matrix.word(), matrix.undecided()};
}

}  // namespace netpolc::compiler
