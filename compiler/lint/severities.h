// compiler/lint/severities.h — levels that somebody chose for codes, in place of those that rules give: on the command line
// (`--severity NP041=error`) or in the settings. What Cilium rejects is no finding and stays an error.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "ir/base/diagnostics.h"

namespace netpolc::lint {

// None: `off`, and such findings are left out.
using Severities = std::map<DiagKind, std::optional<Severity>>;

// "error", "warning", "note" or "off".
bool is_severity(const std::string& word);
// "" for the code of a finding; else what is wrong with it, with the code that was meant if one is near.
std::string wrong_code(const std::string& code);
// Adds "NP041=error". "" or what is wrong; the later of two for one code counts.
std::string add_severity(const std::string& text, Severities& to);

}  // namespace netpolc::lint
