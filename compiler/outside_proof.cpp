#include "compiler/outside_proof.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "codegen-bpf/codegen.h"
#include "ir/certificate.h"
#include "verify/bytecode/prove_outside.h"

namespace netpolc::compiler {
namespace {

namespace bytecode = verify::bytecode;
using Json = nlohmann::ordered_json;

// The program says nothing of a policy, so that it need not be proved again with each bundle.
bytecode::Part judge_object(const std::string& bytes) {
  bytecode::Part out{"shared functions", bytecode::Proved{}};
  if (bytes != codegen_bpf::outside_object()) out.answer = bytecode::Undecided{"shared functions: " + std::string(codegen_bpf::kOutsideObject) + " is not the runtime's"};
  return out;
}

bytecode::Part prove_object(const std::string& bytes, const ProofOptions& options) {
  const auto object = bytecode::read_object(bytes);
  if (!object) return {"object", bytecode::Undecided{object.error().message}};
  return bytecode::prove_outside(*object, {.steps = options.steps});
}

// Groups by the digest of their program, as the tables say; what the bundle says must be that.
bytecode::Part judge_denied(const Json& bundle, const std::vector<OutsideClaim>& claims, const codegen_bpf::Outside& cluster, const std::vector<std::uint32_t>& outside,
                            std::map<std::string, ir::DeniedOutside>& by_program) {
  bytecode::Part out{"denied", bytecode::Proved{}};
  std::map<std::string, Json> said;
  for (const Json& program : bundle.at("programs")) said[program.at("digest").get<std::string>()] = program.contains("outside") ? program["outside"] : Json::array();
  for (const OutsideClaim& claim : claims) {
    ir::DeniedOutside denied = claim.table != nullptr ? ir::denied_outside(*claim.table, outside) : ir::DeniedOutside();
    if (said.at(claim.program) != codegen_bpf::to_json(denied))
      out.answer = bytecode::Refuted{"from outside: the bundle says of program " + claim.program + " that it denies other than its table", std::nullopt};
    if (!denied.empty()) by_program[claim.program] = std::move(denied);
  }
  const Json wanted = codegen_bpf::xdp_json(cluster);
  for (const char* field : {"services", "behindServices"})
    if (bundle.at("xdp").at(field) != wanted.at(field)) out.answer = bytecode::Refuted{std::string("from outside: the bundle has other `") + field + "` than the cluster", std::nullopt};
  return out;
}

std::string certified_text(std::map<std::string, ir::DeniedOutside> by_program, const codegen_bpf::Outside& cluster) {
  ir::CertifiedOutside out{std::move(by_program), cluster.services, {}};
  for (const IpAddress& address : cluster.behind_services) out.behind_services.emplace(reinterpret_cast<const char*>(address.bytes.data()), address.v6 ? 16 : 4);
  return ir::certified_text(out);
}

}  // namespace

Result<Proof> prove_outside(const Json& bundle, const ReadFile& read, const std::vector<OutsideClaim>& claims, const codegen_bpf::Outside& cluster,
                            const std::vector<std::uint32_t>& outside, const ProofOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto bytes = read(bundle.at("xdp").at("object").get<std::string>());
  if (!bytes) return tl::make_unexpected(bytes.error());
  Proof out;
  out.program = ir::kOutsideProgram;
  out.outside = true;
  out.endpoints = {"external devices"};
  out.bytecode = codegen_bpf::sha256_hex(*bytes);
  out.result.parts.push_back(judge_object(*bytes));
  std::map<std::string, ir::DeniedOutside> by_program;
  out.result.parts.push_back(judge_denied(bundle, claims, cluster, outside, by_program));
  if (options.whole_runtime) out.result.parts.push_back(prove_object(*bytes, options));
  out.denied = codegen_bpf::sha256_hex(certified_text(std::move(by_program), cluster));
  out.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return out;
}

}  // namespace netpolc::compiler
