#include "runtime-loader/selectors.h"

#include <optional>

namespace netpolc::loader {
namespace {

ir::Operator operation(const JsonField& field) {
  const std::string& word = field.text();
  if (word == "in") return ir::Operator::In;
  if (word == "notIn") return ir::Operator::NotIn;
  if (word == "exists") return ir::Operator::Exists;
  if (word == "absent") return ir::Operator::DoesNotExist;
  field.fail("expected in, notIn, exists or absent");
}

ir::Protocol protocol(const JsonField& field) {
  const std::string& word = field.text();
  if (word == "TCP") return ir::Protocol::Tcp;
  if (word == "UDP") return ir::Protocol::Udp;
  if (word == "SCTP") return ir::Protocol::Sctp;
  field.fail("expected TCP, UDP or SCTP");
}

// ["k8s", "app", "in", "web", "db"]
ir::Requirement requirement(const JsonField& field) {
  ir::Requirement out;
  std::size_t at = 0;
  field.each([&](const JsonField& item) {
    if (at == 0) out.source = item.text();
    else if (at == 1) out.key = item.text();
    else if (at == 2) out.op = operation(item);
    else out.values.push_back(item.text());
    ++at;
  });
  const bool valued = out.op == ir::Operator::In || out.op == ir::Operator::NotIn;
  if (at < 3 || valued == out.values.empty()) field.fail("expected source, key, operator, and values where the operator has some");
  return out;
}

ir::Selector labels(const JsonField& field) {
  ir::Selector out;
  field.each([&](const JsonField& item) { out.requirements.push_back(requirement(item)); });
  return out;
}

ir::ConditionPtr combined(ir::Combination::Kind kind, const JsonField& parts) {
  std::vector<ir::ConditionPtr> all;
  parts.each([&](const JsonField& part) { all.push_back(selector(part)); });
  return ir::combination(kind, std::move(all));
}

}  // namespace

ir::NamedPort named_port(const JsonField& field) {
  ir::NamedPort out;
  std::size_t at = 0;
  field.each([&](const JsonField& item) {
    if (at == 0) out.name = item.text();
    else if (at == 1) out.protocol = protocol(item);
    else if (at == 2) out.port = static_cast<std::uint16_t>(item.number(UINT16_MAX));
    ++at;
  });
  if (at != 3) field.fail("expected name, protocol and port");
  return out;
}

ir::ConditionPtr selector(const JsonField& field) {
  using Kind = ir::Combination::Kind;
  if (field.is_boolean()) return ir::combination(field.boolean() ? Kind::All : Kind::Any, {});
  if (const auto all = field.find("all")) return combined(Kind::All, *all);
  if (const auto any = field.find("any")) return combined(Kind::Any, *any);
  if (const auto none = field.find("none")) return combined(Kind::None, *none);
  if (const auto wanted = field.find("labels")) return ir::condition(labels(*wanted));
  if (const auto name = field.find("name")) return ir::condition(ir::FqdnPeer{name->text(), ""});
  if (const auto pattern = field.find("pattern")) return ir::condition(ir::FqdnPeer{"", pattern->text()});
  if (const auto port = field.find("port")) return ir::condition(named_port(*port));
  const auto inside = field.find("inside");
  if (!inside) field.fail("is no selector that this loader knows; use the loader that came with the compiler");
  const auto prefix = IpPrefix::parse(inside->text());
  if (!prefix) inside->fail("`" + inside->text() + "` is no prefix");
  return ir::condition(ir::InsidePrefix{*prefix});
}

Selectors selectors(const JsonField& field) {
  Selectors out;
  field.each([&](const JsonField& item) { out.push_back(selector(item)); });
  return out;
}

std::vector<std::uint64_t> bits_of(const Selectors& selectors, std::size_t words, const ir::ConditionSubject& subject) {
  std::vector<std::uint64_t> bits(words);
  if (words > 0) bits[0] = 1;
  for (std::size_t bit = 1; bit < selectors.size() && bit / 64 < words; ++bit)
    if (ir::holds(*selectors[bit], subject)) bits[bit / 64] |= 1ull << (bit % 64);
  return bits;
}

}  // namespace netpolc::loader
