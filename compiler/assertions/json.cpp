#include <nlohmann/json.hpp>

#include "compiler/assertions/report.h"

namespace netpolc::compiler::assertions {
namespace {

using Json = nlohmann::ordered_json;

Json place(Span where, const SourceManager& sources) {
  const LineColumn at = sources.locate(where.file, where.begin);
  return {{"file", sources.path(where.file)}, {"line", at.line}, {"column", at.column}};
}

Json to_json(const Detail& detail, const SourceManager& sources) {
  Json out = {{"text", detail.text}};
  if (detail.where) out.update(place(*detail.where, sources));
  return out;
}

Json to_json(const ir::Policy& policy) { return {{"kind", ir::to_string(policy.kind)}, {"namespace", policy.ns}, {"name", policy.name}}; }

Json to_json(const Done& done, bool built_in, const Names& names) {
  Json out = {{"name", done.test.name}, {"status", to_string(done.outcome.status)}, {"fails", done.fails()}};
  if (!done.test.pack.empty()) out["pack"] = done.test.pack;
  if (!built_in) out.update(place(done.test.where, names.sources));
  if (done.test.pack.empty() || !done.test.to.empty()) {
    out["expect"] = to_string(done.test.expect);
    out["from"] = Json::array();
    for (const Reference& from : done.test.from) out["from"].push_back(from.text);
    out["to"] = Json::array();
    for (const Target& to : done.test.to) out["to"].push_back(to.end.text);
  }
  if (done.test.only != Only::No) out["only"] = true;
  if (!done.outcome.scope.empty()) out["scope"] = done.outcome.scope;
  out["details"] = Json::array();
  for (const Detail& detail : done.outcome.details) out["details"].push_back(to_json(detail, names.sources));
  out["policies"] = Json::array();
  for (const std::uint32_t policy : done.outcome.policies) out["policies"].push_back(to_json(names.policies.policies[policy]));
  return out;
}

}  // namespace

std::string to_json(const Report& report, const Names& names) {
  Json out = {{"apiVersion", "netpolc.dev/v1"}, {"kind", "TestResult"}, {"exitCode", report.exit_code()}, {"counts", Json::object()}, {"groups", Json::array()}};
  for (const Status status : {Status::Passed, Status::Failed, Status::Vacuous, Status::Undecided}) out["counts"][to_string(status)] = report.count(status);
  for (const Group& group : report.groups) {
    Json one = {{"path", group.path}, {"builtIn", group.built_in}, {"tests", Json::array()}};
    for (const Done& done : group.tests) one["tests"].push_back(to_json(done, group.built_in, names));
    if (!group.notes.empty()) one["notes"] = group.notes;
    out["groups"].push_back(std::move(one));
  }
  if (report.coverage) {
    out["coverage"] = {{"policies", report.coverage->all}, {"covered", report.coverage->covered()}, {"notCovered", Json::array()}};
    for (const std::uint32_t policy : report.coverage->not_covered) {
      Json one = to_json(names.policies.policies[policy]);
      one.update(place(names.policies.policies[policy].where, names.sources));
      out["coverage"]["notCovered"].push_back(std::move(one));
    }
  }
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace netpolc::compiler::assertions
