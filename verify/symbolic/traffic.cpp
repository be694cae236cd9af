#include "verify/symbolic/traffic.h"

#include <algorithm>

#include "verify/smt/solver.h"

namespace netpolc::verify {

std::string to_string(const FlowRange& range) {
  if (!range.protocol) return "every port and protocol";
  std::string out = ir::to_string(*range.protocol);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (range.first == 0 && range.last == 65535) return out;
  return out + "/" + std::to_string(range.first) + (range.last == range.first ? "" : "-" + std::to_string(range.last));
}

namespace symbolic {
namespace {

constexpr unsigned kProtocolBits = 4;
constexpr auto kLast = static_cast<unsigned>(ir::Protocol::Ah);
unsigned code(ir::Protocol protocol) { return static_cast<unsigned>(protocol); }

}  // namespace

Traffic::Traffic(z3::context& context, const FlowRange& range)
    : context_(context),
      range_(range),
      protocol_(context.bv_const("protocol", kProtocolBits)),
      number_(range.first == range.last ? context.bv_val(range.first, 16) : context.bv_const("number", 16)) {
  if (range.protocol) protocol_ = context.bv_val(code(*range.protocol), kProtocolBits);
  if (range.first != range.last) {
    if (range.first > 0) facts_.push_back(z3::uge(number_, context.bv_val(range.first, 16)));
    if (range.last < 65535) facts_.push_back(z3::ule(number_, context.bv_val(range.last, 16)));
  }
  if (range.protocol) return;
  // Types end at 255; protocols without numbers have 0.
  facts_.push_back(z3::ule(protocol_, context.bv_val(kLast, kProtocolBits)));
  const z3::expr zero = context.bv_val(0, 16);
  for (unsigned p = 0; p <= kLast; ++p) {
    const auto protocol = static_cast<ir::Protocol>(p);
    const bool ports = protocol == ir::Protocol::Tcp || protocol == ir::Protocol::Udp || protocol == ir::Protocol::Sctp;
    if (ports) continue;
    const bool types = protocol == ir::Protocol::Icmp || protocol == ir::Protocol::Icmpv6;
    facts_.push_back(!is(protocol) || (types ? z3::ule(number_, context.bv_val(255, 16)) : number_ == zero));
  }
}

z3::expr Traffic::is(ir::Protocol protocol) const {
  if (range_.protocol) return context_.bool_val(*range_.protocol == protocol);
  return protocol_ == context_.bv_val(code(protocol), kProtocolBits);
}

z3::expr Traffic::within(std::uint16_t first, std::uint16_t last) const {
  if (first <= range_.first && last >= range_.last) return context_.bool_val(true);
  if (last < range_.first || first > range_.last) return context_.bool_val(false);
  if (first == last) return number_ == context_.bv_val(first, 16);
  std::vector<z3::expr> both;
  if (first > range_.first) both.push_back(z3::uge(number_, context_.bv_val(first, 16)));
  if (last < range_.last) both.push_back(z3::ule(number_, context_.bv_val(last, 16)));
  return smt::all(context_, both);
}

std::vector<z3::expr> Traffic::preferences() const {
  std::vector<z3::expr> out;
  if (!range_.protocol)
    for (const auto protocol : {ir::Protocol::Tcp, ir::Protocol::Udp, ir::Protocol::Icmp}) out.push_back(is(protocol));
  for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{443}, std::uint16_t{8080}, std::uint16_t{53}}) out.push_back(within(port, port));
  for (unsigned bit = 15; bit >= 6 && range_.first != range_.last; --bit)  // else a small one
    out.push_back(z3::ult(number_, context_.bv_val(1U << bit, 16)));
  std::erase_if(out, [](const z3::expr& term) { return term.is_true() || term.is_false(); });
  return out;
}

ir::Flow Traffic::flow(const z3::model& model) const {
  return {static_cast<ir::Protocol>(model.eval(protocol_, true).get_numeral_uint()), static_cast<std::uint16_t>(model.eval(number_, true).get_numeral_uint())};
}

}  // namespace symbolic
}  // namespace netpolc::verify
