// frontend/label_filter.h — which labels of a pod make its identity (semantics reference 2.2).
// Labels that the filter removes do not exist for policy.
#pragma once
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/cluster.h"
#include "ir/labels.h"

namespace netpolc::frontend {

class LabelFilter {
 public:
  // Cilium's default patterns, and those of the `labels` option. Malformed patterns of the
  // latter are left out and listed in `malformed()`.
  explicit LabelFilter(const ir::Config& config);
  ~LabelFilter();
  LabelFilter(LabelFilter&&) noexcept;

  bool keeps(const ir::Label& label) const;
  // Of a label that it does not keep: the pattern that leaves it out, as written, or why there is none.
  std::string why_dropped(const ir::Label& label) const;
  const std::vector<std::string>& malformed() const { return malformed_; }

 private:
  struct Pattern;
  void add(const std::string& text);
  bool decide(const ir::Label& label) const;
  std::size_t length(const Pattern& pattern, const ir::Label& label) const;

  std::vector<Pattern> patterns_;
  bool only_included_ = false;  // an including pattern of `labels` turns the default around
  std::vector<std::string> malformed_;
  mutable std::unordered_map<std::string, bool> decided_;  // by "source:key": keys repeat in every pod
};

}  // namespace netpolc::frontend
