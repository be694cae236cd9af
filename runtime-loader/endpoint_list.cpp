#include "runtime-loader/endpoint_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime-loader/table.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

std::string enforced(const BundleDirection& direction, bool audit) {
  if (direction.enforcement == "none") return "Disabled";
  return audit ? "Enabled (audit)" : "Enabled";
}

std::string status_word(AttachmentState state) {
  switch (state) {
    case AttachmentState::Enforced: return "ready";
    case AttachmentState::Open: return "open";
    case AttachmentState::Blocked: return "blocked";
    case AttachmentState::Stale: return "stale";
    case AttachmentState::Detached:
    case AttachmentState::Gone: return "not-loaded";
  }
  return "";
}

void add_addresses(const std::vector<Address>& all, EndpointLine& line) {
  for (const Address& it : all) (it.v6 ? line.ipv6 : line.ipv4).push_back(it.to_string());
}

// What came with the attachment replaces what the bundle says of the pod, each for its own family.
void place(const Attachment& it, const BundleEndpoint* endpoint, EndpointLine& line) {
  add_addresses(it.addresses, line);
  if (endpoint == nullptr) return;
  EndpointLine of_bundle;
  for (const BundlePod& pod : endpoint->pods)
    if (endpoint->pods.size() == 1 || endpoint->ns + "/" + pod.name == it.endpoint) add_addresses(pod.addresses, of_bundle);
  if (line.ipv4.empty()) line.ipv4 = of_bundle.ipv4;
  if (line.ipv6.empty()) line.ipv6 = of_bundle.ipv6;
}

void describe(const Bundle& bundle, const BundleEndpoint& endpoint, EndpointLine& line) {
  line.identity = endpoint.identity;
  line.workload = endpoint.is_node ? "" : endpoint.kind + " " + endpoint.full_name();
  if (const auto labels = bundle.identities.find(endpoint.identity); labels != bundle.identities.end()) line.labels = labels->second;
}

EndpointLine line_of(const Status& status, const AttachmentStatus& it) {
  EndpointLine line;
  line.name = it.attachment.endpoint;
  line.interface = it.attachment.ifname;
  line.netns = it.attachment.netns;
  line.status = status_word(it.state);
  line.program = it.attachment.program;
  line.mode = it.attachment.open.empty() ? to_string(it.attachment.mode) : "";
  line.reason = it.problem;
  line.origin = it.attachment.origin;
  const bool known = it.attachment.bundle_endpoint != kNoEndpoint;
  const BundleEndpoint* endpoint = known ? &status.bundle.endpoints[it.attachment.bundle_endpoint] : nullptr;
  if (endpoint != nullptr) {
    describe(status.bundle, *endpoint, line);
    if (it.attachment.blocked.empty() && it.attachment.open.empty()) {
      line.ingress = enforced(status.bundle.programs[endpoint->program].ingress, it.attachment.audit);
      line.egress = enforced(status.bundle.programs[endpoint->program].egress, it.attachment.audit);
    }
  } else {
    line.labels = it.attachment.labels;
    for (const auto& [id, key] : status.state.learned) {
      std::vector<std::string> texts;
      for (const ir::Label& label : key.labels) texts.push_back(label.to_string());
      std::sort(texts.begin(), texts.end());
      std::vector<std::string> own = it.attachment.labels;
      std::sort(own.begin(), own.end());
      if (!own.empty() && own == texts) line.identity = id;
    }
  }
  if (!it.attachment.for_node) place(it.attachment, endpoint, line);
  return line;
}

EndpointLine line_of(const Status& status, const UnattachedPod& it) {
  const BundleEndpoint& endpoint = status.bundle.endpoints[it.endpoint];
  const BundleProgram& program = status.bundle.programs[endpoint.program];
  EndpointLine line;
  line.name = endpoint.ns + "/" + endpoint.pods[it.pod].name;
  describe(status.bundle, endpoint, line);
  add_addresses(endpoint.pods[it.pod].addresses, line);
  line.ingress = enforced(program.ingress, false);
  line.egress = enforced(program.egress, false);
  line.status = program.is_enforced() ? "not-loaded" : "open";
  line.reason = program.is_enforced() ? "the bundle has it on this node, and nothing is attached to it" : "no policy selects it, and nothing is attached to it";
  return line;
}

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& it : all) out += (out.empty() ? "" : ",") + it;
  return out;
}

void add_rows(const EndpointLine& line, bool wide, TableRows& rows) {
  std::vector<std::string> row{line.name, line.ingress, line.egress, line.identity ? std::to_string(*line.identity) : "", line.labels.empty() ? "" : line.labels.front(),
                               joined(line.ipv6), joined(line.ipv4), line.status, line.interface + (line.netns.empty() ? "" : " in " + line.netns)};
  if (wide) row.insert(row.end(), {line.workload, line.program.substr(0, 12), line.mode, line.reason});
  rows.push_back(row);
  for (std::size_t i = 1; i < line.labels.size(); ++i) {
    rows.emplace_back(row.size());
    rows.back()[4] = line.labels[i];
  }
}

}  // namespace

std::vector<EndpointLine> endpoint_lines(const Status& status) {
  std::vector<EndpointLine> out;
  for (const AttachmentStatus& it : status.attachments) out.push_back(line_of(status, it));
  for (const UnattachedPod& it : status.unattached) out.push_back(line_of(status, it));
  std::stable_sort(out.begin(), out.end(), [](const EndpointLine& a, const EndpointLine& b) {
    return std::tie(a.name, a.netns, a.interface) < std::tie(b.name, b.netns, b.interface);
  });
  return out;
}

std::string endpoints_text(const std::vector<EndpointLine>& lines, bool headers, bool wide) {
  TableRows rows;
  if (headers) {
    rows = {{"ENDPOINT", "POLICY (ingress)", "POLICY (egress)", "IDENTITY", "LABELS (source:key[=value])", "IPv6", "IPv4", "STATUS", "INTERFACE"},
            {"", "ENFORCEMENT", "ENFORCEMENT", "", "", "", "", "", ""}};
    if (wide) rows[0].insert(rows[0].end(), {"WORKLOAD", "PROGRAM", "MODE", "REASON"});
    rows[1].resize(rows[0].size());
  }
  for (const EndpointLine& line : lines) add_rows(line, wide, rows);
  return table_text(rows);
}

std::string endpoints_json(const std::vector<EndpointLine>& lines) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  Json out = Json::array();
  for (const EndpointLine& it : lines)
    out.push_back({{"endpoint", it.name},
                   {"status", it.status},
                   {"reason", or_null(it.reason)},
                   {"enforcement", {{"ingress", or_null(it.ingress)}, {"egress", or_null(it.egress)}}},
                   {"identity", it.identity ? Json(*it.identity) : Json()},
                   {"labels", it.labels},
                   {"ipv4", it.ipv4},
                   {"ipv6", it.ipv6},
                   {"ifname", or_null(it.interface)},
                   {"netns", or_null(it.netns)},
                   {"workload", or_null(it.workload)},
                   {"program", or_null(it.program)},
                   {"mode", or_null(it.mode)},
                   {"origin", or_null(it.origin)}});
  return out.dump(1) + "\n";
}

}  // namespace netpolc::loader
