// netpolc-bench — times the stages of the compiler one by one, in process, and prints them as
// one JSON object.
//
// usage: netpolc-bench control-plane SCENARIO.json [REPEAT]   policies to decisions, 100 endpoints
//        netpolc-bench programs SCENARIO.json COUNT [REPEAT]  decisions to objects, by one thread
//        netpolc-bench questions REPEAT FILE…                 one pair, and claims, over manifests
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <stdexcept>

#include "codegen-bpf/cache.h"
#include "codegen-bpf/programs.h"
#include "frontend/load.h"
#include "frontend/yaml/document.h"
#include "frontend/yaml/pieces.h"
#include "ir/decide/table.h"
#include "tools/bench/questions.h"
#include "tools/bench/times.h"
#include "tools/judges/scenario.h"

namespace {

using namespace netpolc;
using bench::Times;
using Json = nlohmann::ordered_json;

constexpr std::size_t kLocal = 100;  // endpoints of the node; the others are peers

std::string one_stream(const std::vector<std::string>& documents) {
  std::string out;
  for (const auto& document : documents) out += "---\n" + document + (document.ends_with('\n') ? "" : "\n");
  return out;
}

// What stays when reading is over.
struct World {
  frontend::Loaded policies;
  ir::Cluster cluster;
};

// Endpoints beyond the first `local` of the scenario become peers of another node.
ir::Cluster read_cluster(const judges::Scenario& scenario, std::size_t local) {
  SourceManager sources;
  DiagSink sink;
  auto loaded = frontend::load({sources.add("cluster.json", judges::manifests(scenario))}, {}, sources, sink);
  if (!loaded.usable) throw std::runtime_error(render(sink.all().front(), sources));
  std::set<std::string> mine;
  const auto& endpoints = scenario.data.at("endpoints");
  for (std::size_t i = 0; i < std::min(local, endpoints.size()); ++i) mine.insert(endpoints[i].at("name"));
  for (auto& endpoint : loaded.cluster.endpoints) endpoint.remote = !mine.contains(endpoint.ns + "/" + endpoint.name);
  return std::move(loaded.cluster);
}

frontend::Loaded read_policies(const std::string& text) {
  SourceManager sources;
  DiagSink sink;
  auto loaded = frontend::load({sources.add("policies.yaml", text)}, {}, sources, sink);
  if (!loaded.usable) throw std::runtime_error(render(sink.all().front(), sources));
  return loaded;
}

// As loading reads it.
std::size_t parse_only(const std::string& text) {
  SourceManager sources;
  DiagSink sink;
  const FileId file = sources.add("policies.yaml", text);
  std::size_t documents = 0;
  const auto take = [&](frontend::Node, const frontend::Items& items) {
    for (std::size_t i = 0; i < items.size(); ++i) items.read(i);
    ++documents;
  };
  return frontend::read_in_pieces(file, sources, take) ? documents : frontend::parse_documents(file, sources, sink).size();
}

std::size_t entries(const ir::Decisions& decisions) {
  std::size_t out = 0;
  for (const auto& table : decisions.tables)
    for (const auto* direction : {&table.ingress, &table.egress})
      for (const auto& one : direction->classes) out += one.entries.size();
  return out;
}

Json control_plane(const judges::Scenario& scenario, int repeat) {
  const std::string text = one_stream(scenario.policies);
  const ir::Cluster cluster = read_cluster(scenario, kLocal);
  Times yaml, load, lower, identities, decide, total;
  ir::Decisions decisions;
  std::size_t documents = 0;
  for (int i = 0; i < repeat; ++i) {
    frontend::Loaded loaded;
    ir::Identities numbered;
    decisions = {};
    yaml.run([&] { documents = parse_only(text); });
    load.run([&] { loaded = read_policies(text); });
    lower.all.push_back(std::max(0.0, load.all.back() - yaml.all.back()));
    identities.run([&] { numbered = ir::Identities::build(loaded.policies, cluster, {}); });
    decide.run([&] { decisions = ir::decide(loaded.policies, cluster, {}, numbered); });
    total.all.push_back(load.all.back() + identities.all.back() + decide.all.back());
  }
  Times without_yaml;
  for (std::size_t i = 0; i < total.all.size(); ++i) without_yaml.all.push_back(total.all[i] - yaml.all[i]);
  return {{"documents", documents},
          {"endpoints", decisions.endpoints.size()},
          {"tables", decisions.tables.size()},
          {"entries", entries(decisions)},
          {"ms",
           {{"yaml", yaml.json()},
            {"lower", lower.json()},
            {"identities", identities.json()},
            {"decide", decide.json()},
            {"without yaml", without_yaml.json()},
            {"with yaml", total.json()}}}};
}

// The first `count` distinct tables of all endpoints.
ir::Decisions distinct(ir::Decisions all, std::size_t count) {
  ir::Decisions out;
  std::map<std::uint32_t, std::uint32_t> numbers;
  for (auto& endpoint : all.endpoints) {
    const auto known = numbers.find(endpoint.table);
    if (known == numbers.end() && out.tables.size() == count) continue;
    const auto number = numbers.emplace(endpoint.table, static_cast<std::uint32_t>(out.tables.size())).first->second;
    if (known == numbers.end()) out.tables.push_back(std::move(all.tables[endpoint.table]));
    endpoint.table = number;
    out.endpoints.push_back(std::move(endpoint));
  }
  return out;
}

Json programs(const judges::Scenario& scenario, std::size_t count, int repeat) {
  const auto policies = read_policies(one_stream(scenario.policies));
  const auto cluster = read_cluster(scenario, ~std::size_t{0});
  const auto identities = ir::Identities::build(policies.policies, cluster, {});
  const auto decisions = distinct(ir::decide(policies.policies, cluster, {}, identities), count);
  Times emitting, compiling, cached;
  std::string directory = (std::filesystem::temp_directory_path() / "netpolc-bench-XXXXXX").string();
  if (!::mkdtemp(directory.data())) throw std::runtime_error("no directory for a cache: " + directory);
  struct Remove {
    const std::string& directory;
    ~Remove() {
      std::error_code ignored;
      std::filesystem::remove_all(directory, ignored);
    }
  } remove{directory};
  const auto cache = codegen_bpf::ObjectCache::open(directory);
  if (!cache || !codegen_bpf::compile_programs(decisions, 0, &*cache)) throw std::runtime_error("the cache was not filled");
  std::size_t made = 0, instructions = 0, characters = 0;
  for (int i = 0; i < repeat; ++i) {
    emitting.run([&] {
      characters = 0;
      for (const auto& table : decisions.tables) characters += codegen_bpf::emit(table).c.size();
    });
    compiling.run([&] {
      const auto all = codegen_bpf::compile_programs(decisions, 1);
      if (!all) throw std::runtime_error(all.error().message);
      made = all->size();
      instructions = 0;
      for (const auto& program : *all) instructions += program.object.instructions.total();
    });
    cached.run([&] {
      if (!codegen_bpf::compile_programs(decisions, 1, &*cache)) throw std::runtime_error("the cache was not read");
    });
  }
  return {{"programs", made}, {"instructions", instructions}, {"bytes of C", characters}, {"ms", {{"emit", emitting.json()}, {"emit and compile", compiling.json()}, {"emit and find in the cache", cached.json()}}}};
}

Json run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) throw std::runtime_error("usage: netpolc-bench control-plane FILE [REPEAT] | programs FILE COUNT [REPEAT] | questions REPEAT FILE…");
  if (arguments[0] == "questions") return bench::questions(std::stoi(arguments[1]), {arguments.begin() + 2, arguments.end()});
  judges::Scenario scenario;
  {
    std::ifstream file(arguments[1]);
    scenario.data = nlohmann::json::parse(file);
    scenario.policies = scenario.data.at("policies").get<std::vector<std::string>>();
  }
  const auto number = [&](std::size_t i, int fallback) { return i < arguments.size() ? std::stoi(arguments[i]) : fallback; };
  if (arguments[0] == "control-plane") return control_plane(scenario, number(2, 7));
  if (arguments[0] == "programs") return programs(scenario, static_cast<std::size_t>(number(2, 100)), number(3, 3));
  throw std::runtime_error("unknown benchmark `" + arguments[0] + "`");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::cout << run({argv + 1, argv + argc}).dump(2) << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "netpolc-bench: %s\n", error.what());
    return 2;
  }
}
