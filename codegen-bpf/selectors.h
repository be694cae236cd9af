// codegen-bpf/selectors.h — peer conditions as JSON (docs/bundle.md, "Selectors"): what lets a
// node judge label sets that came after the bundle was compiled.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "ir/decide/table.h"

namespace netpolc::codegen_bpf {

// The distinct conditions of all programs, in the order in which they come.
class SelectorTable {
 public:
  // Their numbers, one a bit.
  nlohmann::ordered_json numbers(const ir::DirectionTable& table);
  const nlohmann::ordered_json& all() const { return all_; }

 private:
  nlohmann::ordered_json all_ = nlohmann::ordered_json::array();
  std::map<std::string, std::size_t> numbers_;
  std::map<const ir::ConditionTree*, std::size_t> known_;  // most programs share them
};

}  // namespace netpolc::codegen_bpf
