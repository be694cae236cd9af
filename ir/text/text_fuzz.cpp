// Any bytes as the IR's text: what is read is printed, and that is read back as the same text.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "ir/text/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = netpolc::ir::parse(text);
  if (!first) {
    if (first.error().message.empty() || first.error().line == 0 || first.error().column == 0) std::abort();
    return 0;
  }
  const std::string printed = netpolc::ir::print(*first);
  const auto second = netpolc::ir::parse(printed);
  if (second && netpolc::ir::print(*second) == printed) return 0;
  std::fprintf(stderr, "not read back:\n%s\n", printed.c_str());
  std::abort();
}
