// runtime-loader/bundle.h — a bundle as the loader reads it (written by `netpolc compile`).
//
// Nothing of a bundle is believed before its checksums are: bundle.json names every other file
// with its SHA-256 and itself has a digest. That finds damage and half-copied directories; who
// may write the directory is still trusted, since whoever can change a file can write its sum:
// trust.h asks for a signature first. Any bytes and any names may be in the directory: what is
// taken is bounded (bundle_limits.h), and nothing outside of it is read.
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
  std::string source_path;       // the C it was compiled from; "": none, as the next two
  std::string source_map_path;   // from that C's lines to the policies', JSON
  std::string certificate_path;  // it was proved; see certificate.h
  // Content of these four; empty after read_manifest, and with Contents::Left (use read_checked).
  std::string bytes, source, source_map, certificate;
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
  std::string bytes;   // its content, as a program's
  bool services = false;
  std::vector<Address> behind_services;
  std::string certificate_path, certificate;  // as a program's
};

// By whom a bundle is signed: a trusted key, and what its owner said with it.
struct BundleSigner {
  std::string key_id;   // as minisign shows it
  std::string comment;  // the trusted comment: one line
  std::string key_file;
};
// Of which namespaces policies speak: a pod there that the bundle does not know may be selected by one.
struct BundlePolicing {
  std::vector<std::string> namespaces;  // sorted
  bool everywhere = false;              // some policy may select pods of any namespace,
  std::vector<std::string> except;      // but for these; sorted
  bool covers(const std::string& ns) const;
};

struct Bundle {
  std::string digest, generator;
  std::optional<BundleSigner> signer;  // none: it isn't signed, or no key is trusted
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
  BundlePolicing policing;  // of a compiler that did not say: namespaces with an endpoint on which something is enforced
  std::map<std::string, std::string> files;  // SHA-256 by path of all but bundle.json
  std::string manifest;  // bundle.json, as it was read
};

inline constexpr const char* kManifestFile = "bundle.json";

// Names that mean the same to every file system, and stay within the directory: what bundle.json may list.
bool is_plain_path(const std::string& path);

// Whether what programs are made of stays in memory once it was checked.
enum class Contents : std::uint8_t { Kept, Left };

// Reads and checks everything; fails as input with the file, the field and what to do. Files
// that bundle.json doesn't list are refused, but for its signature.
Result<Bundle> read_bundle(const std::string& directory, Contents contents = Contents::Kept);
// The same in two steps: bundle.json's bytes, and what they say of the rest.
Result<std::string> manifest_text(const std::string& directory);
Result<Bundle> read_bundle_of(const std::string& directory, std::string manifest, Contents contents);
// A file of the bundle, its digest checked again. `path` as in `files`.
Result<std::string> read_checked(const std::string& directory, const Bundle& bundle, const std::string& path);
// bundle.json alone, its own digest checked; programs have no bytes. `name`: for messages.
Result<Bundle> read_manifest(const std::string& text, const std::string& name);

// The endpoint called "namespace/name", by the name of a pod or else of the workload. Fails as
// input where there is none, or several workloads of one name.
Result<std::size_t> find_endpoint(const Bundle& bundle, const std::string& name);

}  // namespace netpolc::loader
