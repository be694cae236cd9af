// `check`: whether a bundle would be taken, without a kernel or privileges; and the options that say whose bundles are.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime-loader/certificate.h"
#include "runtime-loader/command.h"
#include "runtime-loader/trust.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string bundle, format = "text";
  TrustOptions trust;
  bool require_proof = false;
};

// Whatever certificates there are must be right; none at all is only refused with --require-proof.
bool has_certificates(const Bundle& bundle) {
  for (const BundleProgram& program : bundle.programs)
    if (!program.certificate_path.empty()) return true;
  return !bundle.xdp.certificate_path.empty();
}

Done check_proofs(const Bundle& bundle, const std::string& directory) {
  if (Done done = check_certificates(bundle, directory); !done) return done;
  return check_outside_certificate(bundle, directory);
}

void report(const Options& o, const Bundle& bundle, bool proved) {
  if (o.format == "json") {
    print(Json{{"bundle", bundle.digest}, {"signer", signer_json(bundle.signer)}, {"proved", proved}, {"programs", bundle.programs.size()}, {"endpoints", bundle.endpoints.size()}, {"files", bundle.files.size()}}.dump(1) + "\n");
    return;
  }
  print("good: bundle " + bundle.digest.substr(0, 12) + ", " + std::to_string(bundle.programs.size()) + " programs, " + std::to_string(bundle.endpoints.size()) + " endpoints, " +
        std::to_string(bundle.files.size()) + " files\n  " + (bundle.signer ? "signed by " + to_string(*bundle.signer) : "no signature of a trusted key") + "\n  " +
        (proved ? "a certificate for every program" : "no certificates") + "\n");
}

int check_command(Options& o) {
  o.trust.contents = Contents::Left;
  const auto bundle = read_trusted_bundle(o.bundle, o.trust);
  if (!bundle) return complain(bundle.error());
  const bool proved = o.require_proof || has_certificates(*bundle);
  if (const Done done = proved ? check_proofs(*bundle, o.bundle) : Done(); !done) return complain(done.error());
  report(o, *bundle, proved);
  return kGood;
}

}  // namespace

nlohmann::ordered_json signer_json(const std::optional<BundleSigner>& signer) {
  if (!signer) return nullptr;
  return {{"keyId", signer->key_id}, {"comment", signer->comment}, {"keyFile", signer->key_file}};
}

void add_trust_options(CLI::App& command, TrustOptions& trust) {
  command.add_option("--trusted-keys", trust.keys, std::string("a file of minisign public keys, or a directory of such (*.pub), instead of ") + kTrustedKeys + ": a bundle that is signed must be signed by one of them (repeatable)")
      ->take_all();
  command.add_flag("--require-signature", trust.require_signature, "refuse a bundle that isn't signed by a trusted key (`netpolc sign`)");
}

void add_check_command(CLI::App& app, CommandAction& chosen) {
  auto o = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("check", "whether a bundle is whole, and by whom it is signed; needs no privileges and changes nothing");
  command.add_option("BUNDLE", o->bundle, "directory that `netpolc compile` wrote")->required();
  add_trust_options(command, o->trust);
  command.add_flag("--require-proof", o->require_proof, "refuse a bundle unless each of its programs has a certificate that it was proved (`netpolc compile --prove`)");
  command.add_option("-o,--output", o->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  command.callback([o, &chosen] { chosen = [o] { return check_command(*o); }; });
}

}  // namespace netpolc::loader
