#include "frontend/label_filter.h"

#include <re2/re2.h>

#include <sstream>

namespace netpolc::frontend {

// "[source:][!]regex": with "!" labels are left out. The regex must match from the key's start.
struct LabelFilter::Pattern {
  bool exclude = false;
  std::string source, text;
  std::unique_ptr<re2::RE2> regex;
};

namespace {

constexpr const char* kDefaults[] = {
    R"(reserved:.*)",
    R"(io\.kubernetes\.pod\.namespace)",
    R"(io\.cilium\.k8s\.namespace\.labels)",
    R"(app\.kubernetes\.io)",
    R"(!io\.kubernetes)",
    R"(!kubernetes\.io)",
    R"(!statefulset\.kubernetes\.io/pod-name)",
    R"(!apps\.kubernetes\.io/pod-index)",
    R"(!batch\.kubernetes\.io/job-completion-index)",
    R"(!batch\.kubernetes\.io/controller-uid)",
    R"(!topology\.kubernetes\.io)",
    R"(!.*beta\.kubernetes\.io)",
    R"(!k8s\.io)",
    R"(!pod-template-generation)",
    R"(!pod-template-hash)",
    R"(!controller-revision-hash)",
    R"(!controller-uid)",
    R"(!annotation.*)",
    R"(!etcd_node)",
};

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// Named from 1.18 on; it matters only where `labels` has an including pattern.
constexpr const char* kDefaultsSince18[] = {
    R"(io\.cilium\.k8s\.policy\.cluster)",
    R"(io\.cilium\.k8s\.policy\.serviceaccount)",
};

}  // namespace

LabelFilter::LabelFilter(const ir::Config& config) {
  for (const char* text : kDefaults) add(text);
  if (config.version >= 18) {
    for (const char* text : kDefaultsSince18) add(text);
  }
  std::istringstream words(config.labels.value_or(""));
  for (std::string word; words >> word;) {
    const std::size_t before = patterns_.size();
    add(word);
    if (patterns_.size() == before) {
      malformed_.push_back(word);
    } else if (!patterns_.back().exclude) {
      only_included_ = true;
    }
  }
}

LabelFilter::~LabelFilter() = default;
LabelFilter::LabelFilter(LabelFilter&&) noexcept = default;

void LabelFilter::add(const std::string& text) {
  Pattern pattern;
  pattern.text = text;
  const std::size_t colon = text.find(':');
  std::string regex = colon == std::string::npos ? text : text.substr(colon + 1);
  if (colon != std::string::npos) pattern.source = text.substr(0, colon);
  if (pattern.source == "any") pattern.source.clear();
  if (!regex.empty() && regex.front() == '!') {
    pattern.exclude = true;
    regex.erase(0, 1);
  }
  if (regex.empty()) return;
  pattern.regex = std::make_unique<re2::RE2>(regex, re2::RE2::Quiet);
  if (pattern.regex->ok()) patterns_.push_back(std::move(pattern));
}

bool LabelFilter::keeps(const ir::Label& label) const {
  std::string key = label.source + ":" + label.key;
  if (const auto known = decided_.find(key); known != decided_.end()) return known->second;
  const bool kept = decide(label);
  decided_.emplace(std::move(key), kept);
  return kept;
}

// Of the key, from its start; kNone: no match.
std::size_t LabelFilter::length(const Pattern& pattern, const ir::Label& label) const {
  re2::StringPiece match;
  if (!pattern.source.empty() && pattern.source != label.source) return kNone;
  return pattern.regex->Match(label.key, 0, label.key.size(), re2::RE2::ANCHOR_START, &match, 1) ? match.size() : kNone;
}

std::string LabelFilter::why_dropped(const ir::Label& label) const {
  const Pattern* shortest = nullptr;
  std::size_t least = kNone;
  for (const Pattern& pattern : patterns_) {
    const std::size_t matched = pattern.exclude ? length(pattern, label) : kNone;
    if (matched != kNone && (shortest == nullptr || matched < least)) shortest = &pattern, least = matched;
  }
  return shortest != nullptr ? "left out by `" + shortest->text + "` of the label filter" : "no pattern of the `labels` option takes it in";
}

// The longest match of an including pattern against the shortest of an excluding one.
bool LabelFilter::decide(const ir::Label& label) const {
  std::size_t included = 0, excluded = 0;
  for (const Pattern& pattern : patterns_) {
    const std::size_t matched = length(pattern, label);
    if (matched == kNone) continue;
    if (!pattern.exclude) {
      included = std::max(included, matched);
    } else if (excluded == 0 || matched < excluded) {
      excluded = matched;
    }
  }
  return (!only_included_ && excluded == 0) || included > excluded;
}

}  // namespace netpolc::frontend
