// runtime-loader/connectivity/decision_table.h — the decision table of a program as a bundle has it in
// words (programs/DIGEST.ir, docs/ir.md): what policy says of a peer's bits, a protocol and a number. It is
// written from the policies beside the program, and not read off the program: so the two can be compared.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/map_layout.h"
#include "runtime-loader/result.h"

namespace netpolc::loader::connectivity {

struct Decision {
  bool allowed = true;
  std::uint8_t reason = NP_REASON_FORWARDED;  // NP_REASON_* where it isn't
  std::uint32_t rule = NP_NO_RULE;            // that decided
  bool operator==(const Decision&) const = default;
};

class TableDirection {
 public:
  // `bits`: those of the peer, in words. `protocol`: as in IP; `number`: port or ICMP type.
  Decision decide(const std::vector<std::uint64_t>& bits, bool from_own_node, std::uint8_t protocol, std::uint16_t number) const;

 private:
  friend struct TableParser;
  struct Entry {
    std::uint32_t bit = 0, rule = 0;
    std::uint8_t reason = NP_REASON_FORWARDED;
  };
  struct Class {
    std::uint8_t protocol = 0;  // 0: others
    std::uint16_t first = 0, last = 65535;
    std::vector<Entry> entries;
  };
  bool enforced_ = false, default_deny_ = false, own_node_let_in_ = false;
  std::vector<Class> classes_;
};

struct Table {
  TableDirection ingress, egress;
};
// `name`: for messages. Fails as input with the line that doesn't fit.
Result<Table> parse_table(std::string_view text, const std::string& name);

}  // namespace netpolc::loader::connectivity
