// compiler/lint/suppress.h — findings that somebody has looked at and wants to keep quiet, with the reason beside them:
//
//   metadata: {annotations: {netpolc.io/ignore: "NP033 the job is created at night"}}     all of the object
//   # netpolc:ignore NP020 this node is outside of the mesh                               what starts on the next line, all of it
//   - toCIDR: [10.0.64.1/32]  # netpolc:ignore NP020 …                                    this line
//
// One or more codes, then a reason: without one nothing is kept quiet, and NP009 says so.
#pragma once
#include <string>
#include <vector>

#include "compiler/lint/places.h"
#include "compiler/lint/rule.h"

namespace netpolc::lint {

struct Suppression {
  Span covers;
  std::vector<std::string> codes;
};

class Suppressions {
 public:
  // Reads the files that have such words in them, and no other.
  explicit Suppressions(Places& places);
  bool cover(const Diagnostic& finding) const;
  const Findings& faults() const { return faults_; }  // NP009

 private:
  void read_annotations(const frontend::Node& object);
  void read_comments(FileId file);
  void read_comment(FileId file, std::uint32_t begin, std::uint32_t end, std::string_view words);
  void add(Span covers, Span written, std::string_view words);
  void fault(Span written, std::string message);

  Places& places_;
  std::vector<Suppression> all_;
  Findings faults_;
};

}  // namespace netpolc::lint
