// Any bytes as a file: whatever is refused has been said, every place that is said lies inside
// the file, and so does every place in what is accepted. Reading in pieces is reading as a whole.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "frontend/load.h"
#include "frontend/yaml/pieces_for_tests.h"

using namespace netpolc;

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", what);
  std::abort();
}

void require_inside(const Span& span, const SourceManager& sources) {
  require(span.file.value < sources.size(), "a place is in a file that exists");
  require(span.begin <= span.end && span.end <= sources.text(span.file).size(), "a place lies inside its file");
}

void check_said(const DiagSink& sink, const SourceManager& sources) {
  std::size_t rendered = 0;
  for (const Diagnostic& diagnostic : sink.all()) {
    if (diagnostic.where) require_inside(*diagnostic.where, sources);
    for (const DiagNote& note : diagnostic.notes)
      if (note.span) require_inside(*note.span, sources);
    if (diagnostic.fix) require_inside(diagnostic.fix->span, sources);
    if (++rendered <= 50) require(!render(diagnostic, sources).empty(), "a diagnostic has a text");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  SourceManager sources;
  DiagSink sink;
  const FileId file = sources.add("input.yaml", std::string(reinterpret_cast<const char*>(data), size));
  bool in_pieces = false;
  require(!frontend::difference_in_pieces(file, sources, in_pieces), "what is read in pieces reads as a whole");
  const frontend::LoadOptions options{.lax = size % 2 == 0, .keep_going = true, .cilium_version = 16 + static_cast<int>(size % 5)};
  const frontend::Loaded loaded = frontend::load({file}, options, sources, sink);
  require(loaded.usable || sink.errors() > 0, "what makes the input unusable has been said");
  for (const auto& result : loaded.results) require(result.accepted || sink.errors() > 0, "why a policy is rejected has been said");
  check_said(sink, sources);
  for (const ir::Policy& policy : loaded.policies.policies) {
    require_inside(policy.where, sources);
    for (const ir::Rule& rule : policy.rules) require_inside(rule.where, sources);
  }
  return 0;
}
