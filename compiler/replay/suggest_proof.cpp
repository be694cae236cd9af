// What suggested policies change, by comparing what passes with and without them.
#include <algorithm>

#include "compiler/replay/report.h"
#include "compiler/replay/suggest.h"
#include "compiler/traffic_text.h"
#include "verify/diff/diff.h"

namespace netpolc::compiler::replay {
namespace {

using Kind = RecordedEnd::Kind;

// A pod whose workload no manifest has, and its replicas.
std::set<std::string> replicas(const RecordedEnd& end, const std::vector<ir::Endpoint>& endpoints) {
  std::set<std::string> out{reference(end)};
  const auto is_it = [&](const ir::Endpoint& one) { return one.kind == "Pod" && one.ns == end.ns && one.name == end.name; };
  const auto pod = std::find_if(endpoints.begin(), endpoints.end(), is_it);
  if (!end.in_manifests || pod == endpoints.end()) return out;
  for (const ir::Endpoint& one : endpoints)
    if (one.kind == "Pod" && one.ns == pod->ns && one.labels == pod->labels && one.named_ports == pod->named_ports) out.insert(one.ns + "/" + one.name);
  return out;
}

// What a recorded end is called in a comparison. Several: replicas, and addresses that one rule is about.
std::set<std::string> names_of(const RecordedEnd& end, const Session& now) {
  const ir::Resolutions& resolutions = now.resolutions;
  if (end.kind == Kind::Pod) return replicas(end, now.loaded.cluster.endpoints);
  if (end.kind != Kind::Outside) return {reference(end)};
  std::set<std::string> out;
  if (end.api_server) out.insert("entity:kube-apiserver");
  for (const IpAddress& address : end.addresses) out.insert("ip:" + address.to_string());
  for (const std::string& name : end.names) {
    out.insert("fqdn:" + name);
    const auto found = resolutions.find(name);
    if (found == resolutions.end()) continue;
    for (const IpAddress& address : found->second) out.insert("ip:" + address.to_string());
  }
  return out;
}

std::string shown(const std::string& name) { return name.starts_with("entity:") ? name.substr(7) : name; }

class Checker {
 public:
  Checker(const Suggestions& suggestions, const Recording& recording, const Session& now, verify::Diff& diff) : diff_(diff), recording_(recording) {
    for (const std::uint32_t number : suggestions.opened) {
      const Connection& connection = recording.connections()[number];
      auto& one = wanted_.emplace_back();
      one.connection = number;
      for (const std::string& from : names_of(recording.ends()[connection.from], now))
        for (const std::string& to : names_of(recording.ends()[connection.to], now)) {
          one.pairs.insert({from, to});
          flows_[{from, to}].push_back(connection.flow);
        }
    }
  }

  SuggestionProof check() {
    SuggestionProof out;
    out.pairs = diff_.pairs;
    TrafficText texts(diff_.sets);
    for (const auto& change : diff_.traffic)
      for (const auto from : change.from)
        for (const auto to : change.to) pair(out, change, diff_.ends[from].name, diff_.ends[to].name, texts);
    for (const auto& one : diff_.enforcement) out.more.push_back(shown(diff_.ends[one.end].name) + (one.after == ir::Enforcement::DefaultDeny ? " enters" : " leaves") + " default deny");
    for (const auto& one : diff_.requests) {
      std::string said = "requests that a proxy lets through for " + shown(diff_.ends[one.end].name) + ": its rules are others";
      if (out.more.empty() || out.more.back() != said) out.more.push_back(std::move(said));
    }
    for (const auto& one : diff_.undecided) out.more.push_back(shown(diff_.ends[one.end].name) + ": its policy cannot be computed");
    for (const auto& one : wanted_) {
      const Connection& connection = recording_.connections()[one.connection];
      if (!one.found) out.missing.push_back(to_string(recording_.ends()[connection.from]) + " → " + to_string(recording_.ends()[connection.to]) + "   " + to_words(connection.flow));
    }
    return out;
  }

 private:
  struct Connected {
    std::uint32_t connection = 0;
    std::set<std::pair<std::string, std::string>> pairs;
    bool found = false;
  };

  bool covers(verify::AccessId set, ir::Flow flow) const {
    const auto& spans = diff_.sets[set];
    return std::any_of(spans.begin(), spans.end(), [&](const verify::PortSpan& span) { return span.protocol == flow.protocol && span.first <= flow.number && flow.number <= span.last; });
  }

  verify::AccessId expected(const std::pair<std::string, std::string>& ends) {
    auto flows = flows_[ends];
    std::sort(flows.begin(), flows.end());
    flows.erase(std::unique(flows.begin(), flows.end()), flows.end());
    verify::Access spans;
    for (const ir::Flow& flow : flows) spans.push_back({flow.protocol, flow.number, flow.number, verify::unmarked});
    return diff_.sets.intern(spans);
  }

  void pair(SuggestionProof& out, const verify::TrafficChange& change, const std::string& from, const std::string& to, TrafficText& texts) {
    for (Connected& one : wanted_)
      if (one.pairs.count({from, to}) != 0 && covers(change.opened, recording_.connections()[one.connection].flow)) one.found = true;
    const verify::AccessId rest = diff_.sets.without(change.opened, expected({from, to}));
    const std::string who = shown(from) + " → " + shown(to) + "   ";
    if (change.kind == verify::ChangeKind::OtherWay) out.more.push_back(who + "goes another way: a proxy, or authentication, came or went");
    else if (rest != verify::nothing) out.more.push_back(who + "opens " + texts.text(rest));
    if (change.closed != verify::nothing && change.kind != verify::ChangeKind::OtherWay) out.more.push_back(who + "closes " + texts.text(change.closed));
  }

  verify::Diff& diff_;
  const Recording& recording_;
  std::vector<Connected> wanted_;
  std::map<std::pair<std::string, std::string>, std::vector<ir::Flow>> flows_;
};

}  // namespace

SuggestionProof prove(const Suggestions& suggestions, const std::string& yaml, const Recording& recording, Session& now, const InputOptions& options) {
  SuggestionProof out;
  if (yaml.empty()) return out;
  std::vector<FileId> files;
  const frontend::GivenConfig& given = now.loaded.given;
  for (std::uint32_t i = 0; i < now.sources.size(); ++i)
    if (std::find(given.files.begin(), given.files.end(), FileId{i}) == given.files.end()) files.push_back(FileId{i});
  const FileId own = now.sources.add("<suggested>", yaml);
  files.push_back(own);
  DiagSink sink;
  const int version = std::stoi(options.cilium_version.substr(2));
  const frontend::Loaded with = frontend::load(files, {.lax = options.lax, .keep_going = options.keep_going, .cilium_version = version, .given = given}, now.sources, sink);
  for (const Diagnostic& one : sink.all())
    if (one.where && one.where->file == own) out.faults.push_back(render(one, now.sources));
  if (!with.usable || !out.faults.empty()) return out;
  const auto& loaded = now.loaded;
  verify::Diff diff = verify::diff({loaded.policies, loaded.cluster, now.resolutions, now.lock}, {with.policies, loaded.cluster, now.resolutions, now.lock});
  out = Checker(suggestions, recording, now, diff).check();
  if (chooses_otherwise(now)) out.more.push_back("perhaps which of several proxies is asked: there Cilium 1.16 chooses otherwise than was compared");
  return out;
}

}  // namespace netpolc::compiler::replay
