// verify/conclude.h — what the sides of one pair come to, and what pairs come to together. For those who judge pairs otherwise than
// by two references (verify/judge.h).
#pragma once
#include <vector>

#include "verify/judge.h"

namespace netpolc::verify {

// One side: none without a subject. `request`: may be null. `self` and `other` are only named and pointed to.
std::optional<Side> judged_side(Judge& judge, const std::optional<SubjectId>& subject, ir::Direction direction, FactsId peer, ir::Flow flow, const End& self,
                                const End& other, const ir::Request* request);

// Sets the word, and the reason of Undecided: denied as soon as one side denies.
void conclude(PairAnswer& pair);
// Allowed and denied are Mixed; else Undecided where one is, or where there are none.
Word together(const std::vector<Word>& words);
// The same ends, and the same verdict by the same rules: one line to the reader.
bool repeats(const PairAnswer& a, const PairAnswer& b);

}  // namespace netpolc::verify
