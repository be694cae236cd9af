// runtime-loader/attachment.h — which interface stands for which endpoint: what is asked for on
// the command line or in a file of JSON lines, and what it became on this node.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/address.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

struct AttachRequest {
  std::string endpoint;  // "namespace/name" of a workload or of one of its pods
  std::string ifname;
  std::string netns;               // "", a name or a path
  std::vector<Address> addresses;  // of this pod, where it isn't (or no longer) what the bundle says
  bool audit = false;              // what policy denies passes, and is counted and reported
  // Where the bundle knows no pod or workload of this name: identity labels, as `netpolc identity list` has them.
  std::vector<std::string> labels = {};
  std::string origin = {};         // who asked: "" for a load, "list" or "feed" for the daemon

  friend bool operator==(const AttachRequest&, const AttachRequest&) = default;
};

// Of a pod that the bundle doesn't know.
inline constexpr std::size_t kNoEndpoint = SIZE_MAX;

enum class AttachMode : std::uint8_t { Tcx, Clsact };

// As it was asked for, and what became of it.
struct Attachment : AttachRequest {
  int ifindex = 0;
  std::uint64_t netns_inode = 0;
  std::size_t bundle_endpoint = 0;  // index into Bundle::endpoints, or kNoEndpoint
  std::string program = {};         // digest of the one that it has; "" where it has none of the bundle
  AttachMode mode = AttachMode::Tcx;
  bool for_node = false;            // the program is the node's own (host.h)
  std::string blocked = {};         // not empty: why it has the program that lets nothing pass (endpoints.h)
  std::string open = {};            // not empty: why nothing is attached
  // Has a program, or shall have one.
  bool wants_program() const { return open.empty(); }
};

Result<AttachRequest> parse_attach_option(const std::string& text);  // "ns/pod=IFNAME"
Result<std::vector<AttachRequest>> parse_attach_lines(const std::string& text,
                                                      const std::string& name);  // `name`: for messages

}  // namespace netpolc::loader
