// runtime-loader/cli.h — the command line of netpol-loader. Exit codes: 0 done, 1 a well-formed
// "no" (status: something isn't in force), 2 usage or input, 4 the kernel or the machine
// refused, 130 interrupted.
#pragma once

namespace netpolc::loader {

int run(int argc, const char* const* argv);

}  // namespace netpolc::loader
