#include "runtime-loader/workload_match.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace netpolc::loader {
namespace {

constexpr std::string_view kSafeLetters = "bcdfghjklmnpqrstvwxz2456789", kDigits = "0123456789";
constexpr std::size_t kSuffix = 5, kMostHash = 10;

bool is_of(std::string_view text, std::string_view letters) { return text.find_first_not_of(letters) == std::string_view::npos; }
bool is_suffix(std::string_view text) { return text.size() == kSuffix && is_of(text, kSafeLetters); }
bool is_hash(std::string_view text) { return !text.empty() && text.size() <= kMostHash && is_of(text, kSafeLetters); }
// As controllers print it: no zero before it.
bool is_number(std::string_view text) { return !text.empty() && text.size() <= 18 && is_of(text, kDigits) && (text.size() == 1 || text[0] != '0'); }

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t from = 0;;) {
    const std::size_t to = text.find('-', from);
    out.push_back(text.substr(from, to - from));
    if (to == std::string_view::npos) return out;
    from = to + 1;
  }
}

bool is_called_by(const BundleEndpoint& workload, std::string_view pod) {
  if (!pod.starts_with(workload.name) || pod.size() <= workload.name.size() || pod[workload.name.size()] != '-') return false;
  const std::string& kind = workload.kind;
  const auto parts = parts_of(pod.substr(workload.name.size() + 1));
  const std::size_t count = parts.size();
  if (kind == "StatefulSet") return count == 1 && is_number(parts[0]);
  if (!is_suffix(parts.back())) return false;
  if (kind == "ReplicaSet" || kind == "ReplicationController" || kind == "DaemonSet") return count == 1;
  if (kind == "Deployment") return count == 2 && is_hash(parts[0]);
  const bool numbers = std::all_of(parts.begin(), parts.end() - 1, is_number);
  if (kind == "Job") return count <= 2 && numbers;
  if (kind == "CronJob") return (count == 2 || count == 3) && numbers;
  return false;
}

std::vector<std::string> sorted(std::vector<std::string> labels) {
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

std::optional<std::size_t> by_labels(const Bundle& bundle, const std::string& ns, const AttachRequest& request, std::string& why) {
  const auto labels = sorted(request.labels);
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < bundle.endpoints.size(); ++i) {
    const BundleEndpoint& one = bundle.endpoints[i];
    if (one.is_node || one.ns != ns) continue;
    const auto identity = bundle.identities.find(one.identity);
    if (identity == bundle.identities.end() || sorted(identity->second) != labels) continue;
    if (!found) {
      found = i;
    } else if (const BundleEndpoint& first = bundle.endpoints[*found]; first.program != one.program || first.identity != one.identity) {
      why = "the labels of `" + request.endpoint + "` are those of `" + first.full_name() + "` and of `" + one.full_name() + "`, which have different " +
            (first.program != one.program ? "programs" : "identities");
      return std::nullopt;
    }
  }
  if (!found) why = "no endpoint of namespace `" + ns + "` in the bundle has the labels of `" + request.endpoint + "`";
  return found;
}

std::optional<std::size_t> by_controller(const Bundle& bundle, const std::string& ns, const std::string& pod, std::string& why) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < bundle.endpoints.size(); ++i) {
    const BundleEndpoint& one = bundle.endpoints[i];
    if (one.is_node || one.ns != ns || !is_called_by(one, pod)) continue;
    if (found) {
      const BundleEndpoint& first = bundle.endpoints[*found];
      why = "by its name `" + ns + "/" + pod + "` may be a pod of the " + first.kind + " `" + first.name + "` or of the " + one.kind + " `" + one.name + "`";
      return std::nullopt;
    }
    found = i;
  }
  return found;
}

}  // namespace

std::optional<std::size_t> endpoint_for(const Bundle& bundle, const AttachRequest& request, std::string& why, PodNames names) {
  const auto named = find_endpoint(bundle, request.endpoint);
  if (named) return *named;
  const std::size_t slash = request.endpoint.find('/');
  const std::string ns = request.endpoint.substr(0, slash);
  why = named.error().message;
  if (slash == std::string::npos) return std::nullopt;
  if (!request.labels.empty()) return by_labels(bundle, ns, request, why);
  if (names == PodNames::Exact) return std::nullopt;
  return by_controller(bundle, ns, request.endpoint.substr(slash + 1), why);
}

}  // namespace netpolc::loader
