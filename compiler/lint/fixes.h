// compiler/lint/fixes.h — findings' fixes, applied to the text that they were found in. Pure: reads and writes no files.
//
// A fix is safe where the policy says afterwards what it says now, or what only it can have meant: a value in quotes, an entry less
// that matches nobody, a method in capitals. What is a guess at a name, or lets more pass than now, is for the author to confirm.
#pragma once
#include <string>
#include <vector>

#include "ir/base/diagnostics.h"

namespace netpolc::lint {

bool is_safe_fix(DiagKind kind);

struct FixedFile {
  FileId file;
  std::vector<FixIt> edits;   // sorted by place, none inside another
  std::size_t findings = 0;   // that these are for
};

// Of each file what is to be changed. Two that are for the same place and say the same are one edit; of two that overlap and differ
// the first is taken, and the other is left for the next time. `guesses`: those that are not safe, too.
std::vector<FixedFile> fixes_of(const std::vector<const Diagnostic*>& findings, bool guesses);

std::string with_edits(std::string_view text, const std::vector<FixIt>& edits);

// As `diff -u` would print it, with three lines around each change.
std::string unified_diff(const std::string& path, std::string_view text, const std::vector<FixIt>& edits);

}  // namespace netpolc::lint
