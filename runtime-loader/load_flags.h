// runtime-loader/load_flags.h — the options of `load` that are about how, and not about what: the daemon has them too.
#pragma once
#include <string>

#include "runtime-loader/load.h"

namespace CLI {
class App;
}

namespace netpolc::loader {

struct LoadFlags {
  LoadOptions load;
  std::string mode = "auto", fresh = "deny";
  // Once they are read.
  Done finish();
};
// `flags` outlives the command.
void add_load_flags(CLI::App& command, LoadFlags& flags);

}  // namespace netpolc::loader
