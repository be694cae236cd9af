// runtime-loader/drop_words.h — what Hubble calls the reason of a drop, in its compact line and in its flows (Cilium's
// pkg/monitor/api/drop.go and api/v1/flow/flow.proto).
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace netpolc::loader {

struct DropWords {
  const char* text = nullptr;  // "Policy denied"
  const char* name = nullptr;  // "POLICY_DENIED"; none: a reason of ours, which Cilium doesn't have
};
// Both none for a number that no program drops with.
DropWords drop_words(std::uint8_t reason);

// What people may write for it: its name, either text, or its number.
std::optional<std::uint8_t> parse_drop_reason(const std::string& text);

}  // namespace netpolc::loader
