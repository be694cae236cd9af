#include "compiler/replay/recording.h"

#include <algorithm>

#include "ir/identity/identities.h"

namespace netpolc::compiler::replay {
namespace {

constexpr const char* kClusterLabel = "io.cilium.k8s.policy.cluster";
constexpr std::uint32_t kLastReserved = 10, kLocalScope = 1U << 24U, kNodeScope = 2U << 24U;
constexpr std::size_t kNamedErrors = 10;

bool has(const ir::LabelSet& labels, const char* reserved) {
  return std::any_of(labels.begin(), labels.end(), [&](const ir::Label& label) { return label.source == "reserved" && label.key == reserved; });
}
bool has_source(const ir::LabelSet& labels, const char* source) {
  return std::any_of(labels.begin(), labels.end(), [&](const ir::Label& label) { return label.source == source; });
}

std::string cluster_of(const ir::LabelSet& labels) {
  const auto found = std::find_if(labels.begin(), labels.end(), [](const ir::Label& label) { return label.key == kClusterLabel; });
  return found == labels.end() ? "" : found->value;
}

// "[app=web,tier=front]": what the pod's author wrote, without what Cilium adds.
std::string name_by_labels(const ir::LabelSet& labels) {
  std::string out;
  for (const ir::Label& label : labels)
    if (!label.key.starts_with("io.cilium.k8s.") && label.key != "io.kubernetes.pod.namespace") out += (out.empty() ? "" : ",") + label.key + (label.value.empty() ? "" : "=" + label.value);
  return "[" + out + "]";
}

void append(std::string& key, const std::string& text) {
  key += text;
  key += '\0';
}

// What tells one end from another.
std::string key_of(const RecordedEnd& end) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(end.kind)));
  append(key, end.ns);
  append(key, end.name);
  append(key, end.node);
  key += end.in_manifests ? 'm' : '-';
  key += end.other_cluster ? 'o' : '-';
  key += end.api_server ? 'a' : '-';
  append(key, end.prefix ? end.prefix->to_string() : "");
  for (const std::string& name : end.names) append(key, name);
  key += '\1';
  if (!end.in_manifests)
    for (const ir::Label& label : end.labels) append(key, label.to_string());
  if (end.kind != RecordedEnd::Kind::Outside)
    for (const IpAddress& address : end.addresses) append(key, address.to_string());
  else if (!end.addresses.empty())
    key += end.addresses.begin()->v6 ? '6' : '4';
  return key;
}

void append(std::string& key, const ir::Request& request) {
  if (const auto* http = std::get_if<ir::HttpRequest>(&request)) {
    append(key, "h");
    append(key, http->method);
    append(key, http->path);
    append(key, http->host ? "=" + *http->host : "");
    for (const auto& [name, value] : http->headers) append(key, name + ":" + value);
  } else if (const auto* dns = std::get_if<ir::DnsQuery>(&request)) {
    append(key, "d");
    append(key, dns->name);
  }
}

// Lines of any length, of which no more is kept than may be.
class Lines {
 public:
  Lines(std::istream& in, std::size_t longest) : in_(in), longest_(longest) {}
  bool next(std::string& line, bool& too_long) {
    line.clear();
    too_long = false;
    bool any = false;
    for (int c = in_.rdbuf()->sbumpc(); c != std::char_traits<char>::eof(); c = in_.rdbuf()->sbumpc()) {
      any = true;
      if (c == '\n') return true;
      if (line.size() < longest_) line += static_cast<char>(c);
      else too_long = true;
    }
    return any;
  }

 private:
  std::istream& in_;
  std::size_t longest_;
};

}  // namespace

