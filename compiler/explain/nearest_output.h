// compiler/explain/nearest_output.h — the nearest rule and what to add to it, as people and scripts read them.
#pragma once
#include "compiler/answers.h"
#include "compiler/explain/why.h"
#include "ir/identity/identities.h"

namespace netpolc::explain {

// "  nearest  …" with what differs, for a terminal; "" where nothing is near.
std::string nearest_text(const Why& why, const Sources& sources);
// An object, or null.
std::string nearest_json(const Why& why, compiler::JsonAnswers& writer);

// What is taken for granted: "  assuming …", a line a sentence, and `,"assuming":"…"`. "" where nothing is.
std::string assuming_text(const std::vector<std::string>& sentences);
std::string assuming_field(const std::vector<std::string>& sentences);

// What `verify` says beside an answer about one pair: of a side that denies by default, the nearest rule; how to let it allow the
// traffic; which packet would be the first to be dropped; and what of names is assumed. Of several pairs, what is assumed of all alone.
// A denied answer costs a pass over the cluster, as its identities are numbered (`lock`: as they were before).
compiler::SideNotes verify_notes(const verify::Answer& answer, const Sources& sources, const ir::IdentityLock& lock);
// The same for `-o json`: fields for the objects of the sides and, as `end`, of the answer.
compiler::SideNotes verify_fields(const verify::Answer& answer, const Sources& sources, const ir::IdentityLock& lock, compiler::JsonAnswers& writer);

}  // namespace netpolc::explain
