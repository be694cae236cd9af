// compiler/command_line/defaults.h — options that are not on the command line: from the environment, NETPOLC_CILIUM_VERSION for
// --cilium-version, then from `.netpolc.yaml` in the working directory or the nearest one above it that has one, then from
// netpolc/config.yaml in $XDG_CONFIG_HOME, which is ~/.config unless it is set.
//
//   cilium-version: "1.19"        # for every command that has the option
//   files: [rendered, policies]   # what is read where the command line names nothing; relative to this file
//   ignore: [charts/**, "!charts/keep.yaml"]  # what is passed over in directories, as in a .gitignore beside this file
//   lint:                         # for one command; those below it stand below: verify: {never: {…}}
//     ignore: [NP024]
//     severity: {NP041: error, NP561: off}
//     baseline: lint-baseline.json
#pragma once
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "compiler/command_line/command_table.h"

namespace CLI {
class App;
}

namespace netpolc::compiler {

// Words to be put behind those of the command line, `parsed` as far as it goes. The error is a text for stderr: with a place and a
// caret where it is about the file. A key that no command has is an error, with the one that was meant; a variable of the
// environment that is no option is somebody else's.
tl::expected<std::vector<std::string>, std::string> defaults(const CLI::App& parsed, bool colour);

// The file that counts for a directory, or nothing.
std::optional<std::string> configuration_above(const std::string& directory);
// That of whoever runs it, or nothing.
std::optional<std::string> configuration_of_user();

}  // namespace netpolc::compiler
