// All three go over the words the same way: what follows an option that takes a value is that value, every other word that names
// a command below the one so far leads there. What a place offers is a `case` of the shell. Endpoints are asked for of what the line
// reads; of their names only such characters are taken as mean nothing to a shell, since manifests may be anybody's.
#include "compiler/command_line/completion.h"

namespace netpolc::compiler {
namespace {

// 'text', for any of the three shells.
std::string quoted(std::string_view text, const char* quote = "'\\''") {
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
  for (const std::string& name : names_of(option)) out.push_back(quoted(command.path + " " + name));
  return joined(out, "|");
}

// Endpoints, of the files that the command reads.
bool takes_endpoints(const OptionEntry& option) {
  for (const char* name : {"--from", "--to", "--except-from", "--except-to"})
    if (option.name == name) return true;
  return false;
}

constexpr const char* kAskForEndpoints = "endpoint list -o names --lax --keep-going";
constexpr const char* kHarmless = "'[A-Za-z0-9./_-]*'";

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
    if (!command->path.empty()) out.push_back(quoted(command->path));
  return joined(out, "|");
}

std::string words(const std::vector<std::string>& all) { return quoted(joined(all, " ")); }

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
  return quoted(out + ":" + brief(help));
}

}  // namespace

std::string bash_completion(const CommandEntry& program) {
  std::string values, options, commands;
  for (const CommandEntry* command : every_command(program)) {
    options += "    " + quoted(command->path) + ") offered=" + words(option_names(*command)) + " ;;\n";
    if (!command->commands.empty()) commands += "    " + quoted(command->path) + ") offered=" + words(command_names(*command)) + " ;;\n";
    for (const OptionEntry& option : command->options) {
      if (!option.choices.empty()) values += "    " + patterns(*command, option) + ") offered=" + words(option.choices) + " ;;\n";
      else if (takes_endpoints(option)) values += "    " + patterns(*command, option) + ") _netpolc_endpoints; return ;;\n";
    }
  }
  return "# bash completion for netpolc, printed by `netpolc completion bash`.\n"
         "_netpolc_endpoints() {\n"
         "  local name\n"
         "  while read -r name; do\n"
         "    [[ $name == \"$current\"* ]] && COMPREPLY+=(\"$name\")\n"
         "  done < <(\"${COMP_WORDS[0]}\" " + std::string(kAskForEndpoints) + " \"${inputs[@]}\" </dev/null 2>/dev/null | grep -x " + kHarmless + ")\n"
         "}\n"
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
         "    [[ $word != -* && -e $word ]] && inputs+=(\"$word\")\n"
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
  std::string values, options, commands;
  for (const CommandEntry* command : every_command(program)) {
    std::vector<std::string> offered, below;
    for (const OptionEntry& option : command->options) {
      offered.push_back(described(option.name, option.help));
      if (!option.choices.empty()) values += "    (" + patterns(*command, option) + ") compadd -- " + joined(option.choices, " ") + " ;;\n";
      else if (takes_endpoints(option)) values += "    (" + patterns(*command, option) + ") _netpolc_endpoints $inputs ;;\n";
    }
    for (const CommandEntry& one : command->commands) below.push_back(described(one.name, one.help));
    options += "    (" + quoted(command->path) + ") offered=(" + joined(offered, " ") + ") ;;\n";
    if (!below.empty()) commands += "    (" + quoted(command->path) + ") offered=(" + joined(below, " ") + ") ;;\n";
  }
  return "#compdef netpolc\n"
         "# zsh completion for netpolc, printed by `netpolc completion zsh`.\n"
         "_netpolc_endpoints() {\n"
         "  local -a names\n"
         "  names=(${(f)\"$($words[1] " + std::string(kAskForEndpoints) + " $@ </dev/null 2>/dev/null | grep -x " + kHarmless + ")\"})\n"
         "  compadd -- $names\n"
         "}\n"
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
         "    [[ $word == --file=* || ($word != -* && -e $word) ]] && inputs+=($word)\n"
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
  const auto fish = [](std::string_view text) { return quoted(text, "\\'"); };
  std::string lines;
  for (const CommandEntry* command : every_command(program)) {
    const std::string here = "complete -c netpolc -n " + fish("test (__netpolc_at) = " + (command->path.empty() ? "/" : command->path));
    for (const CommandEntry& below : command->commands) lines += here + " -f -a " + fish(below.name) + " -d " + fish(brief(below.help)) + "\n";
    for (const OptionEntry& option : command->options) {
      lines += here + " -l " + fish(option.name.substr(2));
      if (!option.letter.empty()) lines += " -s " + fish(option.letter.substr(1));
      if (!option.choices.empty()) lines += " -x -a " + fish(joined(option.choices, " "));
      else if (takes_endpoints(option)) lines += " -x -a '(__netpolc_endpoints)'";
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
         "function __netpolc_endpoints\n"
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
         "        test -e $word; and set -a inputs $word\n"
         "    end\n"
         "  end\n"
         "  $words[1] " + kAskForEndpoints + " $inputs </dev/null 2>/dev/null | grep -x " + kHarmless + "\n"
         "end\n"
         "complete -c netpolc -n 'test (__netpolc_at) = /' -f\n" + lines;
}

}  // namespace netpolc::compiler
