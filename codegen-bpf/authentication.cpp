// Two candidates (5.4): the peer's own entries, and those for everyone. What everyone's entries
// say is known here; which of the peer's own hold is known per packet. So the C finds the
// narrowest explicit word among the peer's own that are no narrower than the chosen one (5.7), then,
// by the entry that is chosen, whether it counts, or everyone's, or the stronger of both.
#include "codegen-bpf/authentication.h"

#include <algorithm>

namespace netpolc::codegen_bpf {
namespace {

using Entries = std::vector<const ir::TableEntry*>;

const char* constant(ir::AuthMode mode) {
  switch (mode) {
    case ir::AuthMode::Unset: return "NP_AUTH_UNSET";
    case ir::AuthMode::Disabled: return "NP_AUTH_DISABLED";
    case ir::AuthMode::Required: return "NP_AUTH_REQUIRED";
    case ir::AuthMode::AlwaysFail: return "NP_AUTH_ALWAYS_FAIL";
  }
  return "NP_AUTH_ALWAYS_FAIL";
}

// Allows in the order in which they are chosen: by the redirect's precedence, as listed, then the narrower.
Entries in_order_of_choice(const std::vector<ir::TableEntry>& entries, bool for_everyone) {
  Entries out;
  for (const auto& entry : entries)
    if (entry.action == ir::Action::Allow && (entry.bit == 0) == for_everyone) out.push_back(&entry);
  for (auto from = out.begin(); from != out.end();) {
    const auto to = std::find_if(from, out.end(), [&](const auto* e) { return e->priority != (*from)->priority; });
    std::stable_sort(from, to, [](const auto* a, const auto* b) { return a->specificity > b->specificity; });
    from = to;
  }
  return out;
}

Entries explicit_strongest_first(Entries entries) {
  std::erase_if(entries, [](const auto* e) { return e->auth == ir::AuthMode::Unset; });
  std::stable_sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) {
    return std::pair(a->specificity, a->auth) > std::pair(b->specificity, b->auth);
  });
  return entries;
}

// Of those that cover the chosen one.
Entries covering(Entries entries, const ir::TableEntry& chosen) {
  std::erase_if(entries, [&](const auto* e) { return e->specificity > chosen.specificity; });
  return entries;
}

struct Everyone {
  const ir::TableEntry* chosen = nullptr;
  ir::AuthMode auth = ir::AuthMode::Unset;
};

std::string when_chosen(const ir::TableEntry& own, const Everyone& all) {
  const std::string everyones = constant(all.auth);
  if (!all.chosen) return "own";
  const bool equal = own.priority == all.chosen->priority;
  const bool all_first = equal ? all.chosen->specificity > own.specificity : wins_over(*all.chosen, own);
  const ir::TableEntry& first = all_first ? *all.chosen : own;
  if (!equal || first.auth != ir::AuthMode::Unset) return all_first ? everyones : "own";
  return "np_stronger(own, " + everyones + ")";
}

}  // namespace

bool asks_for_authentication(const std::vector<ir::TableEntry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const auto& e) { return e.action == ir::Action::Allow && e.auth >= ir::AuthMode::Required; });
}

void write_authentication(Writer& writer, const std::vector<ir::TableEntry>& entries, const std::vector<std::string>& peers, const std::string& variable) {
  const Entries own = in_order_of_choice(entries, false), all = in_order_of_choice(entries, true);
  const Entries own_explicit = explicit_strongest_first(own);
  Everyone everyone;
  if (!all.empty()) {
    everyone.chosen = all.front();
    const Entries explicit_ones = covering(explicit_strongest_first(all), *everyone.chosen);
    if (!explicit_ones.empty()) everyone.auth = explicit_ones.front()->auth;
  }

  const auto chain = [&](const Entries& choices, const std::string& target, const auto& value) {
    const char* keyword = "if";
    for (const auto* entry : choices) {
      writer.line(std::string(keyword) + " (np_is(" + variable + ", " + peers[entry->bit] + "))");
      Writer::Indent indent(writer);
      writer.line(target + " = " + value(*entry) + ";");
      keyword = "else if";
    }
  };
  const auto said = [](const ir::TableEntry& e) { return std::string(constant(e.auth)); };
  const auto chosen = [&](const ir::TableEntry& e) { return when_chosen(e, everyone); };
  writer.line(std::string("np_u32 auth = ") + constant(everyone.auth) + ";");
  if (own.empty()) return;
  const auto covers_all = [&](const ir::TableEntry* e) { return covering(own_explicit, *e).size() == own_explicit.size(); };
  if (std::all_of(own.begin(), own.end(), covers_all)) {
    if (!everyone.chosen) return chain(own_explicit, "auth", said);
    writer.line("np_u32 own = NP_AUTH_UNSET;");
    chain(own_explicit, "own", said);
    return chain(own, "auth", chosen);
  }
  // Which words count depends on what is chosen.
  writer.line("np_u32 own = NP_AUTH_UNSET;");
  const char* keyword = "if";
  for (const auto* entry : own) {
    writer.line(std::string(keyword) + " (np_is(" + variable + ", " + peers[entry->bit] + ")) {");
    Writer::Indent indent(writer);
    chain(covering(own_explicit, *entry), "own", said);
    writer.line("auth = " + chosen(*entry) + ";");
    keyword = "} else if";
  }
  writer.line("}");
}

}  // namespace netpolc::codegen_bpf
