#include "codegen-bpf/programs.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>

#include "codegen-bpf/cache.h"

namespace netpolc::codegen_bpf {
namespace {

std::vector<Program> distinct_programs(const ir::Decisions& decisions) {
  std::map<std::pair<std::uint32_t, Subject>, std::string> digest_of_table;
  std::map<std::string, Program> by_digest;
  for (std::uint32_t i = 0; i < decisions.endpoints.size(); ++i) {
    const ir::DecidedEndpoint& endpoint = decisions.endpoints[i];
    const Subject subject = endpoint.is_host ? Subject::Node : Subject::Pod;
    auto known = digest_of_table.find({endpoint.table, subject});
    if (known == digest_of_table.end()) {
      Emitted emitted = emit(decisions.tables[endpoint.table], subject);
      known = digest_of_table.emplace(std::pair(endpoint.table, subject), digest(emitted)).first;
      by_digest.try_emplace(known->second, Program{known->second, endpoint.table, subject, std::move(emitted), {}, {}});
    }
    by_digest.at(known->second).endpoints.push_back(i);
  }
  std::vector<Program> out;
  for (auto& [name, program] : by_digest) out.push_back(std::move(program));
  return out;
}

Result<Object> from_cache_or_compiled(const Emitted& emitted, const ObjectCache* cache) {
  if (!cache) return compile(emitted);
  if (auto known = cache->find(emitted)) return std::move(*known);
  auto object = compile(emitted);
  if (object) cache->keep(emitted, *object);
  return object;
}

}  // namespace

Result<std::vector<Program>> compile_programs(const ir::Decisions& decisions, unsigned jobs, const ObjectCache* cache,
                                              const std::function<void(std::size_t, std::size_t)>& compiled) {
  std::vector<Program> programs = distinct_programs(decisions);
  std::vector<std::optional<Failure>> failures(programs.size());
  std::atomic<std::size_t> next = 0, done = 0;
  const auto work = [&] {
    for (std::size_t i; (i = next++) < programs.size();) {
      auto object = from_cache_or_compiled(programs[i].emitted, cache);
      if (object) programs[i].object = std::move(*object);
      else failures[i] = object.error();
      if (compiled) compiled(++done, programs.size());
    }
  };
  if (jobs == 0) jobs = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < std::min<std::size_t>(jobs, programs.size()); ++i) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
  for (auto& failure : failures)
    if (failure) return tl::make_unexpected(std::move(*failure));
  return programs;
}

}  // namespace netpolc::codegen_bpf
