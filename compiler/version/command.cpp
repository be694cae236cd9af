// `netpolc version`: of netpolc, of Cilium, of the libraries that answers depend on, and what the kernel here can do.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "codegen-bpf/codegen.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/session.h"
#include "compiler/version/host.h"
#include "verify/bytecode/grounds.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

struct Libraries {
  std::string z3, llvm, clang, libbpf;
};

// The text between two others; "" where they are not there.
std::string between(const std::string& text, const std::string& begin, const char* ends) {
  const auto at = text.find(begin);
  if (at == std::string::npos) return "";
  return text.substr(at + begin.size(), text.find_first_of(ends, at + begin.size()) - at - begin.size());
}

Libraries libraries() {
  const std::string translator = codegen_bpf::translator();  // "Debian clang version 19.1.7 (3)", "libbpf v1.1", and more
  return {verify::bytecode::solver_version(), between(translator, "clang version ", " \n"), translator.substr(0, translator.find('\n')), between(translator, "\nlibbpf v", "\n")};
}

std::string json(bool with_host) {
  const Libraries used = libraries();
  Json out = {{"apiVersion", kApiVersion}, {"kind", "VersionInfo"}, {"version", version()}, {"commit", NETPOLC_COMMIT}, {"cilium", cilium_versions()}, {"default", InputOptions().cilium_version}};
  out["libraries"] = {{"z3", used.z3}, {"llvm", used.llvm}, {"clang", used.clang}, {"libbpf", used.libbpf}, {"yaml-cpp", NETPOLC_YAML_CPP}};
  if (with_host) out["host"] = to_json(host_features());
  return out.dump() + "\n";
}

std::string text(bool with_host) {
  const Libraries used = libraries();
  std::string out = version_line() + "\n  commit     " NETPOLC_COMMIT "\n";
  out += "  libraries  Z3 " + used.z3 + ", LLVM " + used.llvm + ", libbpf " + used.libbpf + ", yaml-cpp " NETPOLC_YAML_CPP "\n";
  if (with_host) out += "  host       " + to_text(host_features()) + "\n";
  return out;
}

}  // namespace

std::string version() { return NETPOLC_VERSION; }
std::string version_line() { return "netpolc " NETPOLC_VERSION ", Cilium 1.16 to 1.20 (default 1.18)"; }

void add_version(CLI::App& root, Action& chosen) {
  struct Options {
    std::string output = "text";
    bool host = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("version", "Version, and the versions of Cilium that are understood");
  command->add_flag("--host", options->host, "Also what the kernel here has that matters to programs: bpffs, BTF, tcx");
  add_output(*command, options->output, {"text", "json"});
  command->callback([options, &chosen] {
    chosen = [options] { return print_as(options->output, is_document(options->output) ? json(options->host) : text(options->host)) ? kGood : kNoAnswer; };
  });
}

}  // namespace netpolc::compiler
