#include "compiler/label_selector.h"

#include <algorithm>

namespace netpolc::compiler {
namespace {

tl::unexpected<std::string> refused(const std::string& part) {
  return tl::unexpected("-l: `" + part + "` is none of k=v, k!=v, k and !k (set-based `in` and `notin` are not understood)");
}

}  // namespace

tl::expected<ir::Selector, std::string> label_selector(const std::string& text) {
  ir::Selector out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string part = text.substr(begin, end - begin);
    begin = end + 1;
    ir::Requirement one{"any", part, ir::Operator::Exists, {}};
    if (part.starts_with('!')) {
      one.op = ir::Operator::DoesNotExist;
      one.key = part.substr(1);
    } else if (const std::size_t sign = part.find('='); sign != std::string::npos) {
      const bool negated = sign > 0 && part[sign - 1] == '!';
      const bool doubled = !negated && part.substr(sign).starts_with("==");
      one.op = negated ? ir::Operator::NotIn : ir::Operator::In;
      one.key = part.substr(0, negated ? sign - 1 : sign);
      one.values = {part.substr(sign + (doubled ? 2 : 1))};
    }
    const std::string everything = one.key + (one.values.empty() ? "" : one.values.front());
    if (one.key.empty() || everything.find_first_of(" ()!=") != std::string::npos) return refused(part);
    if (const std::size_t colon = one.key.find(':'); colon != std::string::npos && colon > 0) {
      one.source = one.key.substr(0, colon);
      one.key.erase(0, colon + 1);
    }
    out.requirements.push_back(std::move(one));
  }
  ir::normalise(out);
  return out;
}

}  // namespace netpolc::compiler
