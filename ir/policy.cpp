#include "ir/policy.h"

namespace netpolc::ir {

const char* to_string(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::CiliumNetworkPolicy:
      return "CiliumNetworkPolicy";
    case PolicyKind::CiliumClusterwideNetworkPolicy:
      return "CiliumClusterwideNetworkPolicy";
    case PolicyKind::NetworkPolicy:
      return "NetworkPolicy";
    case PolicyKind::ClusterNetworkPolicy:
      return "ClusterNetworkPolicy";
  }
  return "?";
}

}  // namespace netpolc::ir
