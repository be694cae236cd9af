#include <CLI/CLI.hpp>
#include <cstdio>

#include "compiler/commands.h"
#include "compiler/exit_code.h"

namespace netpolc::compiler {

std::string version() { return NETPOLC_VERSION; }
std::string version_line() { return "netpolc " NETPOLC_VERSION ", Cilium 1.16 to 1.20 (default 1.18)"; }

void add_version(CLI::App& root, Action& chosen) {
  auto output = std::make_shared<std::string>("text");
  CLI::App* command = root.add_subcommand("version", "Version, and the versions of Cilium that are understood");
  command->add_option("-o,--output", *output, "text or json")->check(CLI::IsMember({"text", "json"}));
  command->callback([output, &chosen] {
    chosen = [output] {
      if (*output == "json")
        std::puts(R"({"version":")" NETPOLC_VERSION R"(","cilium":["1.16","1.17","1.18","1.19","1.20"],"default":"1.18"})");
      else
        std::puts(version_line().c_str());
      return kGood;
    };
  });
}

}  // namespace netpolc::compiler
