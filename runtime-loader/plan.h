// runtime-loader/plan.h — what a load shall make of a node, worked out before the kernel is
// touched. Pure but for looking interfaces up.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "runtime-loader/attachment.h"
#include "runtime-loader/bundle.h"
#include "runtime-loader/state.h"

namespace netpolc::loader {

struct ResolvedRequest {
  AttachRequest request;
  std::size_t endpoint = 0;  // index into Bundle::endpoints
};
// As what is loaded was asked for; of endpoints that the bundle has.
std::vector<ResolvedRequest> requests_of(const std::vector<Attachment>& attachments);
// By Bundle::programs. A node without pods has the first program, for the maps that come with it.
std::set<std::size_t> programs_of(const Bundle& bundle, const std::vector<Attachment>& attachments);

// Who is where, and the identities that the bundle doesn't have.
struct AddressPlan {
  AddressIdentities addresses;
  LearnedIdentities learned;  // all numbers that were ever given: a label set keeps its number
  std::optional<IdentityKey> host = std::nullopt;  // see own_node
  // Of those the ones that an address has.
  LearnedIdentities used() const;
  // Whose bits the bundle doesn't have: those, and the own node's.
  LearnedIdentities peers() const;
};

// The node that this is: as the bundle calls it ("" for none of its), and what else it has.
struct ThisNode {
  std::string name;
  std::vector<Address> addresses = {};
};

// The identity of every address, in four layers, later over earlier:
//   1. the bundle's table
//   2. addresses of `node`: this is the pods' own node (identity 1); of those that the bundle doesn't
//      call the node's, the ones that the bundle knows no single owner of
//   3. addresses given with an attachment; they replace the pod's own of the same family
//   4. what was said at run time. After another bundle was compiled, only about addresses that
//      this bundle doesn't name, and endpoints that it has; names and groups of addresses outside
//      the cluster stay, since they only add to what the bundle says.
Result<AddressPlan> addresses(const Bundle& bundle, const ThisNode& node, const std::vector<ResolvedRequest>& requests,
                              const std::map<Prefix, AddressOverride>& overrides, const LearnedIdentities& learned = {});

// Whose addresses the pods at these interfaces may send from. A family of which neither the request
// nor the bundle knows an address of the pod is not looked at, nor is an interface number that two
// network namespaces have for pods of different identities. Audited are those that ask for it, unless
// another pod has the same number and doesn't. `attachments`: one a request, in order.
std::map<std::uint32_t, np_interface> interfaces(const Bundle& bundle, const std::vector<ResolvedRequest>& requests,
                                                 const std::vector<Attachment>& attachments);

// Of the overrides those that stay in force with this bundle; see layer 4.
std::map<Prefix, AddressOverride> surviving(const std::map<Prefix, AddressOverride>& overrides, const Bundle& bundle,
                                            const std::string& former_digest);

// The same with the labels of identities in place of their numbers, which are those of `former`, the
// bundle that was loaded then, or of `learned`; reserved ones have the same number always. What was
// said by a number that neither of them knows is left out: nobody knows who it was.
std::map<Prefix, AddressOverride> in_words(std::map<Prefix, AddressOverride> overrides, const Bundle& former, const LearnedIdentities& learned);

// The node to take as local: as asked for (fails as input if the bundle lacks it), or `host_name`
// if it is a node of the bundle, or "".
Result<std::string> choose_node(const Bundle& bundle, const std::string& asked, const std::string& host_name);

}  // namespace netpolc::loader
