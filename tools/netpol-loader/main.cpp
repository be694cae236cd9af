// netpol-loader — see docs/loader.md and `netpol-loader --help`.
#include "runtime-loader/cli.h"

int main(int argc, char** argv) { return netpolc::loader::run(argc, argv); }
