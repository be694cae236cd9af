// compiler/exit_code.h — the process's answer to scripts; part of the command-line contract.
#pragma once

namespace netpolc::compiler {

inline constexpr int kGood = 0;
inline constexpr int kNegative = 1;   // a well-formed "no"
inline constexpr int kNoAnswer = 2;   // usage, input or policy error
inline constexpr int kUndecided = 3;  // never success
inline constexpr int kInternal = 4;

}  // namespace netpolc::compiler
