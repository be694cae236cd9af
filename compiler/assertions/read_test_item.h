// compiler/assertions/read_test_item.h — one item of `tests`: a test, `never`, or `use` of a built-in pack.
#pragma once
#include <optional>

#include "compiler/assertions/fields.h"
#include "compiler/assertions/model.h"

namespace netpolc::compiler::assertions {

// A test that is not whole is one that something was said about. `ns`: of ends without one, but for patterns of pods that could be,
// which mean all namespaces then; "": there is none.
Test read_test_item(const Node& item, const Fields& fields, const std::string& ns);

// `port`, `ports` and `protocol`, `icmp`, `icmpv6` of a test or of a target.
std::vector<verify::FlowRange> read_traffic(const Node& node, const Fields& fields);
// `http`, `dns`, `sni`. `patterns`: expressions, as policies have them.
RequestOptions read_request(const Node& node, bool patterns, const Fields& fields);
// `forEach`: pods and namespaces by labels.
std::optional<ForEach> read_for_each(const Node& node, const Fields& fields);

}  // namespace netpolc::compiler::assertions
