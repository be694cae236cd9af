#include "runtime-loader/certificate.h"

#include <set>

#include "ir/certificate.h"
#include "runtime-loader/bounded_json.h"
#include "runtime-loader/json_field.h"
#include "runtime-loader/sha256.h"
#include "trust/plain_line.h"

namespace netpolc::loader {
namespace {

constexpr const char* kProve = "; make the bundle with `netpolc compile --prove`";

void same(const JsonField& field, const std::string& wanted, const std::string& what) {
  if (field.text() != wanted) field.fail("is of another " + what);
}

template <class Names>
void check_proof(const JsonField& proof, const Names& parts) {
  std::set<std::string> missing(parts.begin(), parts.end());
  proof.at("parts").each([&](const JsonField& part) {
    const std::string& name = part.at("part").text();
    if (const std::string& answer = part.at("answer").text(); answer != "proved") part.fail("says that " + name + " is " + answer);
    missing.erase(name);
  });
  if (!missing.empty()) proof.at("parts").fail("does not speak of " + *missing.begin());
}

std::string rows_digest(const BundleDirection& direction) { return sha256_hex(ir::certified_text(direction.peers, direction.words)); }

struct Users {
  bool pods = false, nodes = false;
  std::string first;
};
Users users_of(const Bundle& bundle, std::size_t program) {
  Users out;
  for (const BundleEndpoint& endpoint : bundle.endpoints) {
    if (endpoint.program != program) continue;
    (endpoint.is_node ? out.nodes : out.pods) = true;
    if (out.first.empty()) out.first = endpoint.full_name();
  }
  return out;
}

void check_kind(const JsonField& root) {
  if (root.at("apiVersion").text() != "netpolc.dev/v1") root.at("apiVersion").fail("is `" + root.at("apiVersion").text() + "`; this loader reads netpolc.dev/v1");
  if (root.at("kind").text() != "Certificate") root.at("kind").fail("expected Certificate");
}
template <class Names>
void check_proofs(const JsonField& root, const Names& parts) {
  std::size_t proofs = 0;
  root.at("proofs").each([&](const JsonField& proof) {
    check_proof(proof, parts);
    ++proofs;
  });
  if (proofs == 0) root.at("proofs").fail("has no proof");
}

void check(const Bundle& bundle, const BundleProgram& program, const Users& users, const JsonField& root) {
  check_kind(root);
  same(root.at("program"), program.digest, "program than " + program.digest);
  if (users.pods) same(root.at("subject"), "pod", "program than that of a pod");
  if (users.nodes) same(root.at("subject"), "node", "program than that of a node");
  same(root.at("bytecode"), bundle.files.at(program.object), "object than " + program.object);
  same(root.at("rows").at("ingress"), rows_digest(program.ingress), "set of peers than those of bundle.json for ingress");
  same(root.at("rows").at("egress"), rows_digest(program.egress), "set of peers than those of bundle.json for egress");
  same(root.at("selectors").at("ingress"), sha256_hex(ir::certified_text(program.ingress.selectors)), "set of selectors than those of bundle.json for ingress");
  same(root.at("selectors").at("egress"), sha256_hex(ir::certified_text(program.egress.selectors)), "set of selectors than those of bundle.json for egress");
  check_proofs(root, ir::kCertifiedParts);
}

std::string denied_digest(const Bundle& bundle) {
  ir::CertifiedOutside out{{}, bundle.xdp.services, {}};
  for (const BundleProgram& program : bundle.programs)
    if (!program.outside.empty()) out.programs[program.digest] = program.outside;
  for (const Address& address : bundle.xdp.behind_services) out.behind_services.emplace(reinterpret_cast<const char*>(address.bytes.data()), address.size());
  return sha256_hex(ir::certified_text(out));
}

void check_outside(const Bundle& bundle, const JsonField& root) {
  check_kind(root);
  same(root.at("program"), ir::kOutsideProgram, std::string("program than ") + ir::kOutsideProgram);
  same(root.at("subject"), ir::kOutsideSubject, std::string("program than that of an ") + ir::kOutsideSubject);
  same(root.at("bytecode"), bundle.files.at(bundle.xdp.object), "object than " + bundle.xdp.object);
  same(root.at("denied"), denied_digest(bundle), "set of what programs deny from outside than bundle.json's");
  check_proofs(root, ir::kCertifiedOutsideParts);
}

// `kept`: its text where it is in memory. `check`: throws as fields do.
template <class Check>
Done check_certificate(const Bundle& bundle, const std::string& directory, const std::string& path, const std::string& kept, const Check& check) {
  const auto text = kept.empty() ? read_checked(directory, bundle, path) : Result<std::string>(kept);
  if (!text) return tl::make_unexpected(text.error());
  const std::string name = directory + "/" + path;
  const auto json = parse_bounded(*text, name);
  if (!json) return bad_input(json.error().message + kProve);
  try {
    check(JsonField(*json));
  } catch (const BadField& bad) {
    return bad_input(name + ": " + trust::shown(bad.what()) + kProve);
  }
  return {};
}

Done check_program(const Bundle& bundle, std::size_t at, const std::string& directory) {
  const BundleProgram& program = bundle.programs[at];
  const Users users = users_of(bundle, at);
  if (program.certificate_path.empty())
    return bad_input(directory + "/bundle.json: program " + program.digest + (users.first.empty() ? "" : " of " + users.first) + " has no certificate, so nobody says that it was proved" + kProve);
  return check_certificate(bundle, directory, program.certificate_path, program.certificate, [&](const JsonField& root) { check(bundle, program, users, root); });
}

}  // namespace

Done check_certificates(const Bundle& bundle, const std::string& directory) {
  for (std::size_t i = 0; i < bundle.programs.size(); ++i)
    if (Done done = check_program(bundle, i, directory); !done) return done;
  return {};
}

Done check_outside_certificate(const Bundle& bundle, const std::string& directory) {
  if (bundle.xdp.object.empty()) return {};
  if (bundle.xdp.certificate_path.empty())
    return bad_input(directory + "/bundle.json: the program for external devices has no certificate, so nobody says that it was proved" + kProve);
  return check_certificate(bundle, directory, bundle.xdp.certificate_path, bundle.xdp.certificate, [&](const JsonField& root) { check_outside(bundle, root); });
}

}  // namespace netpolc::loader
