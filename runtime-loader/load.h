// runtime-loader/load.h — putting a bundle into force on this node, all of it or nothing.
//
//   read and check → plan → objects into the kernel → maps filled, `ready` last → attach
//
// Everything before the last step is beside what is running, so failing there changes nothing;
// the last step exchanges programs one by one and takes them back if one fails. Connections,
// drop counters and events are kept by both generations; each has its own ipcache and
// configuration, so no program ever sees identities of another bundle.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/attachment.h"
#include "runtime-loader/host.h"
#include "runtime-loader/installation.h"
#include "runtime-loader/maps.h"
#include "runtime-loader/result.h"
#include "runtime-loader/trust.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {

struct LoadOptions {
  std::string bundle;
  std::vector<AttachRequest> requests;
  std::string node;  // "": the host's name, if the bundle knows it
  bool require_proof = false;  // see certificate.h
  TrustOptions trust;          // whose bundles are taken
  std::string root = kDefaultRoot, state;
  std::optional<AttachMode> mode;
  std::vector<std::string> external;  // devices that lead out of the node: dropping begins there
  HostOptions host;                   // the node's own policy
  bool skip_unenforced = false; // no program for endpoints that no policy selects
  bool report_allowed = false;  // an event for each new allowed connection too
  std::uint32_t event_limit = 1024;  // events a processor, reason and second
  Lifetimes lifetimes;               // of flows
};

struct LoadReport {
  std::string bundle, former_bundle;  // digests; the latter "" at the first load
  std::string node;                   // "": none of the bundle's
  std::optional<BundleSigner> signer;
  std::vector<Attachment> attachments;
  std::size_t programs = 0, addresses = 0;
  std::vector<ExternalDevice> external;
  std::string nothing_at_host;   // not empty: why host devices were given and nothing is attached to them
  std::string nothing_external;  // not empty: why devices were asked for and nothing is attached to them
  std::string left_over;  // not empty: loaded, but something of the former bundle could not be taken away
  std::vector<std::string> forgotten;  // what was said of addresses of endpoints that the bundle doesn't have: world's now
  std::size_t skipped = 0;  // endpoints without policy that were left alone
};

Result<LoadReport> load(const LoadOptions& options);

}  // namespace netpolc::loader
