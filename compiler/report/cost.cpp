#include "compiler/report/cost.h"

#include <algorithm>
#include <map>
#include <set>

#include "codegen-bpf/cache.h"
#include "codegen-bpf/programs.h"
#include "codegen-bpf/room.h"
#include "compiler/lint/policy_maps.h"

namespace netpolc::compiler {
namespace {

using codegen_bpf::Program;
using codegen_bpf::Subject;

// Of each endpoint of the cluster that policy governs; endpoints under the same policies need the same.
std::map<std::uint32_t, std::size_t> policy_maps(const Session& session) {
  lint::Places places(session.sources);
  const lint::Facts facts(session.loaded.policies, session.loaded.cluster, session.resolutions, places);
  const lint::PolicyMaps maps(facts);
  std::map<std::vector<std::uint32_t>, std::size_t> known;
  std::map<std::uint32_t, std::size_t> out;
  facts.managed().each([&](std::size_t position) {
    std::vector<std::uint32_t> policies;
    for (std::uint32_t p = 0; p < facts.policies().size(); ++p)
      if (facts.subjects(p).test(position)) policies.push_back(p);
    const auto [found, fresh] = known.try_emplace(std::move(policies), 0);
    std::vector<std::pair<std::size_t, ir::RuleRef>> added;
    if (fresh) found->second = maps.entries(position, added);
    for (const std::uint32_t endpoint : facts.endpoints_at(position)) out[endpoint] = found->second;
  });
  return out;
}

ReportCost::Side side(const ir::DirectionTable& table) {
  ReportCost::Side out;
  out.rules = table.rules.size();
  for (const ir::L4Class& one : table.classes) out.lines += one.entries.size();
  out.peers = codegen_bpf::peer_rows(table).size();
  out.turns = codegen_bpf::room(table).turns;
  return out;
}

class Maker {
 public:
  Maker(const Session& session, const CostOptions& options)
      : session_(session),
        options_(options),
        identities_(ir::Identities::build(session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock)),
        decisions_(ir::decide(session.loaded.policies, session.loaded.cluster, session.resolutions, identities_)) {}

  Result<ReportCost> make() {
    maps_ = policy_maps(session_);
    out_.policy_map_max = session_.loaded.cluster.config.policy_map_max;
    set_apart();
    if (!compiles()) add_by_table();
    else if (const auto added = add_programs(); !added) return tl::make_unexpected(added.error());
    std::stable_sort(out_.policies.begin(), out_.policies.end(), [](const auto& a, const auto& b) { return a.endpoints < b.endpoints; });
    return std::move(out_);
  }

 private:
  using Key = std::pair<std::uint32_t, bool>;  // table, whether of a node
  static Key key(const ir::DecidedEndpoint& one) { return {one.table, one.is_host}; }

  // Those that no program can be made for stay out of `decisions_`.
  void set_apart() {
    std::map<Key, std::vector<std::uint32_t>> refused;
    std::map<std::uint32_t, std::string> reasons;
    for (std::uint32_t i = 0; i < decisions_.endpoints.size(); ++i) {
      const ir::DecidedEndpoint& one = decisions_.endpoints[i];
      const auto [reason, fresh] = reasons.try_emplace(one.table);
      if (fresh)
        if (const auto why = codegen_bpf::unenforceable(decisions_.tables[one.table], {.l7_drop = true})) reason->second = why->reason;
      if (reason->second.empty()) distinct_.insert(key(one));
      else refused[key(one)].push_back(i);
    }
    for (const auto& [of, endpoints] : refused) add(of.first, of.second, endpoints).note = "no program: " + reasons[of.first];
    std::erase_if(decisions_.endpoints, [&](const ir::DecidedEndpoint& one) { return !reasons[one.table].empty(); });
  }

  bool compiles() const { return options_.programs == CostOptions::Programs::All || (options_.programs == CostOptions::Programs::Auto && distinct_.size() <= options_.most); }

  void add_by_table() {
    std::map<Key, std::vector<std::uint32_t>> all;
    for (std::uint32_t i = 0; i < decisions_.endpoints.size(); ++i) all[key(decisions_.endpoints[i])].push_back(i);
    for (const auto& [of, endpoints] : all) add(of.first, of.second, endpoints);
    out_.not_compiled = all.size();
  }

  Result<void> add_programs() {
    std::optional<codegen_bpf::ObjectCache> cache;
    if (!options_.cache.empty()) {
      auto opened = codegen_bpf::ObjectCache::open(options_.cache);
      if (!opened) return tl::make_unexpected(opened.error());
      cache = std::move(*opened);
    }
    const auto programs = codegen_bpf::compile_programs(decisions_, 0, cache ? &*cache : nullptr);
    if (!programs) return tl::make_unexpected(programs.error());
    for (const Program& program : *programs) {
      auto& added = add(program.table, program.subject == Subject::Node, program.endpoints);
      added.instructions = program.object.instructions.total();
      if (codegen_bpf::unenforceable(decisions_.tables[program.table], {})) added.note = "as with --l7=drop: L7 rules are not enforced yet";
    }
    return {};
  }

  ReportCost::Policy& add(std::uint32_t table, bool node, const std::vector<std::uint32_t>& endpoints) {
    auto& out = out_.policies.emplace_back();
    out.node = node;
    out.ingress = side(decisions_.tables[table].ingress);
    out.egress = side(decisions_.tables[table].egress);
    std::set<std::string> names;
    for (const std::uint32_t i : endpoints) {
      const std::uint32_t index = decisions_.endpoints[i].endpoint;
      const auto& cluster = session_.loaded.cluster;
      names.insert(node ? cluster.nodes[index].name : cluster.endpoints[index].ns + "/" + cluster.endpoints[index].name);
      if (const auto found = maps_.find(index); !node && found != maps_.end()) out.policy_map = std::max(out.policy_map.value_or(0), found->second);
    }
    out.endpoints.assign(names.begin(), names.end());
    return out;
  }

  const Session& session_;
  const CostOptions& options_;
  const ir::Identities identities_;
  ir::Decisions decisions_;
  std::map<std::uint32_t, std::size_t> maps_;
  std::set<Key> distinct_;
  ReportCost out_;
};

}  // namespace

Result<ReportCost> make_cost(const Session& session, const CostOptions& options) { return Maker(session, options).make(); }

}  // namespace netpolc::compiler
