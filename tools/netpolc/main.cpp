// netpolc — see docs/ and `netpolc --help`.
#include "compiler/cli.h"

int main(int argc, char** argv) { return netpolc::compiler::run(argc, argv); }
