// compiler/lists/identities.h — identities as `identity list` and `identity get` show them: in the look of Cilium's table, and as data
// in the shape of its API with more fields (docs/schema/IdentityList.json, IdentityResult.json).
#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "compiler/session.h"
#include "ir/identity/identities.h"

namespace netpolc::compiler::lists {

// Where a number is from (semantics reference, section 3.1): reserved ones mean the same everywhere, those of a cluster are shared by
// its nodes, and prefixes and nodes have numbers that are each node's own.
enum class Scope : std::uint8_t { Reserved, Cluster, OtherCluster, External, Node };
const char* to_string(Scope scope);  // "cluster"
Scope scope_of(const ir::Identity& identity, const ir::Config& config);

struct IdentityRow {
  std::uint32_t id = 0;
  Scope scope = Scope::Cluster;
  std::vector<std::string> labels;     // "k8s:app=cart"
  std::vector<std::string> prefixes;   // as the ipcache has them
  std::vector<std::string> endpoints;  // "shop/cart": workloads with these labels, those of other clusters included
};

using IsWanted = std::function<bool(const ir::Identity&)>;
// In the order of numbers.
std::vector<IdentityRow> identity_rows(const Session& session, const ir::Identities& identities, const IsWanted& wanted);

struct TableStyle {
  bool wide = false;        // more columns
  bool headers = true;
  bool cilium_dbg = false;  // the header that newer versions of cilium-dbg print
};
std::string to_text(const std::vector<IdentityRow>& rows, const TableStyle& style);
nlohmann::ordered_json to_json(const std::vector<IdentityRow>& rows);

}  // namespace netpolc::compiler::lists
