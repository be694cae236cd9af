#include "codegen-bpf/bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "codegen-bpf/cache.h"
#include "codegen-bpf/manifest.h"
#include "codegen-bpf/programs.h"
#include "ir/text/text.h"

namespace netpolc::codegen_bpf {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Failure> failed(const std::string& what, const fs::path& path, const std::string& why) {
  return tl::make_unexpected(Failure{what + " " + path.string() + ": " + why});
}

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

std::map<std::string, std::string> contents(const BundleInput& input, const std::vector<Program>& programs) {
  std::map<std::string, std::string> files;
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

Result<void> write_file(const fs::path& path, const std::string& bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return failed("making", path.parent_path(), error.message());
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) return failed("writing", path, std::strerror(errno));
  return {};
}

// Only a bundle, or an empty directory, is ours to replace.
Result<void> check_replaceable(const fs::path& target) {
  std::error_code error;
  if (!fs::exists(target, error)) return {};
  if (!fs::is_directory(target, error)) return failed("writing the bundle", target, "it is no directory");
  if (fs::exists(target / "bundle.json", error) || fs::is_empty(target, error)) return {};
  return failed("writing the bundle", target, "the directory is neither empty nor a bundle");
}

Result<void> put_in_place(const fs::path& temporary, const fs::path& target) {
  std::error_code error;
  if (!fs::exists(target, error)) {
    fs::rename(temporary, target, error);
    if (error) return failed("renaming to", target, error.message());
    return {};
  }
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return {};
  // a file system that can't exchange: a moment without a bundle
  fs::remove_all(target, error);
  fs::rename(temporary, target, error);
  if (error) return failed("renaming to", target, error.message());
  return {};
}

Result<void> write_all(const fs::path& temporary, const fs::path& target, const std::map<std::string, std::string>& files) {
  for (const auto& [path, bytes] : files)
    if (auto written = write_file(temporary / path, bytes); !written) return written;
  return put_in_place(temporary, target);
}

}  // namespace

Result<BundleSummary> write_bundle(const std::string& directory, const ir::Decisions& decisions, const ir::Cluster& cluster,
                                   const ir::Identities& identities, const ir::PolicySet& policies, const BundleOptions& options) {
  BundleSummary summary;
  summary.refused = refused_endpoints(decisions, {.l7_drop = options.l7_drop});
  if (!summary.refused.empty()) return summary;
  std::string trimmed = directory;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  const fs::path target = trimmed, temporary = trimmed + ".writing-" + std::to_string(::getpid());
  if (auto replaceable = check_replaceable(target); !replaceable) return tl::make_unexpected(replaceable.error());

  std::optional<ObjectCache> cache;
  if (!options.cache.empty()) {
    auto opened = ObjectCache::open(options.cache);
    if (!opened) return tl::make_unexpected(opened.error());
    cache = std::move(*opened);
  }
  auto programs = compile_programs(decisions, options.jobs, cache ? &*cache : nullptr);
  if (!programs) return tl::make_unexpected(programs.error());
  const Outside outside = denied_from_outside(decisions, cluster, identities, *programs);
  const BundleInput input{decisions, cluster, identities, policies, options, outside};
  std::map<std::string, std::string> files = contents(input, *programs), digests;
  for (const auto& [path, bytes] : files) digests[path] = sha256_hex(bytes);
  Manifest listed = manifest(input, *programs, digests);
  files["bundle.json"] = std::move(listed.json);

  const auto written = write_all(temporary, target, files);
  std::error_code ignored;
  fs::remove_all(temporary, ignored);  // the former bundle, or what was written of a failed one
  if (!written) return tl::make_unexpected(written.error());

  summary.digest = listed.digest;
  summary.programs = programs->size();
  for (const Program& program : *programs) {
    summary.endpoints += program.endpoints.size();
    summary.instructions += program.object.instructions.total();
  }
  return summary;
}

}  // namespace netpolc::codegen_bpf
