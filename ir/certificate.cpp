#include "ir/certificate.h"

#include <cstdio>

namespace netpolc::ir {

std::string certified_text(const CertifiedRows& rows, std::size_t words) {
  std::string out = "words " + std::to_string(words) + "\n";
  for (const auto& [identity, bits] : rows) {
    out += std::to_string(identity);
    for (const std::uint64_t word : bits) {
      char text[20];
      std::snprintf(text, sizeof text, " 0x%016llx", static_cast<unsigned long long>(word));
      out += text;
    }
    out += "\n";
  }
  return out;
}

}  // namespace netpolc::ir
