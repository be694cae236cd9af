// frontend/yaml/pieces.h — large dumps (`kubectl get -A -o json`) object by object, so that no more of one is in memory as Nodes than
// what is looked at. For whoever keeps little of many objects: the loader and `import`.
//
// Promises: what is taken is what parse_documents gives, with the same places, but that the items of lists come one after another,
// and that nothing is reported, as nothing is wrong: that the whole text is JSON without a fault is found before anything is taken.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "frontend/yaml/document.h"

namespace netpolc::frontend {

// What `items` of a list has. Valid while the sources are.
class Items {
 public:
  Items(FileId file, std::string_view text, std::vector<std::uint32_t> begins) : file_(file), text_(text), begins_(std::move(begins)) {}
  std::size_t size() const { return begins_.size(); }
  Node read(std::size_t index) const;  // each time anew

 private:
  FileId file_;
  std::string_view text_;
  std::vector<std::uint32_t> begins_;
};

// Takes every document: of objects whose kind ends in `List` and which have a list `items`, that list is empty in `document` and `items`
// has what is in it; of others `items` has nothing. False: it isn't JSON, or something is wrong with it. Then nothing was taken, and
// parse_documents reads it and reports.
bool read_in_pieces(FileId file, const SourceManager& sources, const std::function<void(Node document, const Items& items)>& take);

// As parse_documents, for what is not read in pieces: each item of a document's list `items` is given to `shrink` as soon as it is
// read, which may drop of it what won't be looked at.
using Shrink = std::function<void(Node& item)>;
std::vector<Node> parse_documents(FileId file, const SourceManager& sources, DiagSink& sink, const Shrink& shrink);

}  // namespace netpolc::frontend
