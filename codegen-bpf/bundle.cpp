#include "codegen-bpf/bundle.h"

#include <map>

#include "codegen-bpf/cache.h"
#include "codegen-bpf/manifest.h"
#include "codegen-bpf/programs.h"
#include "ir/text/text.h"

namespace netpolc::codegen_bpf {
namespace {

std::vector<RefusedEndpoint> refused_endpoints(const ir::Decisions& decisions, const EmitOptions& options) {
  std::map<std::uint32_t, std::optional<Unenforceable>> by_table;
  std::vector<RefusedEndpoint> out;
  for (const ir::DecidedEndpoint& endpoint : decisions.endpoints) {
    auto [at, fresh] = by_table.try_emplace(endpoint.table);
    if (fresh) at->second = unenforceable(decisions.tables[endpoint.table], options);
    if (!at->second) continue;
    RefusedEndpoint refused{endpoint.endpoint, endpoint.is_host, *at->second};
    // the table speaks of one of the endpoints that share it; name this one's own rules
    const ir::DecisionTable& table = decisions.tables[endpoint.table];
    if (!table.incomputable) {
      refused.why.rules.clear();
      for (const ir::RuleRef ref : at->second->rules) {
        for (std::size_t i = 0; i < table.ingress.rules.size() && i < endpoint.ingress_rules.size(); ++i)
          if (table.ingress.rules[i] == ref) refused.why.rules.push_back(endpoint.ingress_rules[i]);
        for (std::size_t i = 0; i < table.egress.rules.size() && i < endpoint.egress_rules.size(); ++i)
          if (table.egress.rules[i] == ref) refused.why.rules.push_back(endpoint.egress_rules[i]);
      }
    }
    out.push_back(std::move(refused));
  }
  return out;
}

BundleFiles contents(const BundleInput& input, const std::vector<Program>& programs) {
  BundleFiles files;
  for (const RuntimeFile& file : runtime_files()) files["programs/include/" + std::string(file.name)] = file.text;
  if (input.outside.worth_it()) {
    files["programs/include/" + std::string(outside_source().name)] = outside_source().text;
    files[kOutsideObject] = outside_object();
  }
  if (input.options.emit_ir) files["policies.ir"] = ir::print(input.policies);
  for (const Program& program : programs) {
    const std::string stem = "programs/" + program.digest;
    files[stem + ".o"] = program.object.bytes;
    files[stem + ".c"] = program.emitted.c;
    files[stem + ".map.json"] = source_map(input, program);
    if (input.options.emit_ir) files[stem + ".ir"] = ir::to_string(input.decisions.tables[program.table]);
  }
  return files;
}

}  // namespace

Result<MadeBundle> make_bundle(const ir::Decisions& decisions, const ir::Cluster& cluster, const ir::Identities& identities,
                               const ir::PolicySet& policies, const BundleOptions& options) {
  MadeBundle out;
  out.summary.refused = refused_endpoints(decisions, {.l7_drop = options.l7_drop});
  if (!out.summary.refused.empty()) return out;
  std::optional<ObjectCache> cache;
  if (!options.cache.empty()) {
    auto opened = ObjectCache::open(options.cache);
    if (!opened) return tl::make_unexpected(opened.error());
    cache = std::move(*opened);
  }
  auto programs = compile_programs(decisions, options.jobs, cache ? &*cache : nullptr, options.compiled);
  if (!programs) return tl::make_unexpected(programs.error());
  const Outside outside = denied_from_outside(decisions, cluster, identities, *programs);
  const BundleInput input{decisions, cluster, identities, policies, options, outside};
  out.files = contents(input, *programs);
  std::map<std::string, std::string> digests;
  for (const auto& [path, bytes] : out.files) digests[path] = sha256_hex(bytes);
  Manifest listed = manifest(input, *programs, digests);
  out.files[kManifestPath] = std::move(listed.json);

  out.summary.digest = listed.digest;
  out.summary.programs = programs->size();
  for (const Program& program : *programs) {
    out.summary.endpoints += program.endpoints.size();
    out.summary.instructions += program.object.instructions.total();
  }
  return out;
}

}  // namespace netpolc::codegen_bpf
