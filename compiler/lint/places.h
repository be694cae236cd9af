// compiler/lint/places.h — where in the manifests something is written that the IR keeps no place of: a key, a label, a value.
// The IR has places of policies, rules and port rules; what lies inside is found by reading the file's text again, only for
// files that something is found in. What is not found has the place of what it was looked for in: never a wrong one.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/yaml/document.h"
#include "ir/base/source.h"

namespace netpolc::frontend {
class ParseCache;
}

namespace netpolc::lint {

class Places {
 public:
  // `sources` outlives it, and so does `parsed`: what the files read as, where somebody keeps it; null: they are read here.
  explicit Places(const SourceManager& sources, const frontend::ParseCache* parsed = nullptr) : sources_(sources), parsed_(parsed) {}

  // Within what stands at `inside` (a place of the IR's), the first …
  Span key(Span inside, std::string_view name);                          // key of this name
  Span value(Span inside, std::string_view text);                        // scalar that reads so
  Span value_of(Span inside, std::string_view key, std::string_view text);  // ... as a value, or in a list, under this key
  // A label's value under its key, with or without a prefix of source; of `values:` in matchExpressions, too.
  Span label_value(Span inside, std::string_view key, std::string_view value);
  Span label_key(Span inside, std::string_view key);

  // What is written there; null where it is not found.
  const frontend::Node* node_at(Span place);
  const std::vector<const frontend::Node*>& documents(FileId file);
  const SourceManager& sources() const { return sources_; }

 private:
  const SourceManager& sources_;
  const frontend::ParseCache* parsed_;
  std::map<FileId, std::vector<const frontend::Node*>> documents_;
  std::map<FileId, std::vector<frontend::Node>> read_;  // what of these is our own
};

}  // namespace netpolc::lint