std::string to_string(const RecordedEnd& end) {
  switch (end.kind) {
    case RecordedEnd::Kind::Pod: return end.ns + "/" + end.name;
    case RecordedEnd::Kind::Host: return "host";
    case RecordedEnd::Kind::Entity: {
      if (has(end.labels, "kube-apiserver")) return "kube-apiserver";
      for (const ir::Label& label : end.labels)
        if (label.source == "reserved") return label.key;
      return "remote-node";
    }
    case RecordedEnd::Kind::Outside: break;
  }
  std::string out;
  for (const std::string& name : end.names) out += (out.empty() ? "fqdn:" : ",") + name;
  if (!out.empty()) return out;
  if (end.addresses.size() == 1 && !end.more_addresses) return "ip:" + end.addresses.begin()->to_string();
  const std::string many = " (" + std::string(end.more_addresses ? "more than " : "") + std::to_string(end.addresses.size()) + " addresses)";
  return (end.prefix ? "cidr:" + end.prefix->to_string() : "world") + many;
}

std::vector<ReadError> Recording::read(std::istream& in, const std::string& name) {
  std::vector<ReadError> errors;
  Lines lines(in, limits_.line);
  std::string text;
  bool too_long = false;
  for (std::uint64_t number = 1; lines.next(text, too_long); ++number) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    ++lines_;
    auto line = too_long ? tl::unexpected(BadLine{1, "the line is longer than " + std::to_string(limits_.line) + " bytes"}) : parse_line(text);
    if (!line) {
      ++bad_;
      if (errors.size() < kNamedErrors) errors.push_back({name + ":" + std::to_string(number) + ":" + std::to_string(line.error().column) + ": " + line.error().message});
    } else if (auto* flow = std::get_if<Flow>(&*line)) {
      add(std::move(*flow));
    } else if (const auto* lost = std::get_if<Lost>(&*line)) {
      lost_ += lost->events;
    } else {
      skip(std::get<Skip>(*line), 1);
    }
  }
  return errors;
}

void Recording::skip(Skip why, std::uint64_t flows) { skipped_[static_cast<std::size_t>(why)] += flows; }

// What no policy asks about is left out, so that flows that differ in nothing else are one.
void Recording::simplify(Flow& flow) const {
  if (!flow.request) return;
  auto* http = std::get_if<ir::HttpRequest>(&*flow.request);
  if (http != nullptr ? !known_.http_counts() : !known_.dns_counts()) {
    flow.request.reset();
    return;
  }
  if (http == nullptr) return;
  std::erase_if(http->headers, [&](const auto& header) { return !known_.headers_count(header.first); });
  std::sort(http->headers.begin(), http->headers.end());
}

void Recording::add(Flow flow) {
  simplify(flow);
  const bool outgoing = flow.direction == ir::Direction::Egress;
  const std::string local_cluster = cluster_of((outgoing ? flow.source : flow.destination).labels);
  auto source = end(flow, flow.source, local_cluster);
  auto destination = source ? end(flow, flow.destination, local_cluster) : source;
  if (!source || !destination) return skip(source ? destination.error() : source.error(), 1);
  if (source->kind == RecordedEnd::Kind::Outside) source->names.clear();
  if (source->kind != RecordedEnd::Kind::Pod && destination->kind != RecordedEnd::Kind::Pod && source->kind != RecordedEnd::Kind::Host && destination->kind != RecordedEnd::Kind::Host)
    return skip(Skip::NobodysPolicy, 1);
  const auto from = intern(std::move(*source)), to = intern(std::move(*destination));
  Connection* found = from && to ? connection(*from, *to, flow) : nullptr;
  if (found == nullptr) return skip(Skip::TooMany, 1);
  Counts& counts = outgoing ? found->egress : found->ingress;
  ++(flow.dropped ? counts.dropped : counts.forwarded);
  counts.audited += flow.audited ? 1 : 0;
  ++flows_;
}

