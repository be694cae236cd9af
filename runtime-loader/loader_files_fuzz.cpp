// Any bytes as the other files that the loader reads: its state, attach lines, a certificate. What is refused has a reason; what
// is taken as state is written as it was read.
#include <net/if.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime-loader/certificate.h"
#include "runtime-loader/sha256.h"
#include "runtime-loader/state.h"

using namespace netpolc::loader;

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", what);
  std::abort();
}

template <class T>
void require_reason(const Result<T>& result) {
  require(result || (result.error().kind == FailureKind::Input && !result.error().message.empty()), "what is refused is the file's fault, and said");
}

void check_state(const std::string& text) {
  const auto state = parse_state(text, "state.json");
  require(state || !state.error().message.empty(), "what is refused has a reason");
  if (!state) return;
  const std::string printed = to_json(*state);
  const auto again = parse_state(printed, "state.json");
  require(again && to_json(*again) == printed, "state is written as it was read");
}

void check_lines(const std::string& text) {
  const auto requests = parse_attach_lines(text, "FILE");
  require_reason(requests);
  if (!requests) return;
  for (const AttachRequest& request : *requests)
    require(request.endpoint.find('/') != std::string::npos && !request.ifname.empty() && request.ifname.size() < IF_NAMESIZE, "a request names an endpoint and an interface");
}

void check_certificate(const std::string& text) {
  Bundle bundle;
  BundleProgram& program = bundle.programs.emplace_back();
  program.object = "a.o";
  program.certificate_path = "a.json";
  program.certificate = text.empty() ? " " : text;
  bundle.files = {{"a.o", sha256_hex("")}, {"a.json", sha256_hex(text)}};
  require_reason(check_certificates(bundle, "DIR"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_state(text);
  check_lines(text);
  check_certificate(text);
  return 0;
}
