// `netpolc completion` and `netpolc man`: what is made of the table of commands.
#include "compiler/commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "compiler/command_line/completion.h"
#include "compiler/command_line/man.h"
#include "compiler/exit_code.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

int put(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kGood;
}

int complete(const CommandEntry& program, const std::string& shell) {
  return put(shell == "bash" ? bash_completion(program) : shell == "zsh" ? zsh_completion(program) : fish_completion(program));
}

int write_pages(const CommandEntry& program, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  for (const CommandEntry* command : every_command(program)) {
    const std::string path = directory + "/" + man_page_name(*command) + ".1";
    std::ofstream out(path, std::ios::binary);
    out << man_page(*command, program);
    out.close();
    if (!out) return complain("`" + path + "` cannot be written");
  }
  return kGood;
}

int man(const CommandEntry& program, const std::vector<std::string>& words, const std::string& directory) {
  if (!directory.empty()) return write_pages(program, directory);
  const CommandEntry* at = &program;
  for (const std::string& word : words) {
    const CommandEntry* next = nullptr;
    std::vector<std::string> known;
    for (const CommandEntry& below : at->commands) {
      known.push_back(below.name);
      if (below.name == word) next = &below;
    }
    if (next == nullptr) return complain("there is no command `" + word + "`" + or_meant(word, known));
    at = next;
  }
  return put(man_page(*at, program));
}

}  // namespace

void add_completion(CLI::App& root, Action& chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = root.add_subcommand("completion", "Print a script that completes command lines");
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([shell, &root, &chosen] { chosen = [shell, &root] { return complete(command_table(root), *shell); }; });
}

void add_man(CLI::App& root, Action& chosen) {
  auto words = std::make_shared<std::vector<std::string>>();
  auto directory = std::make_shared<std::string>();
  CLI::App* command = root.add_subcommand("man", "Print the manual page of a command");
  command->add_option("command", *words, "Such as `verify never`; nothing: the program itself");
  command->add_option("--directory", *directory, "Write all pages there instead")->type_name("PATH");
  command->callback([words, directory, &root, &chosen] { chosen = [words, directory, &root] { return man(command_table(root), *words, *directory); }; });
}

}  // namespace netpolc::compiler