Recording::Found Recording::end(const Flow& flow, const FlowEnd& from, const std::string& local_cluster) const {
  FlowEnd end = from;
  if (end.labels.empty()) {
    if (end.identity != 0 && end.identity <= kLastReserved) end.labels = ir::reserved_labels(end.identity);
    else if (end.identity >= kNodeScope) end.labels = {{"reserved", "remote-node", ""}};
    else if (end.identity >= kLocalScope) end.labels = {{"reserved", "world", ""}};
    else if (const ir::LabelSet* labels = known_.labels_of(end.identity)) end.labels = *labels;
  }
  const bool api_server = has(end.labels, "kube-apiserver");
  if (has(end.labels, "unknown")) return tl::unexpected(Skip::NoIdentity);
  if (has(end.labels, "host")) {
    RecordedEnd out{.kind = RecordedEnd::Kind::Host, .node = flow.node, .api_server = api_server};
    if (end.address && (api_server || known_.node_addresses_count())) out.addresses.insert(*end.address);
    return out;
  }
  const bool world = has(end.labels, "world") || has(end.labels, "world-ipv4") || has(end.labels, "world-ipv6");
  if (world || (!has_source(end.labels, "reserved") && has_source(end.labels, "cidr"))) return outside(flow, end, api_server);
  if (!has_source(end.labels, "reserved")) return pod(end, local_cluster);
  RecordedEnd out{.kind = RecordedEnd::Kind::Entity};
  for (const ir::Label& label : end.labels)
    if (label.source == "reserved" || label.source == "node") out.labels.push_back(label);
  if (end.address && known_.node_addresses_count()) out.addresses.insert(*end.address);
  return out;
}

Recording::Found Recording::outside(const Flow& flow, const FlowEnd& end, bool api_server) const {
  if (!end.address) return tl::unexpected(Skip::NoAddress);
  RecordedEnd out{.kind = RecordedEnd::Kind::Outside, .api_server = api_server};
  out.prefix = known_.narrowest(*end.address);
  out.names = flow.names;
  out.addresses.insert(*end.address);
  return out;
}

Recording::Found Recording::pod(const FlowEnd& end, const std::string& local_cluster) const {
  RecordedEnd out;
  const std::string cluster = cluster_of(end.labels);
  out.other_cluster = !cluster.empty() && !local_cluster.empty() && cluster != local_cluster;
  out.ns = end.ns;
  out.labels = end.labels;
  const std::string known = out.other_cluster ? "" : known_.workload(end.ns, end.pod, end.workload);
  out.in_manifests = !known.empty();
  if (out.in_manifests) {
    out.name = known.substr(end.ns.size() + 1);
    if (out.labels.empty()) out.labels = known_.labels(known);
    return out;
  }
  if (end.labels.empty()) return tl::unexpected(end.identity == 0 ? Skip::NoIdentity : Skip::NoLabels);
  out.name = !end.workload.empty() ? end.workload : name_by_labels(end.labels);
  return out;
}

std::optional<EndId> Recording::intern(RecordedEnd end) {
  std::string key = key_of(end);
  if (const auto found = end_ids_.find(key); found != end_ids_.end()) {
    RecordedEnd& known = ends_[found->second];
    if (known.kind == RecordedEnd::Kind::Outside)
      for (const IpAddress& address : end.addresses) {
        if (known.addresses.count(address) != 0) continue;
        known.addresses.insert(address);
        if (known.addresses.size() <= limits_.addresses) continue;
        known.addresses.erase(std::prev(known.addresses.end()));  // the smallest are kept, whatever the order
        known.more_addresses = true;
      }
    return found->second;
  }
  if (ends_.size() >= limits_.connections) return std::nullopt;
  const auto id = static_cast<EndId>(ends_.size());
  end_ids_.emplace(std::move(key), id);
  ends_.push_back(std::move(end));
  return id;
}

Connection* Recording::connection(EndId from, EndId to, const Flow& flow) {
  std::string key = std::to_string(from) + ' ' + std::to_string(to) + ' ' + std::to_string(static_cast<int>(flow.flow.protocol)) + ' ' + std::to_string(flow.flow.number) + ' ';
  if (flow.request) append(key, *flow.request);
  if (const auto found = connection_ids_.find(key); found != connection_ids_.end()) return &connections_[found->second];
  if (connections_.size() >= limits_.connections) return nullptr;
  connection_ids_.emplace(std::move(key), static_cast<std::uint32_t>(connections_.size()));
  connections_.push_back({.from = from, .to = to, .flow = flow.flow, .request = flow.request});
  return &connections_.back();
}

}  // namespace netpolc::compiler::replay
