// Any bytes as bundle.json: as they are, and as whoever can hash would give them, with the digest of what they say. What is
// refused has a reason that can be shown; what is taken stays within what bundle_limits.h promises.
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime-loader/bundle.h"
#include "runtime-loader/bundle_limits.h"
#include "runtime-loader/sha256.h"
#include "trust/plain_line.h"

using namespace netpolc::loader;
namespace trust = netpolc::trust;

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", what);
  std::abort();
}

void check(const std::string& text) {
  const auto bundle = read_manifest(text, "bundle.json");
  if (!bundle) {
    require(bundle.error().kind == FailureKind::Input, "a bundle is never the machine's fault");
    require(bundle.error().message.starts_with("bundle.json: "), "a refusal names the file");
    require(bundle.error().message.find('\x1b') == std::string::npos, "a refusal can be shown");
    return;
  }
  require(bundle->manifest == text, "the manifest is kept as it was read");
  require(bundle->programs.size() <= kPrograms && bundle->endpoints.size() <= kEndpoints + kNodes && bundle->files.size() <= kFiles, "counts are bounded");
  for (const auto& [path, sum] : bundle->files) require(sum.size() == 64 && !path.starts_with("/") && path.size() <= kPathLimit && path.find("..") != 0, "a path is one in the bundle");
  for (const BundleProgram& program : bundle->programs) {
    require(bundle->files.contains(program.object), "an object has a checksum");
    for (const BundleDirection* direction : {&program.ingress, &program.egress})
      for (const auto& [identity, bits] : direction->peers) require(bits.size() == direction->words, "peers have as many words as the program");
  }
  for (const BundleEndpoint& endpoint : bundle->endpoints) {
    require(endpoint.program < bundle->programs.size(), "an endpoint has a program");
    require(endpoint.ingress_rules.size() == bundle->programs[endpoint.program].ingress.rule_texts.size(), "as many origins as rules");
    if (!endpoint.is_node) (void)find_endpoint(*bundle, endpoint.full_name());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check(text);
  auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return 0;
  json["digest"] = "";
  const std::string blank = json.dump();
  std::string sealed = blank;
  sealed.insert(sealed.find(R"("digest":"")") + 10, sha256_hex(blank));
  check(sealed);
  return 0;
}
