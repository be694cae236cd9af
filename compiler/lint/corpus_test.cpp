// Policies that nobody here wrote: each finding among them is in testdata/lint/corpus.txt, with the reason why it is no false alarm.
// NETPOLC_BLESS=1 writes what is found now to corpus.txt.new, for somebody to give reasons to.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "compiler/lint/lint.h"

using namespace netpolc;
namespace fs = std::filesystem;

namespace {

const fs::path kTop = NETPOLC_TESTDATA;

// "NP033 note corpus/cilium/x.yaml:12"
std::set<std::string> findings_of(const std::string& input) {
  SourceManager sources;
  DiagSink sink;
  const auto loaded = frontend::load(std::vector<std::string>{(kTop / input).string()}, {.lax = true, .keep_going = true}, sources, sink);
  std::set<std::string> out;
  for (const Diagnostic& one : lint::run(loaded, {}, sources, sink, {}).findings) {
    const std::string head = diag_code(one.kind) + " " + to_string(one.severity) + " ";
    if (!one.where) out.insert(head + input);
    else out.insert(head + fs::relative(sources.path(one.where->file), kTop).string() + ":" + std::to_string(sources.locate(one.where->file, one.where->begin).line));
  }
  return out;
}

bool is_manifest(const fs::path& path) { return path.extension() == ".yaml" || path.extension() == ".json"; }

// Every file by itself, and each folder that has files: what stands together may be meant together.
std::set<std::string> inputs_below(const char* folder) {
  std::set<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(kTop / folder)) {
    if (!entry.is_regular_file() || !is_manifest(entry.path()) || entry.path().filename() == "accepted.json" || entry.path().filename() == "resolutions.json") continue;
    out.insert(fs::relative(entry.path(), kTop).string());
    out.insert(fs::relative(entry.path().parent_path(), kTop).string());
  }
  return out;
}

// Line by line "FINDING  reason".
std::map<std::string, std::string> justified() {
  std::map<std::string, std::string> out;
  std::ifstream in(kTop / "lint/corpus.txt");
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t gap = line.find("  ");
    out.emplace(line.substr(0, gap), gap == std::string::npos ? "" : line.substr(gap + 2));
  }
  return out;
}

}  // namespace

TEST_CASE("what is found among policies of others is justified, and is still found") {
  std::set<std::string> found;
  for (const char* folder : {"corpus/cilium", "policies"})
    for (const std::string& input : inputs_below(folder)) found.merge(findings_of(input));
  const auto reasons = justified();
  for (const std::string& one : found) CHECK_MESSAGE(reasons.count(one) != 0, "no reason in testdata/lint/corpus.txt for ", one);
  for (const auto& [one, reason] : reasons) {
    CHECK_MESSAGE(found.count(one) != 0, "not found any more: ", one);
    CHECK_MESSAGE(reason.size() > 10, "no reason given for ", one);
  }
  if (std::getenv("NETPOLC_BLESS") == nullptr) return;
  std::ofstream out(kTop / "lint/corpus.txt.new");
  for (const std::string& one : found) out << one << "  " << (reasons.count(one) ? reasons.at(one) : "") << "\n";
}
