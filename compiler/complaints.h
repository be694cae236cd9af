// compiler/complaints.h — what a run said on stderr in place of an answer, kept for those who asked for JSON or YAML: they get it on
// stdout, as {"apiVersion","kind":"Error","error":{"message","diagnostics"}} (docs/schema/Error.json), and still the exit status 2 or 4.
#pragma once
#include <string>
#include <vector>

#include "ir/base/diagnostics.h"

namespace netpolc::compiler {

// Of one run; not of several at a time.
class Complaints {
 public:
  void clear();
  void add(std::string message);                                            // "no pod or workload `a/b`"
  void add(const Diagnostic& diagnostic, const SourceManager& sources);  // an error of the input
  // A line of JSON. "" where nothing was said.
  std::string json() const;

 private:
  struct Placed {
    std::string code, message, file;
    LineColumn at;
  };
  std::vector<std::string> messages_;
  std::vector<Placed> diagnostics_;
};
Complaints& complaints();

// "json" or "yaml" where these words of a command line ask for that with `-o`, else "".
std::string asked_document(const std::vector<std::string>& words);

}  // namespace netpolc::compiler
