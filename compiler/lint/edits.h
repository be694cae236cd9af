// compiler/lint/edits.h — fixes as changes of the text: what they replace is a value in place, or a piece between two others, so that
// comments and the rest of the formatting stay as they are.
#pragma once
#include <optional>
#include <string>

#include "compiler/lint/facts.h"

namespace netpolc::lint {

// The text at `place`, which is that of a scalar that reads `value`, made to read `better`: quotes stay. None where the scalar is
// written so that a part cannot be put in place (escapes, blocks, anchors), or `place` is not the scalar's.
std::optional<std::string> written_as(const Facts& facts, Span place, const std::string& value, const std::string& better);

// A new entry of a mapping before the one whose key is at `key`, in the style of the mapping: on a line of its own, or with a comma.
// `entry`: one line of YAML; in JSON its words are put in quotes.
FixIt entry_before(const Facts& facts, const frontend::Node& mapping, const frontend::Node& key, const std::string& entry);

// `item`, written in YAML, as a new last one of the list under `key`: in the style of the list and with the steps of indentation of
// the file. `spec`: the mapping that `key` is in. None where that could touch more than this list.
std::optional<FixIt> item_at_end(const Facts& facts, const frontend::Node& spec, const std::string& key, const std::string& item);

// The list under `key` of `mapping`, where an edit of it touches nothing else: it is written there, and neither an anchor nor an alias.
const frontend::Node* own_list(const Facts& facts, const frontend::Node& mapping, const std::string& key);

// The scalars `first` to `last` of such a list made one that reads `better`, in the quotes of the first. None where anything but the list's
// own signs stands between them, a comment say, or at the first.
std::optional<FixIt> items_as_one(const Facts& facts, const frontend::Node& list, std::size_t first, std::size_t last, const std::string& better);

// An item taken out of its list with what belongs to it, its own line and all. None for the only item, and where a comment would go.
std::optional<FixIt> without_item(const Facts& facts, const frontend::Node& list, std::size_t item);

}  // namespace netpolc::lint
