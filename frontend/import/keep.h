// frontend/import/keep.h — what netpolc reads of a dump and nothing else: objects of kinds that it knows, with the fields that it
// reads. Whatever a field is for, if frontend/ and the lint rules never look at it, it is not kept: Secrets, environment variables,
// images, annotations, managedFields, most of `status`.
//
// Promises: loading what is kept gives the policies and the cluster that loading the sources gave, under the options that were given
// beside them: as a ConfigMap. Relies on: sources that were loaded, and are usable.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/load.h"
#include "frontend/yaml/document.h"

namespace netpolc::frontend {

// One file of an imported directory each; in this order.
enum class KeptGroup : std::uint8_t { Config, Namespaces, Nodes, CidrGroups, Policies, Workloads, Pods, CiliumEndpoints, Identities, Services, Routes, Tests };
inline constexpr std::size_t kKeptGroups = static_cast<std::size_t>(KeptGroup::Tests) + 1;
const char* file_of(KeptGroup group);  // "policies.yaml"

struct KeptObject {
  KeptGroup group = KeptGroup::Pods;
  std::string kind, ns, name;
  Node node;
  // Of a policy that somebody wrote: its own text with its comments, of which `node` is what is read. None where it cannot be kept.
  std::optional<std::string> text = {};
};

struct Kept {
  std::vector<KeptObject> objects;     // by group, then in order of arrival; of two with one name the later
  std::size_t other_kinds = 0;         // not kept
  std::size_t rejected = 0;            // policies that Cilium would reject: not kept
  std::size_t comments_lost = 0;       // policies with comments whose text could not be kept
};

Kept keep(const SourceManager& sources, const Loaded& loaded);

}  // namespace netpolc::frontend
