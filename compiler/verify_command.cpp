#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "compiler/all_ports.h"
#include "compiler/answers.h"
#include "compiler/assumed_names.h"
#include "compiler/claim_command.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/explain/nearest_output.h"
#include "compiler/kernel_replay.h"
#include "compiler/outputs.h"
#include "compiler/queries.h"
#include "compiler/question_options.h"
#include "compiler/session.h"
#include "compiler/via.h"

namespace netpolc::compiler {
namespace {

struct Options {
  InputOptions input;
  QuestionOptions asked;
  std::string queries, expect;
  std::vector<std::string> outputs;
  std::vector<Output> to;  // what they say
  bool all_ports = false, by_class = false, cross_check = false, symbolic = false, in_kernel = false;
  std::vector<std::string> without;
};

const std::vector<std::string> kFormats{"text", "json", "jsonl"};

// Pods that don't exist yet are asked about in another way, with the same words.
int symbolic(const Options& options) {
  if (!options.queries.empty() || options.all_ports || options.by_class) return complain("--symbolic answers about ports, types or everything: leave --queries and --all-ports out");
  if (options.asked.from.empty() || options.asked.to.empty()) return complain("--from and --to are needed");
  ClaimOptions asked;
  asked.input = options.input;
  asked.from = {options.asked.from};
  asked.to = {options.asked.to};
  asked.without = options.without;
  asked.port = options.asked.port;
  asked.icmp = options.asked.icmp;
  asked.icmpv6 = options.asked.icmpv6;
  asked.written = options.to;
  asked.in_kernel = options.in_kernel;
  const auto request = request_of(options.asked.request);
  if (!request) return complain(request.error());
  return reach(asked, *request ? std::optional(only(**request)) : std::nullopt);
}

// What was given beside an option that answers without it. "" when all of it counts.
std::string ignored(const Options& options) {
  const bool flow = options.asked.traffic_given();
  if (options.cross_check && !options.all_ports) return "--cross-check is about what --all-ports lists: add that";
  if (options.by_class && !options.all_ports) return "--by-class groups what --all-ports lists: add that";
  if (options.all_ports && flow) return "--all-ports answers for every port: leave --port, --icmp, --icmpv6 and requests out";
  if (!options.expect.empty() && (options.all_ports || !options.queries.empty() || options.symbolic)) return "--expect is about one question: leave --all-ports, --queries and --symbolic out";
  if (!options.asked.via.empty() && (options.all_ports || options.symbolic || !options.queries.empty()))
    return "--via is about one question: leave --all-ports, --symbolic and --queries out (a line of a query file may have \"via\")";
  if (options.queries.empty()) return "";
  if (options.all_ports || flow || !options.asked.from.empty() || !options.asked.to.empty())
    return "--queries has its questions in the file: leave --from, --to, --all-ports and the traffic out";
  if (options.to.size() > 1 || options.to.front().format == "yaml") return "--queries answers with a line of JSON for each of its lines: leave -o yaml and files out";
  if (options.queries == "-" && reads_stdin(options.input))
    return "manifests and queries can't both come from stdin";
  return "";
}

// The exit status of `--expect`. What is not decided is no answer to it.
int held(const std::string& expect, verify::Word word) {
  if (word == verify::Word::Undecided) return kUndecided;
  if (word == (expect == "allow" ? verify::Word::Allowed : verify::Word::Denied)) return kGood;
  std::fprintf(stderr, "netpolc: expected %s, got %s\n", expect.c_str(), verify::to_string(word));
  return kNegative;
}

// Cases that are shown hop by hop without --via's table being all there is to read.
constexpr std::size_t kCasesShown = 4;

int one_way(const Options& options, const verify::Question& question, const Session& session, const ir::eval::World& world, verify::Judge& judge) {
  ViaQuestions questions(session, world, judge);
  const auto answer = questions.ask(question, *verify::via_of(options.asked.via));
  if (!answer) return complain(answer.error().message);
  lint::Places places(session.sources);
  const explain::Sources sources{world, *answer->judge, places};
  const HopNotes notes = [&](const verify::PairAnswer& pair) { return explain::verify_notes({pair.word, "", {pair}}, sources, session.lock); };
  const int failed = write_outputs(options.to, options.input.brief, [&](const std::string& format, bool in_file) {
    if (format == "text") return via_text({question, *answer, session.loaded.policies, session.sources, kCasesShown, !in_file && use_colour(options.input.color, Stream::Out)}, notes);
    JsonAnswers writer(session.loaded.policies, session.sources);
    std::string out = via_json("", *answer, session.sources, writer);
    return format == "json" ? with_kind("VerifyResult", std::move(out)) : out;
  });
  if (failed != 0) return failed;
  return options.expect.empty() ? exit_code(answer->word) : held(options.expect, answer->word);
}

int one(const Options& options, Session& session) {
  if (options.asked.from.empty() || options.asked.to.empty()) return complain("--from and --to are needed (or --queries FILE)");
  const auto question = question_of(options.asked);
  if (!question) return complain(question.error());
  const std::vector<std::string> names = options.asked.via.empty() ? assume_addresses(session, *question) : std::vector<std::string>{};
  const ir::eval::World world{session.loaded.policies, session.loaded.cluster, session.resolutions};
  verify::Judge judge(world, session.lock);
  if (!options.asked.via.empty()) return one_way(options, *question, session, world, judge);
  auto answer = ask_about(names, *question, world, judge);
  if (!answer) return complain(answer.error().message);
  lint::Places places(session.sources);
  const explain::Sources sources{world, judge, places};
  const int failed = write_outputs(options.to, options.input.brief, [&](const std::string& format, bool in_file) {
    if (format == "text") {
      const SideNotes notes = explain::verify_notes(*answer, sources, session.lock);
      return to_text(*answer, *question, session.loaded.policies, session.sources, !in_file && use_colour(options.input.color, Stream::Out), notes);
    }
    std::string out;
    JsonAnswers writer(session.loaded.policies, session.sources);
    writer.append(out, "", *answer, explain::verify_fields(*answer, sources, session.lock, writer));
    if (format == "json") return with_kind("VerifyResult", std::move(out));  // a line of many has none
    return out;
  });
  if (failed != 0) return failed;
  return options.expect.empty() ? exit_code(answer->word) : held(options.expect, answer->word);
}

// The list alone is printed as it is made; several forms of it are kept until all are there. The exit status is that of stdout's.
int list_all_ports(const Options& options, const Session& session, const ir::eval::World& world, verify::Judge& judge) {
  const auto print = [&](const std::string& format, std::FILE* file, bool cross_check) {
    return all_ports(options.asked.from, options.asked.to, format, judge, world, session.lock, file, options.by_class, cross_check);
  };
  const auto on_stdout = std::find_if(options.to.begin(), options.to.end(), [](const Output& one) { return one.path.empty(); });
  if (options.to.size() == 1 && on_stdout->format != "yaml") return print(on_stdout->format, stdout, options.cross_check);
  std::map<std::string, std::string> made;
  const auto make = [&](const std::string& format, bool cross_check) {
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* file = open_memstream(&text, &size);
    if (file == nullptr) return complain("no memory is left for the answer");
    const int code = print(format, file, cross_check);
    std::fclose(file);
    made[format].assign(text, size);
    std::free(text);
    return code;
  };
  const auto made_of = [](const Output& one) { return one.format == "yaml" ? std::string("json") : one.format; };
  const int code = make(made_of(*on_stdout), options.cross_check);
  if (code == kNoAnswer) return code;
  for (const Output& one : options.to)
    if (!made.contains(made_of(one))) make(made_of(one), false);
  const int failed = write_outputs(options.to, options.input.brief, [&](const std::string& format, bool) { return made[format]; });
  return failed != 0 ? failed : code;
}

int verify_command(Options options) {
  const auto outputs = outputs_of(options.outputs, kFormats);
  if (!outputs) return complain(outputs.error());
  options.to = *outputs;
  options.asked.from = in_namespace(options.asked.from, options.asked.ns);
  options.asked.to = in_namespace(options.asked.to, options.asked.ns);
  if (const auto problem = ignored(options); !problem.empty()) return complain(problem);
  if (options.symbolic) return symbolic(options);
  if (!options.without.empty()) return complain("--without-label assumes something of pods that could be: it goes with --symbolic");
  if (options.in_kernel) return complain("--in-kernel asks programs about witnesses: it goes with --symbolic and with claims");
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  if (options.queries.empty() && !options.all_ports) return one(options, session);
  const ir::eval::World world{session.loaded.policies, session.loaded.cluster, session.resolutions};
  verify::Judge judge(world, session.lock);
  if (!options.queries.empty()) {
    ViaQuestions ways(session, world, judge);
    return answer_queries(options.queries, options.asked.ns, judge, [&](const verify::Question& question, verify::Via via) { return ways.ask(question, via); }, session.loaded.policies, session.sources);
  }
  return list_all_ports(options, session, world, judge);
}

}  // namespace

void add_verify(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("verify", "Can A reach B? Says which rules decide, and where they are written")->alias("can-reach");
  add_input_options(*command, options->input);
  add_end_options(*command, options->asked);
  command->add_flag("--symbolic", options->symbolic, "[k=v] and ns/[k=v] are every pod that could ever be so, in any namespace")->group(kEndsGroup);
  add_repeatable(*command, "--without-label", options->without, "With --symbolic: assume that no pod has a label with this key (repeatable)", kEndsGroup);
  add_port_options(*command, options->asked);
  add_via_option(*command, options->asked);
  command->add_flag("--all-ports", options->all_ports, "What is allowed, on every port and protocol")->group("Traffic");
  command->add_flag("--by-class", options->by_class, "With --all-ports: ends that no policy tells apart are one class, listed once")->group("Traffic");
  command->add_flag("--cross-check", options->cross_check, "With --all-ports: ask the solver about each side again; a disagreement is an internal error (4)")->group("Traffic");
  add_request_options(*command, options->asked.request, false);
  command->add_option("--queries", options->queries, "File of questions, one JSON object a line; - for stdin")->type_name("PATH")->group("Traffic");
  add_in_kernel(*command, options->in_kernel);
  command->add_option("--expect", options->expect, "allow or deny: exit with 0 if that is the answer, else with 1")->check(CLI::IsMember({"allow", "deny"}))->group("Output");
  add_outputs(*command, options->outputs, kFormats, "text, json or jsonl");
  add_claims(*command, chosen);
  add_comparisons(*command, chosen);
  add_dead(*command, chosen);
  command->callback([options, command, &chosen] {
    if (command->get_subcommands().empty()) chosen = [options] { return verify_command(*options); };
  });
}

}  // namespace netpolc::compiler
