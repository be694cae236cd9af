#include "runtime-loader/status.h"

#include <algorithm>
#include <set>

#include "runtime-loader/kept_bundle.h"
#include "runtime-loader/netns.h"
#include "runtime-loader/node_plan.h"

namespace netpolc::loader {
namespace {

std::string problem_of(const Attachment& it, const InForce& programs) {
  if (programs.both()) return "";
  const auto now = find_interface(it.netns, it.ifname);
  if (!now) return "the interface is gone";
  if (now->index != it.ifindex || now->netns != it.netns_inode)
    return "the interface was made anew: load again to attach to it";
  return "a program was detached by somebody else: load again";
}

Result<ProgramStatus> counters(const Installation& site, const Bundle& bundle, std::size_t index) {
  const BundleProgram& program = bundle.programs[index];
  const std::size_t in = program.ingress.rule_texts.size(), out = program.egress.rule_texts.size();
  ProgramStatus status{index, std::vector<np_counter>(in + 1), std::vector<np_counter>(out + 1)};
  const Fd map = open_pinned(site.rules_path(program.digest));
  if (!map) return status;  // not on this node
  const auto all = read_counters(map.get());
  if (!all) return tl::make_unexpected(all.error());
  if (all->size() != in + out + 2)
    return refused("the counters of program " + program.digest + " have " + std::to_string(all->size()) + " slots");
  // Slots as in ir/map_layout.h: rules of both directions, then what no rule decided.
  std::copy_n(all->begin(), in, status.ingress.begin());
  std::copy_n(all->begin() + static_cast<std::ptrdiff_t>(in), out, status.egress.begin());
  status.ingress.back() = (*all)[in + out];
  status.egress.back() = (*all)[in + out + 1];
  return status;
}

Done add_counters(const Installation& site, Status& status) {
  std::set<std::size_t> used;
  for (const Attachment& it : with_program(status.state.attachments))
    used.insert(status.bundle.endpoints.at(it.bundle_endpoint).program);
  for (const std::size_t program : used) {
    auto own = counters(site, status.bundle, program);
    if (!own) return tl::make_unexpected(own.error());
    status.programs.push_back(std::move(*own));
  }
  const Fd drops = open_pinned(site.map_path(NP_MAP_DROPS));
  if (!drops) return refused("the map of drop counters is not where it was pinned");
  auto all = read_counters(drops.get());
  if (!all) return tl::make_unexpected(all.error());
  status.drops = std::move(*all);
  const Fd addresses4 = open_pinned(site.generation_map_path(status.state.number, NP_MAP_ADDRESSES4)), addresses6 = open_pinned(site.generation_map_path(status.state.number, NP_MAP_ADDRESSES6));
  const Fd ipcache4 = open_pinned(site.generation_map_path(status.state.number, NP_MAP_IPCACHE4)), ipcache6 = open_pinned(site.generation_map_path(status.state.number, NP_MAP_IPCACHE6));
  const auto known = read_addresses({addresses4.get(), addresses6.get(), ipcache4.get(), ipcache6.get()});
  if (!known) return tl::make_unexpected(known.error());
  status.addresses = known->size();
  const Fd flows4 = open_pinned(site.map_path(NP_MAP_FLOWS4)), flows6 = open_pinned(site.map_path(NP_MAP_FLOWS6));
  const auto flows = count_flows(flows4.get(), flows6.get());
  if (!flows) return tl::make_unexpected(flows.error());
  status.flows = *flows;
  const Fd stats_map = open_pinned(site.map_path(NP_MAP_STATS));
  auto stats = read_stats(stats_map.get());
  if (!stats) return tl::make_unexpected(stats.error());
  status.stats = std::move(*stats);
  return {};
}

}  // namespace

bool Status::good() const {
  return installed && !unfinished && std::all_of(attachments.begin(), attachments.end(),
                                  [](const AttachmentStatus& it) { return it.problem.empty(); });
}

Result<Status> status(const std::string& root, const std::string& state) {
  Status out;
  out.root = root;
  const auto site = Installation::find(root, state);
  if (!site) return out;
  out.root = site->root();
  auto known = read_state(*site);
  if (!known) return tl::make_unexpected(known.error());
  out.unfinished = known->current && known->state.unfinished;
  if (!known->current || known->state.bundle.empty()) return out;
  out.state = std::move(known->state);
  auto bundle = kept_manifest(*site, out.state.bundle);
  if (!bundle) return tl::make_unexpected(bundle.error());
  out.bundle = std::move(*bundle);
  for (const Attachment& it : out.state.attachments) {
    if (it.bundle_endpoint != kNoEndpoint && it.bundle_endpoint >= out.bundle.endpoints.size()) return refused("the state is of another bundle; load again");
    if (!it.wants_program()) continue;
    AttachmentStatus& added = out.attachments.emplace_back(AttachmentStatus{it, in_force(*site, it), ""});
    added.problem = problem_of(it, added.programs);
  }
  out.external = devices_in_force(*site);
  if (const Done done = add_counters(*site, out); !done) return tl::make_unexpected(done.error());
  out.installed = true;
  return out;
}

}  // namespace netpolc::loader
