// runtime-loader/connectivity/report.h — what a connectivity test found, as text, JSON and JUnit.
#pragma once
#include <string>

#include "runtime-loader/connectivity/run.h"

namespace netpolc::loader::connectivity {

// Do the words of this process go to somebody who reads UTF-8? Else symbols are ASCII.
bool reads_utf8();

std::string head_text(const Outcome& outcome, std::size_t tests);
std::string test_text(const TestResult& test, std::size_t number, std::size_t of, bool utf8);
std::string end_text(const Outcome& outcome, bool utf8);
std::string outcome_json(const Outcome& outcome);
std::string outcome_junit(const Outcome& outcome);

}  // namespace netpolc::loader::connectivity
