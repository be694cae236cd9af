// runtime-loader/bundle.h — a bundle as the loader reads it (written by `netpolc compile`).
//
// Nothing of a bundle is believed before its checksums are: bundle.json names every other file
// with its SHA-256 and itself has a digest. That finds damage and half-copied directories; who
// may write the directory is still trusted, since whoever can change a file can write its sum.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/decide/denied_outside.h"
#include "runtime-loader/address.h"
#include "runtime-loader/maps.h"
#include "runtime-loader/result.h"
#include "runtime-loader/selectors.h"

namespace netpolc::loader {

// The policy's text behind a rule.
struct RuleOrigin {
  std::string kind, ns, name;
  std::string rule;  // "ingress[0]"
  std::string file;
  std::uint32_t line = 0, column = 0;
};

// What a program knows of one direction.
struct BundleDirection {
  std::string enforcement;
  std::vector<std::string> rule_texts;  // by number
  PeerBits peers;
  std::size_t words = 1;  // of each peer
  Selectors selectors;    // by bit; none: a bundle of a compiler that did not write them
};
struct BundleProgram {
  std::string digest;  // 64 hexadecimal digits
  std::uint64_t tag = 0;
  std::string object;      // path in the bundle
  std::string bytes;       // its content; empty after read_manifest, as are:
  std::string source;      // the C it was compiled from
  std::string source_map;  // from that C's lines to the policies', JSON
  std::string certificate_path;  // in the bundle; "": it was not proved
  std::string certificate;       // see certificate.h
  BundleDirection ingress, egress;
  ir::DeniedOutside outside;  // what its ingress denies to whoever is outside the cluster
  bool is_enforced() const { return ingress.enforcement != "none" || egress.enforcement != "none"; }
};

struct BundlePod {
  std::string name, node;
  std::vector<Address> addresses;
};
struct BundleEndpoint {
  std::string ns, name, kind;
  bool is_node = false;  // `name` is that of a node, with a policy of its own (the host firewall)
  std::uint32_t identity = 0;
  std::size_t program = 0;  // index into Bundle::programs
  std::vector<BundlePod> pods;
  // Where each rule of the program comes from for this endpoint; nothing: no policy of anybody's.
  std::vector<std::optional<RuleOrigin>> ingress_rules, egress_rules;
  std::string full_name() const { return is_node ? "node " + name : ns + "/" + name; }
};
struct BundleNode {
  std::string name;
  std::vector<Address> addresses;
  std::uint32_t identity = 0;  // as other nodes see it
  std::optional<std::vector<std::string>> host = std::nullopt;  // labels of identity 1 there; none: those that it has in the bundle
};

// For the node's external device; see codegen-bpf/xdp/outside.h.
struct BundleXdp {
  std::string object;  // path in the bundle; "": no policy denies anything from outside
  std::string bytes;   // its content; empty after read_manifest
  bool services = false;
  std::vector<Address> behind_services;
  std::string certificate_path, certificate;  // as a program's
};

struct Bundle {
  std::string digest, generator;
  std::uint32_t world4 = 2, world6 = 2;
  std::uint16_t tunnel_port = 0;  // see np_config
  int cilium_version = 18;  // whose semantics: 18 for 1.18
  bool cidr_matches_nodes = false;
  std::string policy_digest, live_digest;  // of what decides, and of who is where; "": not said
  std::vector<BundleProgram> programs;
  std::vector<BundleEndpoint> endpoints;  // nodes with a policy of their own come last
  std::vector<BundleNode> nodes;
  std::map<std::uint32_t, std::vector<std::string>> identities;  // labels
  std::map<std::uint32_t, std::vector<ir::NamedPort>> named_ports;  // of identities that have some
  AddressIdentities addresses;
  BundleXdp xdp;
  std::map<std::string, std::string> files;  // SHA-256 of every other file, by its path in the bundle
  std::string manifest;  // bundle.json, as it was read
};

// Reads and checks everything; fails as input with the file, the field and what to do.
Result<Bundle> read_bundle(const std::string& directory);
// bundle.json alone, its own digest checked; programs have no bytes. `name`: for messages.
Result<Bundle> read_manifest(const std::string& text, const std::string& name);

// A file of the bundle, which has the sum that the manifest has for it. Fails as input.
Result<std::string> read_checked(const std::string& directory, const Bundle& bundle, const std::string& path);

// The endpoint called "namespace/name", by the name of a pod or else of the workload. Fails as
// input where there is none, or several workloads of one name.
Result<std::size_t> find_endpoint(const Bundle& bundle, const std::string& name);

}  // namespace netpolc::loader
