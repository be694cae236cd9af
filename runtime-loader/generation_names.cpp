#include "runtime-loader/generation_names.h"

#include <algorithm>
#include <ctime>
#include <set>

namespace netpolc::loader {
namespace {

constexpr std::size_t kKept = 3;  // generations

// Bundles are large, and most of it is for programs.
void forget_what_has_no_name(Bundle& bundle) {
  bundle.addresses.clear();
  bundle.manifest = {};
  bundle.files.clear();
  for (BundleProgram& program : bundle.programs) {
    for (BundleDirection* direction : {&program.ingress, &program.egress}) {
      direction->peers.clear();
      direction->selectors = {};
    }
    program.outside = {};
  }
}

template <class Map>
void keep_unique(Map& map, const typename Map::key_type& key, const typename Map::mapped_type& value, std::set<typename Map::key_type>& shared) {
  if (!map.emplace(key, value).second) shared.insert(key);
}

}  // namespace

GenerationNames::GenerationNames(GenerationState state, Bundle bundle, std::int64_t since) : bundle_(std::move(bundle)), since_(since) {
  forget_what_has_no_name(bundle_);
  index();
  update(std::move(state));
}

void GenerationNames::index() {
  std::set<std::uint32_t> shared;
  std::set<Address> shared_addresses;
  for (std::size_t i = 0; i < bundle_.endpoints.size(); ++i) {
    const BundleEndpoint& endpoint = bundle_.endpoints[i];
    if (endpoint.is_node) continue;
    keep_unique(workloads_, endpoint.identity, i, shared);
    names_.emplace(endpoint.full_name(), Place{i});
  }
  for (std::size_t i = 0; i < bundle_.endpoints.size(); ++i)
    for (std::size_t pod = 0; pod < bundle_.endpoints[i].pods.size(); ++pod) {
      const BundlePod& it = bundle_.endpoints[i].pods[pod];
      names_.insert_or_assign(bundle_.endpoints[i].ns + "/" + it.name, Place{i, pod});
      for (const Address& address : it.addresses) keep_unique(pods_, address, Place{i, pod}, shared_addresses);
    }
  for (const std::uint32_t identity : shared) workloads_.erase(identity);
  for (const Address& address : shared_addresses) pods_.erase(address);
}

PodName GenerationNames::at(const Place& place) const {
  const BundleEndpoint& endpoint = bundle_.endpoints[place.endpoint];
  return {endpoint.ns, place.pod == kWorkload ? "" : endpoint.pods[place.pod].name, endpoint.name, endpoint.kind};
}

void GenerationNames::update(GenerationState state) {
  state_ = std::move(state);
  told_.clear();
  for (const auto& [prefix, what] : state_.overrides)
    if (prefix.is_single()) told_[prefix.address] = what.endpoint;  // "": whoever had it, it isn't him
  for (const Attachment& it : state_.attachments)
    for (const Address& address : it.addresses)
      if (!it.for_node) told_[address] = it.endpoint;
  learn();
}

void GenerationNames::learn() {
  learned_.clear();
  for (const auto& [id, key] : state_.learned)
    for (const ir::Label& label : key.labels) learned_[id].push_back(label.to_string());
}

bool GenerationNames::has_program(std::uint64_t tag) const {
  return std::any_of(bundle_.programs.begin(), bundle_.programs.end(), [&](const BundleProgram& it) { return it.tag == tag; });
}

PodName GenerationNames::name(const std::string& full) const {
  if (const auto found = names_.find(full); found != names_.end()) return at(found->second);
  const auto slash = full.find('/');
  if (slash == std::string::npos) return {};
  return {full.substr(0, slash), full.substr(slash + 1), "", ""};  // a pod that came later
}

PodName GenerationNames::name(const Address& address, std::uint32_t identity) const {
  const auto told = told_.find(address);
  if (told != told_.end() && !told->second.empty()) return name(told->second);
  if (const auto found = pods_.find(address); found != pods_.end() && told == told_.end()) return at(found->second);
  const auto workload = workloads_.find(identity);
  return identity == 0 || workload == workloads_.end() ? PodName{} : at(Place{workload->second});  // which of its pods is not known
}

const std::vector<std::string>* GenerationNames::labels(std::uint32_t identity) const {
  if (identity == 0) return nullptr;
  if (const auto found = bundle_.identities.find(identity); found != bundle_.identities.end() && !found->second.empty()) return &found->second;
  const auto found = learned_.find(identity);
  return found == learned_.end() ? nullptr : &found->second;
}

void Generations::add(std::shared_ptr<GenerationNames> generation) {
  all_.push_back(std::move(generation));
  if (all_.size() > kKept) all_.pop_front();
}

bool Generations::has_program(std::uint64_t tag) const {
  return std::any_of(all_.begin(), all_.end(), [&](const auto& it) { return it->has_program(tag); });
}

const GenerationNames& Generations::of(std::uint64_t program, std::int64_t time) const {
  const bool known = has_program(program);
  const GenerationNames* oldest = nullptr;
  for (auto it = all_.rbegin(); it != all_.rend(); ++it) {
    if (known && !(*it)->has_program(program)) continue;
    if ((*it)->since() <= time) return **it;
    oldest = it->get();
  }
  return *oldest;
}

std::int64_t wall_time(const std::string& rfc3339) {
  std::tm parts{};
  const char* end = strptime(rfc3339.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr) return 0;
  return static_cast<std::int64_t>(timegm(&parts)) * 1'000'000'000;
}

}  // namespace netpolc::loader
