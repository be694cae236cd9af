// A group's entries, in the order in which they win, are cut into runs of ascending bits. Within
// a run the first entry that holds is the lowest bit that peer and run have in common, so a run
// is a mask, and the rank of that bit in the mask finds its verdict.
#include "codegen-bpf/tables.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "codegen-bpf/names.h"
#include "ir/map_layout.h"

namespace netpolc::codegen_bpf {
namespace {

// Without it, small tables go to a section for constants that may be merged, which BTF doesn't know: the kernel
// refuses the BTF then.
const std::string kPlace = " SEC(\".rodata\")";

using Run = std::vector<ir::TableEntry>;  // ascending bits

std::vector<Run> runs(const std::vector<ir::TableEntry>& entries) {
  std::vector<Run> out;
  for (const ir::TableEntry& entry : entries) {
    if (out.empty() || entry.bit <= out.back().back().bit) out.emplace_back();
    out.back().push_back(entry);
    if (entry.bit == 0) break;  // everyone: nothing after it is reached
  }
  return out;
}

std::size_t most_runs(const TableInput& input) {
  std::size_t most = 1;
  for (const PortGroup* group : input.groups) most = std::max(most, runs(group->entries).size());
  return most;
}

// The verdicts of all groups, each sequence once.
class Verdicts {
 public:
  std::size_t place(const std::vector<std::string>& sequence) {
    const auto [at, fresh] = places_.try_emplace(sequence, all_.size());
    if (fresh) all_.insert(all_.end(), sequence.begin(), sequence.end());
    return at->second;
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
  std::map<std::vector<std::string>, std::size_t> places_;
};

struct Word {
  std::uint64_t peers = 0;
  std::size_t first = 0;
  bool each = false;  // every peer has a verdict of its own
};

std::vector<Word> words_of(const Run& run, std::size_t words, Verdicts& verdicts) {
  std::vector<Word> out(words);
  for (auto from = run.begin(); from != run.end();) {
    Word& word = out[from->bit / 64];
    const auto to = std::find_if(from, run.end(), [&](const auto& e) { return e.bit / 64 != from->bit / 64; });
    std::vector<std::string> sequence;
    for (; from != to; ++from) {
      word.peers |= 1ull << (from->bit % 64);
      sequence.push_back(verdict_constant(*from));
    }
    word.each = std::any_of(sequence.begin(), sequence.end(), [&](const auto& v) { return v != sequence.front(); });
    if (!word.each) sequence.resize(1);
    word.first = verdicts.place(sequence);
  }
  return out;
}

std::string hex(std::uint64_t word) {
  char out[32];
  std::snprintf(out, sizeof out, "0x%016llxULL", static_cast<unsigned long long>(word));
  return out;
}

std::string text(const Word& word) { return "{ " + hex(word.peers) + ", " + std::to_string(word.first) + ", " + (word.each ? "1" : "0") + " }"; }

const char* number_type(const TableInput& input) { return input.groups.size() <= 256 ? "np_u8" : "np_u16"; }

// Of a table whose rows have a summary: which words of each run have bits.
bool summarised(const TableInput& input) { return NP_SUMMARY_WORDS(input.words) > 0; }

std::vector<std::uint64_t> filled_words(const std::vector<Run>& list, std::size_t words) {
  const std::size_t summaries = NP_SUMMARY_WORDS(words);
  std::vector<std::uint64_t> out(list.size() * summaries);
  for (std::size_t run = 0; run < list.size(); ++run)
    for (const ir::TableEntry& entry : list[run]) out[run * summaries + entry.bit / 4096] |= 1ull << (entry.bit / 64 % 64);
  return out;
}

// The group of "all other ports" is number 0, so that only the others are written.
std::size_t number(const TableInput& input, std::size_t group) { return group + 1 == input.groups.size() ? 0 : group + 1; }

void write_ports(Writer& writer, const TableInput& input) {
  writer.line("/* Ports that are treated alike have the same number; all that are not listed have 0. */");
  writer.line(std::string("static const ") + number_type(input) + " " + input.name + "_groups[" + std::to_string(input.highest + 1u) + "]" + kPlace + " = {");
  for (std::size_t i = 0; i + 1 < input.groups.size(); ++i)
    for (const auto& [first, last] : input.groups[i]->ranges)
      writer.line("\t[" + port_range(first, last) + "] = " + std::to_string(number(input, i)) + ",");
  writer.line("};");
  writer.line("");
}

void write_group(Writer& writer, const TableInput& input, std::size_t group, std::size_t number_of_runs, Verdicts& verdicts) {
  auto list = runs(input.groups[group]->entries);
  if (list.empty()) return;
  writer.line("\t[" + std::to_string(number(input, group)) + "] = {");
  list.resize(number_of_runs);
  for (const Run& run : list) {
    for (const Word& word : words_of(run, input.words, verdicts)) writer.line("\t\t" + text(word) + ",");
  }
  writer.line("\t},");
}

void write_filled(Writer& writer, const TableInput& input, std::size_t number_of_runs) {
  writer.line("/* Which of these lines have peers, a bit each, to be compared with the summary of a peer's row. */");
  writer.line("static const np_u64 " + input.name + "_filled[" + std::to_string(input.groups.size()) + "][" +
              std::to_string(number_of_runs * NP_SUMMARY_WORDS(input.words)) + "]" + kPlace + " = {");
  for (std::size_t i = 0; i < input.groups.size(); ++i) {
    const auto list = runs(input.groups[i]->entries);
    if (list.empty()) continue;
    std::string line = "\t[" + std::to_string(number(input, i)) + "] = { ";
    for (const std::uint64_t word : filled_words(list, input.words)) line += hex(word) + ", ";
    writer.line(line + "},");
  }
  writer.line("};");
}

void write_verdicts(Writer& writer, const TableInput& input, const Verdicts& verdicts) {
  constexpr std::size_t kInALine = 6;
  writer.line("static const np_verdict " + input.name + "_verdicts[]" + kPlace + " = {");
  for (std::size_t i = 0; i < verdicts.all().size(); i += kInALine) {
    std::string line = "\t";
    for (std::size_t k = i; k < std::min(i + kInALine, verdicts.all().size()); ++k) line += verdicts.all()[k] + ", ";
    line.pop_back();
    writer.line(line);
  }
  writer.line("};");
  writer.line("");
}

}  // namespace

void write_tables(Writer& writer, const TableInput& input) {
  const std::size_t number_of_runs = most_runs(input);
  if (input.groups.size() > 1) write_ports(writer, input);
  Verdicts verdicts;
  writer.line("/* By that number: 64 peers a line, bit by bit, and which verdict the first of them has.");
  writer.line(" * Lines in the order in which they win. */");
  writer.line("static const struct np_peers " + input.name + "_peers[" + std::to_string(input.groups.size()) + "][" +
              std::to_string(number_of_runs * input.words) + "]" + kPlace + " = {");
  // number 0 is the last group
  write_group(writer, input, input.groups.size() - 1, number_of_runs, verdicts);
  for (std::size_t i = 0; i + 1 < input.groups.size(); ++i) write_group(writer, input, i, number_of_runs, verdicts);
  writer.line("};");
  if (summarised(input)) write_filled(writer, input, number_of_runs);
  write_verdicts(writer, input, verdicts);
  if (!summarised(input)) return;
  writer.line("NP_WIDE_TABLE(" + input.name + ", " + std::to_string(input.words) + ")");
  writer.line("");
}

std::string ask_tables(const TableInput& input, const std::string& peer, const std::string& otherwise) {
  const std::string group = input.groups.size() > 1 ? "np_group(" + input.name + "_groups, flow->port)" : "0";
  if (summarised(input)) return "np_choose_wide(" + input.name + ", " + group + ", " + peer + ", " + otherwise + ")";
  return "np_choose(" + input.name + "_peers, " + input.name + "_verdicts, " + group + ", " + peer + ", " + std::to_string(input.words) + ", " + otherwise + ")";
}

std::uint64_t table_words(const TableInput& input) {
  return input.groups.size() * most_runs(input) * (2ull * input.words + NP_SUMMARY_WORDS(input.words));
}

std::uint64_t table_turns(const TableInput& input) { return summarised(input) ? 1 : most_runs(input) * input.words; }

}  // namespace netpolc::codegen_bpf
