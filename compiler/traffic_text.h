// compiler/traffic_text.h — sets of traffic as JSON and as text, each written once.
#pragma once
#include <string>
#include <vector>

#include "verify/access.h"

namespace netpolc::compiler {

class TrafficText {
 public:
  // `sets` outlives it, and may grow.
  explicit TrafficText(const verify::AccessSets& sets) : sets_(sets) {}
  const std::string& json(verify::AccessId id);  // [{"protocol":"TCP","ports":"80"}]
  const std::string& text(verify::AccessId id);  // "TCP 80 · UDP all", "everything", "nothing"

 private:
  std::string json_marks(verify::MarksId id) const;
  std::string text_marks(verify::MarksId id) const;
  std::string write_json(const verify::Access& access) const;
  std::string write_text(const verify::Access& access) const;

  const verify::AccessSets& sets_;
  std::vector<std::string> json_, text_;
};

}  // namespace netpolc::compiler
