// What was proved, as JSON: of `prove -o json`, and in a bundle.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "codegen-bpf/codegen.h"
#include "compiler/commands.h"
#include "compiler/proofs.h"
#include "ir/certificate.h"
#include "verify/bytecode/grounds.h"

namespace netpolc::compiler {
namespace {

namespace bytecode = verify::bytecode;
using Json = nlohmann::ordered_json;

Json parts(const Proof& proof) {
  Json out = Json::array();
  for (const bytecode::Part& part : proof.result.parts) {
    Json one = {{"part", part.name}};
    if (std::holds_alternative<bytecode::Proved>(part.answer)) one["answer"] = "proved";
    if (const auto* no = std::get_if<bytecode::Refuted>(&part.answer)) {
      one["answer"] = "refuted";
      one["what"] = no->what;
      if (no->flow)
        one["flow"] = {{"protocol", no->flow->protocol}, {"number", no->flow->number}, {"identity", no->flow->identity},
                       {"row", no->flow->row_known ? Json(no->flow->row) : Json()}, {"expected", no->flow->expected}, {"got", no->flow->got}};
    }
    if (const auto* unknown = std::get_if<bytecode::Undecided>(&part.answer)) {
      one["answer"] = "undecided";
      one["why"] = unknown->why;
    }
    one["solverSteps"] = part.steps;
    one["instructions"] = part.instructions;
    out.push_back(std::move(one));
  }
  return out;
}

// What it is about, by which it is known whose it is.
Json subject(const Proof& proof) {
  if (proof.outside) return {{"program", proof.program}, {"subject", ir::kOutsideSubject}, {"bytecode", proof.bytecode}, {"denied", proof.denied}};
  return {{"program", proof.program},
          {"subject", proof.of_node ? "node" : "pod"},
          {"bytecode", proof.bytecode},
          {"rows", {{"ingress", proof.ingress_rows}, {"egress", proof.egress_rows}}},
          {"selectors", {{"ingress", proof.ingress_selectors}, {"egress", proof.egress_selectors}}}};
}

std::map<std::string, std::vector<const Proof*>> by_program(const std::vector<Proof>& proofs) {
  std::map<std::string, std::vector<const Proof*>> out;
  for (const Proof& proof : proofs) out[proof.program].push_back(&proof);
  for (auto& [program, own] : out) std::sort(own.begin(), own.end(), [](const Proof* a, const Proof* b) { return a->table < b->table; });
  return out;
}

const bytecode::Grounds& grounds_of(const Proof& proof) { return proof.outside ? bytecode::outside_grounds() : bytecode::grounds(); }

std::string why_not(const Json& certificate, const std::vector<const Proof*>& own) {
  if (certificate.at("kind") != "Certificate") return "is no certificate";
  const Json about = subject(*own.front());
  if (certificate.at("program") != about["program"]) return "is of another program";
  if (certificate.at("subject") != about["subject"]) return "is not of a program of " + std::string(own.front()->outside ? "an " : "a ") + about["subject"].get<std::string>();
  if (certificate.at("bytecode") != about["bytecode"]) return "is of another object";
  if (own.front()->outside) {
    if (certificate.at("denied") != about["denied"]) return "is of others that are denied from outside";
  } else {
    if (certificate.at("rows") != about["rows"]) return "is of other rows of peers";
    if (certificate.at("selectors") != about["selectors"]) return "is of other selectors of peers";
  }
  std::set<std::string> tables, own_tables;
  for (const Proof* proof : own) own_tables.insert(proof->table);
  if (certificate.at("proofs").empty()) return "has no proof";
  for (const Json& proof : certificate.at("proofs")) {
    tables.insert(own.front()->outside ? "" : proof.at("table").get<std::string>());
    std::set<std::string> missing;
    for (const bytecode::Part& part : own.front()->result.parts) missing.insert(part.name);
    for (const Json& part : proof.at("parts")) {
      const std::string name = part.at("part");
      if (part.at("answer") != "proved") return "says that " + name + " is not proved";
      missing.erase(name);
    }
    if (!missing.empty()) return "does not speak of " + *missing.begin();
  }
  return tables == own_tables ? "" : "is of other decision tables";
}

}  // namespace

Json to_json(const Proof& proof) {
  Json out = subject(proof);
  if (!proof.outside) out["table"] = proof.table;
  out["answer"] = word(proof);
  out["endpoints"] = proof.endpoints;
  out["parts"] = parts(proof);
  out["assumed"] = grounds_of(proof).assumed;
  return out;
}

std::map<std::string, std::string> certificates(const std::vector<Proof>& proofs, const ProofOptions& options) {
  std::map<std::string, std::string> out;
  for (const auto& [program, own] : by_program(proofs)) {
    Json one = {{"apiVersion", "netpolc.dev/v1"}, {"kind", "Certificate"}};
    one.update(subject(*own.front()));
    one["proofs"] = Json::array();
    for (const Proof* proof : own) {
      Json& added = one["proofs"].emplace_back(Json::object());
      if (!proof->outside) added["table"] = proof->table;
      added["parts"] = parts(*proof);
    }
    const bytecode::Grounds& grounds = grounds_of(*own.front());
    one["assumed"] = grounds.assumed;
    one["trusted"] = grounds.trusted;
    one["notCovered"] = grounds.not_covered;
    one["by"] = {{"netpolc", version()}, {"z3", bytecode::solver_version()}, {"stepsAtMost", options.steps}};
    out[program] = one.dump(1) + "\n";
  }
  return out;
}

std::vector<CertificateCheck> check_certificates(const Json& bundle, const ReadFile& read, const std::vector<Proof>& proofs) {
  const auto known = by_program(proofs);
  std::vector<CertificateCheck> out;
  const auto look_for = [&](const Json& program, const std::string& name) {
    if (const auto path = program.find("certificate"); path != program.end()) out.push_back({name, path->is_string() ? path->get<std::string>() : "", ""});
  };
  for (const Json& program : bundle.at("programs")) look_for(program, program.at("digest"));
  if (bundle.contains("xdp")) look_for(bundle["xdp"], ir::kOutsideProgram);
  for (CertificateCheck& check : out) {
    const auto text = read(check.path);
    if (!text) {
      check.why = "can't be read: " + text.error().message;
      continue;
    }
    try {
      const Json& sums = bundle.at("files");
      check.why = !sums.contains(check.path) || sums[check.path] != codegen_bpf::sha256_hex(*text) ? "was changed since it was written: bundle.json has another SHA-256"
                                                                                                  : why_not(Json::parse(*text), known.at(check.program));
    } catch (const nlohmann::json::exception&) {
      check.why = "is not as netpolc writes it";
    }
  }
  return out;
}

}  // namespace netpolc::compiler
