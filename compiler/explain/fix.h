// compiler/explain/fix.h — the line of YAML that would make the nearest rule allow what was asked for. Offered only where one
// thing differs and one line says it: a name, an address, a port, or the namespace of labels that are right otherwise.
#pragma once
#include <optional>
#include <string>

#include "compiler/explain/nearest.h"
#include "compiler/lint/places.h"

namespace netpolc::explain {

struct Fix {
  std::string file;
  std::uint32_t line = 0;    // below which it goes, or on which the list is that it goes into
  bool inside_list = false;  // a list in brackets
  std::string list;          // "toFQDNs", "ports", …
  std::size_t indent = 0;    // of the new line
  std::string yaml;          // "- matchName: cdn.example.com"; without the dash where inside_list
};
std::optional<Fix> fix_of(const Nearest& nearest, const Asked& asked, const ir::PolicySet& policies, lint::Places& places);

// Two lines for a terminal.
std::string to_text(const Fix& fix);

}  // namespace netpolc::explain
