// `netpolc export flows`: answers in the shape of Hubble's recordings.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "compiler/exit_code.h"
#include "compiler/import/commands.h"
#include "compiler/import/flows.h"
#include "compiler/question_options.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

struct Options {
  InputOptions input;
  QuestionOptions asked;
  std::string time, output = "jsonpb";
};

// Back to text, it is what it was: 31 February is not.
bool is_time(std::tm read, const std::string& text) {
  char again[32];
  return timegm(&read) != -1 && std::strftime(again, sizeof again, "%Y-%m-%dT%H:%M:%S", &read) != 0 && text == again;
}

// --time, else SOURCE_DATE_EPOCH, else the epoch itself: never the clock.
tl::expected<std::string, std::string> time_of(const Options& options) {
  if (!options.time.empty()) {
    std::tm read{};
    const char* end = strptime(options.time.c_str(), "%Y-%m-%dT%H:%M:%S", &read);
    const std::string rest = end == nullptr || end - options.time.c_str() != 19 ? "" : end;
    const bool fraction = rest.size() > 2 && rest.front() == '.' && std::all_of(rest.begin() + 1, rest.end() - 1, [](char c) { return c >= '0' && c <= '9'; });
    if (!rest.ends_with('Z') || !is_time(read, options.time.substr(0, 19)) || !(rest == "Z" || fraction)) return tl::unexpected("--time " + options.time + ": expected a time in UTC, such as 2026-05-04T10:00:00Z");
    return options.time;
  }
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  char* end = nullptr;
  const long long seconds = epoch == nullptr || *epoch == '\0' ? 0 : std::strtoll(epoch, &end, 10);
  const auto at = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char text[32];
  if ((end != nullptr && (*end != '\0' || end == epoch)) || gmtime_r(&at, &parts) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return tl::unexpected(std::string("SOURCE_DATE_EPOCH is no number of seconds"));
  return std::string(text);
}

// What a reference stands for, but for ends that a flow cannot have.
tl::expected<std::vector<verify::End>, verify::RefError> ends_of(const std::string& reference, const std::optional<ir::Flow>& flow, const verify::Directory& directory, std::size_t& left_out) {
  if (reference.empty()) return import::managed_ends(directory);
  auto found = directory.resolve(reference, flow);
  if (!found) return tl::unexpected(found.error());
  left_out += std::erase_if(*found, [&](const verify::End& end) { return !import::can_be_written(end, directory.cluster()); });
  return std::move(*found);
}

int run(const Options& options) {
  const auto question = question_of(options.asked);
  if (!question) return complain(question.error());
  const auto time = time_of(options);
  if (!time) return complain(time.error());
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const ir::eval::World world{session.loaded.policies, session.loaded.cluster, session.resolutions};
  verify::Judge judge(world, session.lock);
  std::size_t left_out = 0;
  import::FlowEnds ends;
  for (const auto& [reference, to] : {std::pair{&question->from, &ends.from}, std::pair{&question->to, &ends.to}}) {
    auto found = ends_of(*reference, question->flow, judge.directory(), left_out);
    if (!found && !found.error().undecided) return complain(found.error().message);
    if (!found) return std::fprintf(stderr, "undecided: %s\n", found.error().message.c_str()), kUndecided;
    *to = std::move(*found);
  }
  if (left_out != 0 && !options.input.brief) std::fprintf(stderr, "netpolc: %zu ends are left out: flows are written of workloads and of addresses\n", left_out);
  const auto identities = ir::Identities::build(session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock);
  const auto flows = question->flow ? std::vector<ir::Flow>{*question->flow} : import::flows_worth_asking(session.loaded.policies, session.loaded.cluster);
  import::FlowExport out(world, identities, judge, *time);
  const auto counts = out.write(ends, flows, [](const std::string& line) { std::fwrite(line.data(), 1, line.size(), stdout); });
  if (!options.input.brief) std::fprintf(stderr, "wrote %llu flows\n", static_cast<unsigned long long>(counts.flows));
  if (counts.flows == 0 && counts.undecided == 0) return complain("nothing to write: no pair of ends, or no port to ask about; give --from, --to and --port");
  if (counts.undecided == 0) return kGood;
  std::fprintf(stderr, "undecided: %llu packets meet policies that cannot be computed\n", static_cast<unsigned long long>(counts.undecided));
  return kUndecided;
}

}  // namespace

void add_export(CLI::App& root, Action& chosen) {
  CLI::App* parent = root.add_subcommand("export", "Answers in the form of another tool's recordings");
  parent->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* command = parent->add_subcommand("flows", "Flows as Hubble records them, of one packet for every pair of ends");
  add_input_options(*command, options->input);
  add_end_options(*command, options->asked);
  command->get_option("--from")->description("Source; every workload if it isn't given");
  command->get_option("--to")->description("Destination; every workload if it isn't given");
  add_port_options(*command, options->asked);
  command->get_option("--port")->description("Destination port, 8080/TCP; every port that a policy or a pod names if nothing is given");
  command->add_option("--time", options->time, "Of every flow, 2026-05-04T10:00:00Z (SOURCE_DATE_EPOCH, else 1970)")->group("Output");
  command->add_option("-o,--output", options->output, "jsonpb")->check(CLI::IsMember({"jsonpb"}))->group("Output");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::compiler
