#include "runtime-loader/running.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <tuple>

#include "runtime-loader/grace.h"
#include "runtime-loader/kept_bundle.h"
#include "runtime-loader/node_plan.h"
#include "runtime-loader/object.h"
#include "runtime-loader/own_programs.h"
#include "runtime-loader/recover.h"

namespace netpolc::loader {
namespace {

constexpr std::array kOfGeneration = {NP_MAP_ADDRESSES4, NP_MAP_ADDRESSES6, NP_MAP_NEAR4, NP_MAP_IPCACHE4, NP_MAP_IPCACHE6, NP_MAP_ROWS, NP_MAP_CONFIG, NP_MAP_INTERFACES};

using Meaning = std::vector<std::uint64_t>;  // bits in both directions of all programs, one after the other

// Rows for identities that have none yet, found among those with the same meaning or free ones.
class RowPlan {
 public:
  // `host_changed`: the own node has other bits than its row. Until nobody reads that row any more it is nobody else's.
  RowPlan(const Running& running, const AddressPlan& former, const AddressPlan& next, const PeerRows& known, std::uint32_t capacity,
          std::uint32_t host_row, bool host_changed)
      : running_(running) {
    const LearnedIdentities before = former.used(), after = next.used();
    taken_.resize(capacity);
    if (host_row < taken_.size()) taken_[host_row] = true;
    for (const auto& [identity, row] : known.by_identity()) {
      if (identity == kHostIdentity && host_changed) {
        if (row < taken_.size()) taken_[row] = true;
        continue;
      }
      const bool compiled = running.bundle.identities.contains(identity);
      if (!compiled && !after.contains(identity)) gone_.push_back(identity);
      if (compiled || before.contains(identity)) {
        keep_or_move(identity, row);
      } else if (row < taken_.size()) {
        taken_[row] = true;  // of a loader that was killed: who had the number then may be somebody else now
      }
    }
  }

  Done place(std::uint32_t identity) {
    if (rows_.by_identity().contains(identity)) return {};
    Meaning own = meaning(identity);
    if (std::none_of(own.begin(), own.end(), [](std::uint64_t word) { return word != 0; })) return {};
    auto found = by_meaning_.find(own);
    if (found == by_meaning_.end()) {
      std::uint32_t row = 1;
      while (row < taken_.size() && taken_[row]) ++row;
      if (row >= taken_.size())
        return refused("the tables have room for " + std::to_string(taken_.size()) + " kinds of peers, and all are in use; load the bundle again");
      fresh_.emplace(row, identity);
      found = take(row, std::move(own));
    }
    rows_.set(identity, found->second);
    added_.set(identity, found->second);
    return {};
  }
  // Who had a row and is nobody in particular any more is in the first.
  Done place_host() {
    if (const Done done = place(kHostIdentity); !done) return done;
    const std::uint32_t row = rows_.row(kHostIdentity);
    rows_.set(kHostIdentity, row);
    added_.set(kHostIdentity, row);
    return {};
  }

  // Who shared a row with others, and is somebody else to a program that joined.
  Done place_moved() {
    for (const std::uint32_t identity : moved_)
      if (const Done done = place(identity); !done) return done;
    for (const std::uint32_t identity : moved_) added_.set(identity, rows_.row(identity));
    return {};
  }

  const PeerRows& rows() const { return rows_; }
  // Every row that somebody has, with one of those who do.
  const std::map<std::uint32_t, std::uint32_t>& owners() const { return owners_; }
  const PeerRows& added() const { return added_; }                                  // identities that had no row
  const std::map<std::uint32_t, std::uint32_t>& fresh() const { return fresh_; }     // new row → an identity with its bits
  const std::vector<std::uint32_t>& gone() const { return gone_; }                   // identities that nobody has any more

 private:
  void keep_or_move(std::uint32_t identity, std::uint32_t row) {
    Meaning own = meaning(identity);
    const auto known = meanings_.find(row);
    if (known != meanings_.end() && known->second != own) {
      moved_.insert(identity);
      return;
    }
    meanings_.emplace(row, own);
    owners_.emplace(row, identity);
    rows_.set(identity, row);
    take(row, std::move(own));
  }

