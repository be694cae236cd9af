// ir/base/diagnostics.h — what we say to the author of a policy, in clang's shape.
//
//   policy.yaml:11:17: error[NP104]: port 80443 is out of range
//      11 |         - port: "80443"
//         |                 ^~~~~~~ ports are 0 to 65535
//   policy.yaml:10:9: note: in this `toPorts` entry of `allow-web`
//
// `Reported` proves that the user was told: only `DiagSink` can make one.
// Codes are contracts: see diagnostics.def.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "ir/base/source.h"

namespace netpolc {

enum class DiagKind : std::uint16_t {
#define NETPOLC_DIAG(name, code, summary) name = code,
#include "ir/base/diagnostics.def"
#undef NETPOLC_DIAG
};

enum class Severity { Error, Warning, Note };  // Note: of lint only
const char* to_string(Severity severity);       // "error"

struct DiagNote {
  std::optional<Span> span;  // none: printed without a place
  std::string message;
};

// Replace `span` by `replacement`; offered only if there is one sensible fix.
struct FixIt {
  Span span;
  std::string replacement;
};

struct Diagnostic {
  DiagKind kind;
  std::optional<Span> where;  // none: about the input as a whole
  std::string message;        // lower case, no full stop, YAML names in backticks
  std::string label = {};     // beside the caret
  std::vector<DiagNote> notes = {};
  std::optional<FixIt> fix = {};
  Severity severity = Severity::Error;
};

class DiagSink;
class Reported {
  friend class DiagSink;
  Reported() = default;
};

template <class T>
using Checked = tl::expected<T, Reported>;

// A fault of the machine: what was tried, on what, and why it failed.
struct Failure {
  std::string message;
};
template <class T>
using Result = tl::expected<T, Failure>;

// Collects; prints nothing. Not thread-safe.
class DiagSink {
 public:
  Reported error(Diagnostic diagnostic);
  void warning(Diagnostic diagnostic);
  std::size_t errors() const { return errors_; }
  std::size_t warnings() const { return all_.size() - errors_; }
  const std::vector<Diagnostic>& all() const { return all_; }

 private:
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
};

std::string_view diag_name(DiagKind kind);     // "PortOutOfRange"
std::string diag_code(DiagKind kind);          // "NP104"
std::string_view diag_summary(DiagKind kind);  // one line, for lists of codes

// The text shown to a person, with a final line break. `colour`: ANSI, 8 colours.
std::string render(const Diagnostic& diagnostic, const SourceManager& sources, bool colour = false);

}  // namespace netpolc
