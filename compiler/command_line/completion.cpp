// All three go over the words the same way: what follows an option that takes a value is that value, every other word that names
// a command below the one so far leads there. What a place offers is a `case` of the shell. Endpoints and policies are asked for of what
// the line reads; of their names only such characters are taken as mean nothing to a shell, since manifests may be anybody's.
#include "compiler/command_line/completion.h"

#include <algorithm>
#include <set>

#include "compiler/command_line/schemas.h"
#include "compiler/lint/rule.h"

namespace netpolc::compiler {
namespace {

// 'text', for any of the three shells.
std::string shell_quoted(std::string_view text, const char* quote = "'\\''") {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string(quote) : std::string(1, c);
  return out + "'";
}

// The first sentence or clause, as menus have little room.
std::string brief(const std::string& help) {
  const std::size_t end = std::min(help.find(": "), std::min(help.find(". "), help.find(';')));
  return help.substr(0, end);
}

std::vector<std::string> names_of(const OptionEntry& option) {
  return option.letter.empty() ? std::vector<std::string>{option.name} : std::vector<std::string>{option.letter, option.name};
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

// `case` patterns "AT OPTION" of the options that take a value.
std::string patterns(const CommandEntry& command, const OptionEntry& option) {
  std::vector<std::string> out;
  for (const std::string& name : names_of(option)) out.push_back(shell_quoted(command.path + " " + name));
  return joined(out, "|");
}

// Names of things in the files that the command reads.
struct Things {
  const char* function;  // of the script, but for its prefix
  const char* ask;       // what prints them, one a line
};
constexpr Things kThings[] = {{"endpoints", "endpoint list -o names --lax --keep-going"}, {"policies", "explain policy --list -o text --lax --keep-going"}};
constexpr const char* kHarmless = "'[A-Za-z0-9./_-]*'";

std::vector<std::string> finding_codes() {
  std::vector<std::string> out;
  for (const lint::Rule& rule : lint::rules()) out.push_back(diag_code(rule.kind));
  return out;
}

std::vector<std::string> all_codes() {
  std::set<std::string> out;
#define NETPOLC_DIAG(name, number, summary) out.insert(diag_code(DiagKind::name));
#include "ir/base/diagnostics.def"
#undef NETPOLC_DIAG
  return {out.begin(), out.end()};
}

// What an option takes, beside files: words, or things that must be asked for.
struct Offer {
  std::vector<std::string> words = {};
  const Things* things = nullptr;
};
Offer offer_of(const OptionEntry& option) {
  for (const char* name : {"--from", "--to", "--except-from", "--except-to"})
    if (option.name == name) return {{}, &kThings[0]};
  if (option.name == "--select" || option.name == "--ignore") return {finding_codes(), nullptr};
  return {option.choices, nullptr};
}
// What stands alone, beside files and the commands below.
Offer offer_of(const CommandEntry& command) {
  if (command.path == "/explain/endpoint" || command.path == "/endpoint/get" || command.path == "/identity/get") return {{}, &kThings[0]};
  if (command.path == "/explain/policy") return {{}, &kThings[1]};
  if (command.path == "/explain") return {all_codes(), nullptr};
  if (command.path == "/schema") return {schema_names(), nullptr};
  for (const OptionEntry& one : command.positionals)
    if (!one.choices.empty()) return {one.choices, nullptr};
  return {};
}

bool takes_forms(const OptionEntry& option) { return option.value == "FORMAT[=FILE]"; }

std::string taking_values(const CommandEntry& program) {
  std::vector<std::string> out;
  for (const CommandEntry* command : every_command(program))
    for (const OptionEntry& option : command->options)
      if (!option.value.empty()) out.push_back(patterns(*command, option));
  return joined(out, "|");
}

std::string paths(const CommandEntry& program) {
  std::vector<std::string> out;
  for (const CommandEntry* command : every_command(program))
    if (!command->path.empty()) out.push_back(shell_quoted(command->path));
  return joined(out, "|");
}

std::string words(const std::vector<std::string>& all) { return shell_quoted(joined(all, " ")); }

std::vector<std::string> option_names(const CommandEntry& command) {
  std::vector<std::string> out;
  for (const OptionEntry& option : command.options) out.push_back(option.name);
  return out;
}

std::vector<std::string> command_names(const CommandEntry& command) {
  std::vector<std::string> out;
  for (const CommandEntry& below : command.commands) out.push_back(below.name);
  return out;
}

// "name:description" for zsh's _describe.
std::string described(const std::string& name, const std::string& help) {
  std::string out;
  for (const char c : name) out += c == ':' ? std::string("\\:") : std::string(1, c);
  return shell_quoted(out + ":" + brief(help));
}

}  // namespace

std::string bash_completion(const CommandEntry& program) {
  std::string values, options, commands, functions;
  for (const Things& one : kThings)
    functions += std::string("_netpolc_") + one.function + "() {\n"
                 "  local name\n"
                 "  while read -r name; do\n"
                 "    [[ $name == \"$current\"* ]] && COMPREPLY+=(\"$name\")\n"
                 "  done < <(\"${COMP_WORDS[0]}\" " + one.ask + " \"${inputs[@]}\" </dev/null 2>/dev/null | grep -x " + kHarmless + ")\n"
                 "}\n";
  for (const CommandEntry* command : every_command(program)) {
    options += "    " + shell_quoted(command->path) + ") offered=" + words(option_names(*command)) + " ;;\n";
    Offer alone = offer_of(*command);
    if (alone.things != nullptr) commands += "    " + shell_quoted(command->path) + ") _netpolc_" + alone.things->function + "; compopt -o default; return ;;\n";
    for (const std::string& below : command_names(*command)) alone.words.push_back(below);
    if (!alone.words.empty()) commands += "    " + shell_quoted(command->path) + ") offered=" + words(alone.words) + " ;;\n";
    for (const OptionEntry& option : command->options) {
      const Offer offer = offer_of(option);
      if (offer.things != nullptr) values += "    " + patterns(*command, option) + ") _netpolc_" + offer.things->function + "; return ;;\n";
      else if (!offer.words.empty()) values += "    " + patterns(*command, option) + ") offered=" + words(offer.words) + " ;;\n";
    }
  }
  return "# bash completion for netpolc, printed by `netpolc completion bash`.\n" + functions +
         "_netpolc() {\n"
         "  local at= open= word i offered= inputs=() current=${COMP_WORDS[COMP_CWORD]}\n"
         "  COMPREPLY=()\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    [[ $word == = ]] && continue\n"
         "    if [[ -n $open ]]; then\n"
         "      [[ $open == -f || $open == --file ]] && inputs+=(-f \"$word\")\n"
         "      open=\n"
         "      continue\n"
         "    fi\n"
         "    case \"$at $word\" in " + taking_values(program) + ") open=$word; continue ;; esac\n"
         "    case \"$at/$word\" in " + paths(program) + ") at=$at/$word; continue ;; esac\n"
         "    [[ $word != -* && -e $word ]] && inputs+=(-f \"$word\")\n"
         "  done\n"
         "  [[ $current == = ]] && current=\n"
         "  if [[ -n $open ]]; then\n"
         "    case \"$at $open\" in\n" + values +
         "    *) compopt -o default; return ;;\n"
         "    esac\n"
         "  elif [[ $current == -* ]]; then\n"
         "    case $at in\n" + options +
         "    esac\n"
         "  else\n"
         "    case $at in\n" + commands +
         "    esac\n"
         "    [[ -n $at ]] && compopt -o default\n"
         "  fi\n"
         "  COMPREPLY=($(compgen -W \"$offered\" -- \"$current\"))\n"
         "}\n"
         "complete -F _netpolc netpolc\n";
}

std::string zsh_completion(const CommandEntry& program) {
  std::string values, options, commands, functions;
  for (const Things& one : kThings)
    functions += std::string("_netpolc_") + one.function + "() {\n"
                 "  local -a names\n"
                 "  names=(${(f)\"$($words[1] " + one.ask + " $@ </dev/null 2>/dev/null | grep -x " + kHarmless + ")\"})\n"
                 "  compadd -- $names\n"
                 "}\n";
  for (const CommandEntry* command : every_command(program)) {
    std::vector<std::string> offered, below;
    for (const OptionEntry& option : command->options) {
      offered.push_back(described(option.name, option.help));
      const Offer offer = offer_of(option);
      const std::string file = takes_forms(option) ? "if [[ $words[CURRENT] == *=* ]]; then compset -P '*='; _files; return; fi; " : "";
      if (offer.things != nullptr) values += "    (" + patterns(*command, option) + ") _netpolc_" + offer.things->function + " $inputs ;;\n";
      else if (!offer.words.empty()) values += "    (" + patterns(*command, option) + ") " + file + "compadd -- " + joined(offer.words, " ") + " ;;\n";
    }
    const Offer alone = offer_of(*command);
    const std::string more = alone.things != nullptr ? std::string("_netpolc_") + alone.things->function + " $inputs" : alone.words.empty() ? "" : "compadd -- " + joined(alone.words, " ");
    for (const CommandEntry& one : command->commands) below.push_back(described(one.name, one.help));
    options += "    (" + shell_quoted(command->path) + ") offered=(" + joined(offered, " ") + ") ;;\n";
    if (!below.empty() || !more.empty()) commands += "    (" + shell_quoted(command->path) + ") offered=(" + joined(below, " ") + ")" + (more.empty() ? "" : "; " + more) + " ;;\n";
  }
  return "#compdef netpolc\n"
         "# zsh completion for netpolc, printed by `netpolc completion zsh`.\n" + functions +
         "_netpolc() {\n"
         "  local at= open= word current=$words[CURRENT]\n"
         "  local -a offered inputs\n"
         "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
         "    if [[ -n $open ]]; then\n"
         "      [[ $open == -f || $open == --file ]] && inputs+=(-f $word)\n"
         "      open=\n"
         "      continue\n"
         "    fi\n"
         "    case \"$at $word\" in (" + taking_values(program) + ") open=$word; continue ;; esac\n"
         "    case \"$at/$word\" in (" + paths(program) + ") at=$at/$word; continue ;; esac\n"
         "    if [[ $word == --file=* ]]; then inputs+=($word); elif [[ $word != -* && -e $word ]]; then inputs+=(-f $word); fi\n"
         "  done\n"
         "  if [[ $current == --*=* ]]; then\n"
         "    open=${current%%=*}\n"
         "    compset -P '*='\n"
         "  fi\n"
         "  if [[ -n $open ]]; then\n"
         "    case \"$at $open\" in\n" + values +
         "    (*) _files ;;\n"
         "    esac\n"
         "    return\n"
         "  fi\n"
         "  if [[ $current == -* ]]; then\n"
         "    case $at in\n" + options +
         "    esac\n"
         "    _describe -o option offered\n"
         "    return\n"
         "  fi\n"
         "  case $at in\n" + commands +
         "  esac\n"
         "  (( $#offered )) && _describe command offered\n"
         "  [[ -n $at ]] && _files\n"
         "}\n"
         "_netpolc \"$@\"\n";
}

std::string fish_completion(const CommandEntry& program) {
  const auto fish = [](std::string_view text) { return shell_quoted(text, "\\'"); };
  std::string lines, functions;
  for (const Things& one : kThings) functions += std::string("function __netpolc_") + one.function + "\n  __netpolc_things " + one.ask + "\nend\n";
  for (const CommandEntry* command : every_command(program)) {
    const std::string here = "complete -c netpolc -n " + fish("test (__netpolc_at) = " + (command->path.empty() ? "/" : command->path));
    if (const Offer alone = offer_of(*command); alone.things != nullptr) lines += here + " -a '(__netpolc_" + alone.things->function + ")'\n";
    else if (!alone.words.empty()) lines += here + " -a " + fish(joined(alone.words, " ")) + "\n";
    for (const CommandEntry& below : command->commands) lines += here + " -f -a " + fish(below.name) + " -d " + fish(brief(below.help)) + "\n";
    for (const OptionEntry& option : command->options) {
      lines += here + " -l " + fish(option.name.substr(2));
      if (!option.letter.empty()) lines += " -s " + fish(option.letter.substr(1));
      const Offer offer = offer_of(option);
      if (offer.things != nullptr) lines += std::string(" -x -a '(__netpolc_") + offer.things->function + ")'";
      else if (!offer.words.empty()) lines += (takes_forms(option) ? " -r -a " : " -x -a ") + fish(joined(offer.words, " "));
      else if (!option.value.empty()) lines += " -r";
      lines += " -d " + fish(brief(option.help)) + "\n";
    }
  }
  const auto spaced = [](std::string patterns) {
    for (std::size_t bar = patterns.find('|'); bar != std::string::npos; bar = patterns.find('|', bar)) patterns[bar] = ' ';
    return patterns;
  };
  return "# fish completion for netpolc, printed by `netpolc completion fish`.\n"
         "function __netpolc_at\n"
         "  set -l at ''\n"
         "  set -l open ''\n"
         "  for word in (commandline -opc)[2..-1]\n"
         "    if test -n \"$open\"\n"
         "      set open ''\n"
         "      continue\n"
         "    end\n"
         "    switch \"$at $word\"\n"
         "      case " + spaced(taking_values(program)) + "\n"
         "        set open $word\n"
         "        continue\n"
         "    end\n"
         "    switch \"$at/$word\"\n"
         "      case " + spaced(paths(program)) + "\n"
         "        set at \"$at/$word\"\n"
         "    end\n"
         "  end\n"
         "  test -n \"$at\"; and echo $at; or echo /\n"
         "end\n"
         "function __netpolc_things\n"
         "  set -l words (commandline -opc)\n"
         "  set -l inputs\n"
         "  set -l open ''\n"
         "  for word in $words[2..-1]\n"
         "    if test -n \"$open\"\n"
         "      set -a inputs -f $word\n"
         "      set open ''\n"
         "      continue\n"
         "    end\n"
         "    switch $word\n"
         "      case -f --file\n"
         "        set open $word\n"
         "      case '--file=*'\n"
         "        set -a inputs $word\n"
         "      case '-*'\n"
         "      case '*'\n"
         "        test -e $word; and set -a inputs -f $word\n"
         "    end\n"
         "  end\n"
         "  $words[1] $argv $inputs </dev/null 2>/dev/null | grep -x " + std::string(kHarmless) + "\n"
         "end\n" + functions +
         "complete -c netpolc -n 'test (__netpolc_at) = /' -f\n" + lines;
}

}  // namespace netpolc::compiler