  std::map<Meaning, std::uint32_t>::iterator take(std::uint32_t row, Meaning meaning) {
    if (row < taken_.size()) taken_[row] = true;
    return by_meaning_.emplace(std::move(meaning), row).first;
  }

  // All zero: nobody in particular.
  Meaning meaning(std::uint32_t identity) const {
    Meaning out;
    for (const std::size_t program : running_.programs)
      for (const BundleDirection* direction : {&running_.bundle.programs[program].ingress, &running_.bundle.programs[program].egress}) {
        const std::size_t first = out.size();
        const auto found = direction->peers.find(identity);
        if (found != direction->peers.end()) out.insert(out.end(), found->second.begin(), found->second.end());
        out.resize(first + direction->words);
        if (direction->words > 0) out[first] &= ~std::uint64_t{1};
      }
    return out;
  }

  const Running& running_;
  PeerRows rows_, added_;
  std::vector<bool> taken_;
  std::map<Meaning, std::uint32_t> by_meaning_;
  std::map<std::uint32_t, std::uint32_t> fresh_, owners_;
  std::map<std::uint32_t, Meaning> meanings_;  // by row
  std::set<std::uint32_t> moved_;
  std::vector<std::uint32_t> gone_;
};

struct PeersMap {
  std::size_t program = 0;
  const BundleDirection* direction = nullptr;
  Fd map;
};

Result<std::vector<PeersMap>> open_peers(const Running& running) {
  std::vector<PeersMap> out;
  for (const std::size_t index : running.programs) {
    const BundleProgram& program = running.bundle.programs[index];
    for (const auto& [name, direction] : {std::pair{"in", &program.ingress}, std::pair{"out", &program.egress}}) {
      Fd map = open_pinned(running.site->peers_path(running.state.number, program.digest, name));
      if (!map) return refused("the peers of program " + program.digest.substr(0, 12) + " are not where they were pinned; load the bundle again");
      out.push_back({index, direction, std::move(map)});
    }
  }
  return out;
}

std::vector<std::uint64_t> bits_in(const BundleDirection& direction, std::uint32_t identity) {
  const auto found = direction.peers.find(identity);
  return found == direction.peers.end() ? std::vector<std::uint64_t>(direction.words) : found->second;
}

Done write_row(const PeersMap& it, std::uint32_t row, std::uint32_t identity) {
  if (bpf_map_update_elem(it.map.get(), &row, peer_row(bits_in(*it.direction, identity)).data(), BPF_ANY) != 0) return refused("writing the peers of a program", errno);
  return {};
}

// New rows in all programs, and all rows in those that are joining.
Done write_rows(const std::vector<PeersMap>& peers, const RowPlan& plan, const std::set<std::size_t>& joining) {
  for (const PeersMap& it : peers) {
    if (joining.contains(it.program))
      for (const auto& [row, identity] : plan.owners())
        if (const Done done = write_row(it, row, identity); !done) return done;
    for (const auto& [row, identity] : plan.fresh())
      if (const Done done = write_row(it, row, identity); !done) return done;
  }
  return {};
}

// Whether the row has the identity's bits in all programs: the kernel knows, whatever was done before.
bool has_bits(const std::vector<PeersMap>& peers, std::uint32_t row, std::uint32_t identity) {
  return std::all_of(peers.begin(), peers.end(), [&](const PeersMap& it) {
    const auto wanted = peer_row(bits_in(*it.direction, identity));
    std::vector<std::uint64_t> there(wanted.size());
    return bpf_map_lookup_elem(it.map.get(), &row, there.data()) == 0 && there == wanted;
  });
}

struct Difference {
  AddressIdentities put;
  std::vector<Prefix> take;
};
Difference difference(const AddressIdentities& former, const AddressIdentities& next, const std::set<Prefix>& said) {
  Difference out;
  for (const auto& [prefix, identity] : next) {
    const auto found = former.find(prefix);
    if (found == former.end() || found->second != identity || said.contains(prefix)) out.put.emplace(prefix, identity);
  }
  for (const auto& [prefix, identity] : former)
    if (!next.contains(prefix)) out.take.push_back(prefix);
  for (const Prefix& prefix : said)
    if (!next.contains(prefix) && !former.contains(prefix)) out.take.push_back(prefix);
  return out;
}

Done write_difference(const Running& running, const Difference& what, const PeerRows& rows) {
  if (const Done done = fill_addresses(running.addresses(), what.put, rows); !done) return done;
  for (const Prefix& prefix : what.take)
    if (const auto removed = remove_address(running.addresses(), prefix); !removed) return tl::make_unexpected(removed.error());
  return {};
}

// Said before anything is written.
Done check_room(const Running& running, const AddressIdentities& addresses) {
  std::map<const char*, std::size_t> counts;
  for (const auto& [prefix, identity] : addresses) {
    const bool v6 = prefix.address.v6;
    ++counts[prefix.is_single() ? (v6 ? NP_MAP_ADDRESSES6 : NP_MAP_ADDRESSES4) : (v6 ? NP_MAP_IPCACHE6 : NP_MAP_IPCACHE4)];
  }
  for (const auto& [name, count] : counts) {
    const auto shape = map_shape(running.map(name));
    if (!shape) return tl::make_unexpected(shape.error());
    if (count > shape->max_entries)
      return refused("table " + std::string(name) + " is full: it has room for " + std::to_string(shape->max_entries) + " entries, and there would be " +
                     std::to_string(count));
  }
  return {};
}

// Where policies may name nodes by prefix, an address that the node gets or loses makes all of its addresses, and what it sends,
// somebody else.
std::set<Prefix> own_prefixes(const AddressPlan& former, const AddressPlan& next) {
  std::set<Prefix> out;
  if (!next.host) return out;
  for (const AddressPlan* plan : {&former, &next})
    for (const auto& [prefix, identity] : plan->addresses)
      if (identity == kHostIdentity) out.insert(prefix);
  return out;
}

Done set_host_row(const Running& running, std::uint32_t row) {
  auto config = read_config(running.map(NP_MAP_CONFIG));
  if (!config) return tl::make_unexpected(config.error());
  config->host.row = row;
  return set_config(running.map(NP_MAP_CONFIG), *config);
}

Done set_rows_of_config(const Running& running, const PeerRows& rows) {
  auto config = read_config(running.map(NP_MAP_CONFIG));
  if (!config) return tl::make_unexpected(config.error());
  for (np_address* who : {&config->world4, &config->world6, &config->host}) who->row = rows.row(who->identity);
  return set_config(running.map(NP_MAP_CONFIG), *config);
}

Done ask_for_prefixes(const Running& running, const AddressIdentities& addresses) {
  auto config = read_config(running.map(NP_MAP_CONFIG));
  if (!config) return tl::make_unexpected(config.error());
  if (config->flags & NP_CONFIG_PREFIXES) return {};
  if (!has_cluster_prefixes(addresses) && !prefixes_matter(running.bundle, running.programs, addresses)) return {};
  config->flags |= NP_CONFIG_PREFIXES;
  return set_config(running.map(NP_MAP_CONFIG), *config);
}

}  // namespace

Done refresh_interfaces(const Running& running) {
  const std::vector<Attachment> enforced = with_program(running.state.attachments);
  const auto behind = interfaces(running.bundle, requests_of(enforced), enforced);
  if (const Done done = fill_interfaces(running.map(NP_MAP_INTERFACES), behind); !done) return done;
  if (const Done done = remove_other_interfaces(running.map(NP_MAP_INTERFACES), behind); !done) return done;
  auto config = read_config(running.map(NP_MAP_CONFIG));
  if (!config) return tl::make_unexpected(config.error());
  const std::uint32_t audit = std::any_of(behind.begin(), behind.end(), [](const auto& one) { return one.second.flags & NP_AUDIT; }) ? NP_CONFIG_AUDIT : 0;
  if ((config->flags & NP_CONFIG_AUDIT) == audit) return {};
  config->flags = (config->flags & ~NP_CONFIG_AUDIT) | audit;
  return set_config(running.map(NP_MAP_CONFIG), *config);
}

AddressMaps Running::addresses() const {
  return {map(NP_MAP_ADDRESSES4), map(NP_MAP_ADDRESSES6), map(NP_MAP_IPCACHE4), map(NP_MAP_IPCACHE6), map(NP_MAP_NEAR4)};
}

Result<AddressPlan> Running::plan(const std::map<Prefix, AddressOverride>& overrides) const {
  return loader::addresses(bundle, {state.node, state.node_addresses}, requests_of(known_to_bundle(state.attachments)), overrides, state.learned);
}

Result<Running> open_running(const Where& where, bool to_write) {
  // Looking first: opening would make the directories of an installation that isn't there.
  auto site = Installation::find(where.root, where.state);
  if (site && to_write) site = Installation::open(where.root, where.state);
  if (!site) return tl::make_unexpected(site.error());
  if (to_write)
    if (const auto recovered = recover_locked(*site, Thorough::No); !recovered) return tl::make_unexpected(recovered.error());
  auto known = read_state(*site);
  if (!known) return tl::make_unexpected(known.error());
  if (!known->current) return bad_input("nothing is loaded under " + site->root());
  const auto held = std::make_shared<const Installation>(std::move(*site));
  auto running = open_generation(*held, std::move(known->state));
  if (running) running->site = held;
  return running;
}

Result<Running> open_generation(const Installation& site, State state) {
  std::map<std::string, Fd> maps;
  for (const char* name : kOfGeneration) {
    const std::string path = site.generation_map_path(state.number, name);
    Fd map = open_pinned(path);
    if (!map) return refused(path + " is not where it was pinned; load the bundle again");
    maps.emplace(name, std::move(map));
  }
  auto bundle = kept_manifest(site, state.bundle);
  if (!bundle) return tl::make_unexpected(bundle.error());
  for (const Attachment& it : state.attachments)
    if (it.bundle_endpoint != kNoEndpoint && it.bundle_endpoint >= bundle->endpoints.size()) return refused("the state is of another bundle; load again");
  // Not by the pins: a program that was pinned and never told of its peers is none that a pod may have.
  std::set<std::size_t> programs;
  for (std::size_t i = 0; i < bundle->programs.size(); ++i) {
    const std::string& digest = bundle->programs[i].digest;
    if (state.tags.contains(digest + "_from") && state.tags.contains(digest + "_to")) programs.insert(i);
  }
  return Running{std::shared_ptr<const Installation>(std::shared_ptr<void>(), &site), std::move(state), std::move(*bundle), std::move(programs), std::move(maps)};
}

SharedMaps shared_maps(const Installation& site, std::uint64_t generation) {
  SharedMaps out;
  for (const char* name : {NP_MAP_FLOWS4, NP_MAP_FLOWS6, NP_MAP_FRAGMENTS, NP_MAP_DROPS, NP_MAP_STATS, NP_MAP_EVENTS}) out.by_name.emplace(name, open_pinned(site.map_path(name)));
  for (const char* name : kOfGeneration) out.by_name.emplace(name, open_pinned(site.generation_map_path(generation, name)));
  const bool whole = std::all_of(out.by_name.begin(), out.by_name.end(), [](const auto& map) { return bool(map.second); });
  return whole ? std::move(out) : SharedMaps{};
}

Done add_program(Running& running, std::size_t program) {
  const Installation& site = *running.site;
  const BundleProgram& its = running.bundle.programs[program];
  const auto bytes = kept_object(site, running.bundle, its.object);
  if (!bytes) return tl::make_unexpected(bytes.error());
  SharedMaps shared = shared_maps(site, running.state.number);
  if (shared.by_name.empty()) return refused("maps are not where they were pinned; load the bundle again");
  const auto peers = open_peers(running);
  if (!peers) return tl::make_unexpected(peers.error());
  if (!peers->empty()) {
    const auto shape = map_shape(peers->front().map.get());
    if (!shape) return tl::make_unexpected(shape.error());
    shared.row_capacity = shape->max_entries;
  }
  const Fd counters = open_pinned(site.rules_path(its.digest));
  std::map<std::string, int> reuse;
  if (counters) reuse[NP_MAP_RULES] = counters.get();
  const auto object = Object::load(*bytes, its.object, shared, {}, {}, reuse);
  if (!object) return tl::make_unexpected(object.error());
  const std::uint64_t number = running.state.number;
  std::map<std::string, std::uint64_t> tags;
  for (const auto& [side, name] : {std::pair{"_from", NP_PROGRAM_FROM_POD}, std::pair{"_to", NP_PROGRAM_TO_POD}}) {
    const auto tag = program_tag(object->program(name));
    if (!tag) return tl::make_unexpected(tag.error());
    tags[its.digest + side] = *tag;
  }
  if (!counters)
    if (const Done done = pin_over(object->map(NP_MAP_RULES), site.rules_path(its.digest)); !done) return done;
  const std::tuple<std::string, int> pins[] = {
      {site.peers_path(number, its.digest, "in"), object->map(NP_MAP_PEERS_IN)},
      {site.peers_path(number, its.digest, "out"), object->map(NP_MAP_PEERS_OUT)},
      {site.program_path(number, its.digest, "from"), object->program(NP_PROGRAM_FROM_POD)},
      {site.program_path(number, its.digest, "to"), object->program(NP_PROGRAM_TO_POD)},
  };
  for (const auto& [path, fd] : pins)
    if (const Done done = pin_over(fd, path); !done) return done;
  running.state.tags.insert(tags.begin(), tags.end());
  running.programs.insert(program);
  return {};
}

Done publish(Running& running, const AddressPlan& former, const AddressPlan& next, const std::set<Prefix>& said, const std::set<std::size_t>& joining) {
  LearnedIdentities used = former.used();
  for (const auto& [id, key] : next.peers()) used.insert_or_assign(id, key);
  if (const Done done = add_peers(running.bundle, running.programs, used); !done) return done;
  if (const Done done = check_room(running, next.addresses); !done) return done;
  auto known = read_rows(running.map(NP_MAP_ROWS));
  if (!known) return tl::make_unexpected(known.error());
  const auto peers = open_peers(running);
  if (!peers) return tl::make_unexpected(peers.error());
  std::uint32_t capacity = UINT32_MAX;
  for (const PeersMap& it : *peers) {
    const auto shape = map_shape(it.map.get());
    if (!shape) return tl::make_unexpected(shape.error());
    capacity = std::min(capacity, shape->max_entries);
  }
  const auto config = read_config(running.map(NP_MAP_CONFIG));
  if (!config) return tl::make_unexpected(config.error());
  const bool host_changed = next.host && !has_bits(*peers, known->row(kHostIdentity), kHostIdentity);
  RowPlan rows(running, former, next, *known, capacity == UINT32_MAX ? 1 : capacity, config->host.row, host_changed);
  if (host_changed)
    if (const Done done = rows.place_host(); !done) return done;
  if (const Done done = rows.place_moved(); !done) return done;
  std::set<std::uint32_t> present;
  for (const auto& [prefix, identity] : next.addresses) present.insert(identity);
  // What is known by no address: what the configuration names.
  if (!joining.empty()) present.insert({config->world4.identity, config->world6.identity, config->host.identity});
  for (const std::uint32_t identity : present)
    if (const Done done = rows.place(identity); !done) return done;

  if (const Done done = write_rows(*peers, rows, joining); !done) return done;
  if (const Done done = fill_rows(running.map(NP_MAP_ROWS), rows.added()); !done) return done;
  if (const Done done = ask_for_prefixes(running, next.addresses); !done) return done;
  std::set<Prefix> written = own_prefixes(former, next);
  written.insert(said.begin(), said.end());
  for (const auto& [prefix, identity] : next.addresses)
    if (rows.rows().row(identity) != known->row(identity)) written.insert(prefix);
  Done done = write_difference(running, difference(former.addresses, next.addresses, written), rows.rows());
  if (done && next.host) done = set_host_row(running, rows.rows().row(kHostIdentity));
  if (done && !joining.empty()) done = set_rows_of_config(running, rows.rows());
  if (done) done = new_generation(running.map(NP_MAP_CONFIG));
  // A packet may have learnt from which row to read just before: until it has, nobody else gets that row.
  if (done) done = wait_for_programs();
  if (!done) {
    PeerRows before = rows.rows();
    if (next.host) before.set(kHostIdentity, config->host.row);
    (void)write_difference(running, difference(next.addresses, former.addresses, written), before);
    if (next.host) (void)set_host_row(running, config->host.row);
    (void)new_generation(running.map(NP_MAP_CONFIG));
    return done;
  }
  for (const std::uint32_t identity : rows.gone()) (void)bpf_map_delete_elem(running.map(NP_MAP_ROWS), &identity);
  return {};
}

}  // namespace netpolc::loader
