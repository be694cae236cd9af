#include "runtime-loader/address_lines.h"

#include <algorithm>

#include "ir/identity/cidr_label.h"
#include "runtime-loader/json_field.h"

namespace netpolc::loader {
namespace {

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 255 &&
         std::all_of(text.begin(), text.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_'; });
}

Result<std::set<std::string>> names(const std::vector<std::string>& texts) {
  std::set<std::string> out;
  for (std::string name : texts) {
    if (!is_name(name)) return bad_input("`" + name + "` is no name that addresses are looked up by");
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (name.size() > 1 && name.back() == '.') name.pop_back();
    out.insert(std::move(name));
  }
  return out;
}

Result<ir::LabelSet> groups(const std::vector<std::string>& texts) {
  ir::LabelSet out;
  for (const std::string& text : texts) {
    if (text.find(':') == std::string::npos) {
      out.push_back(ir::cidr_group_label(text));
      continue;
    }
    auto label = parse_label(text);
    if (!label) return tl::make_unexpected(label.error());
    if (label->source != "cidrgroup") return bad_input("`" + text + "` is no label of a CiliumCIDRGroup: those are cidrgroup:KEY=VALUE");
    out.push_back(std::move(*label));
  }
  ir::normalise(out);
  return out;
}

Result<IdentityKey> key(const AddressText& said) {
  IdentityKey out;
  for (const std::string& text : said.labels) {
    auto label = parse_label(text);
    if (!label) return tl::make_unexpected(label.error());
    out.labels.push_back(std::move(*label));
  }
  for (const std::string& text : said.ports) {
    auto port = parse_named_port(text);
    if (!port) return tl::make_unexpected(port.error());
    out.ports.push_back(std::move(*port));
  }
  return out;
}

Result<AddressOverride> what(const AddressText& said) {
  const bool outside = said.external || !said.names.empty() || !said.groups.empty();
  const int ways = !said.endpoint.empty() + !said.labels.empty() + outside + said.identity.has_value();
  if (ways == 0) return bad_input("whose address is it? give --endpoint, --labels, --fqdn, --cidr-group, --external or --identity");
  if (ways > 1)
    return bad_input("an address has one owner: give one of --endpoint, --labels and --identity, or what is known of an address outside (--fqdn, --cidr-group, --external)");
  if (!said.ports.empty() && said.labels.empty()) return bad_input("named ports belong to a label set: give --labels too");
  AddressOverride out;
  out.endpoint = said.endpoint;
  out.identity = said.identity;
  if (!said.labels.empty()) {
    auto own = key(said);
    if (!own) return tl::make_unexpected(own.error());
    out.key = std::move(*own);
  }
  if (!outside) return out;
  auto resolved = names(said.names);
  if (!resolved) return tl::make_unexpected(resolved.error());
  auto members = groups(said.groups);
  if (!members) return tl::make_unexpected(members.error());
  out.external = ExternalFacts{std::move(*resolved), std::move(*members), said.external};
  return out;
}

std::vector<std::string> texts(const JsonField& field) {
  if (field.is_text()) return {field.text()};
  std::vector<std::string> out;
  field.each([&](const JsonField& item) { out.push_back(item.text()); });
  return out;
}

// What comes from an option may be a list with commas.
std::vector<std::string> label_texts(const JsonField& field) {
  std::vector<std::string> out;
  for (const std::string& text : texts(field))
    for (std::size_t from = 0; from <= text.size();) {
      const std::size_t to = std::min(text.find(',', from), text.size());
      out.push_back(text.substr(from, to - from));
      from = to + 1;
    }
  return out;
}

Result<AddressWord> line_word(const std::string& line, bool add) {
  const auto json = nlohmann::json::parse(line);
  const JsonField root(json);
  AddressText said;
  std::string address;
  root.each_member([&](const std::string& name, const JsonField& value) {
    if (name == "address") address = value.text();
    else if (name == "endpoint") said.endpoint = value.text();
    else if (name == "labels") said.labels = label_texts(value);
    else if (name == "namedPorts") said.ports = label_texts(value);
    else if (name == "fqdn") said.names = texts(value);
    else if (name == "cidrGroups") said.groups = texts(value);
    else if (name == "external") said.external = value.boolean();
    else if (name == "identity") said.identity = value.number32();
    else if (name == "remove") add = add && !value.boolean();
    else value.fail("is no field that a line may have");
  });
  if (address.empty()) root.fail("lacks `address`");
  return address_word(address, said, add);
}

}  // namespace

Result<AddressWord> address_word(const std::string& address, const AddressText& said, bool add) {
  const auto prefix = Prefix::parse(address);
  if (!prefix) return bad_input("`" + address + "` is no address or prefix");
  AddressWord word{*prefix, std::nullopt, {}};
  if (add) {
    auto override = what(said);
    if (!override) return tl::make_unexpected(override.error());
    word.add = std::move(*override);
    return word;
  }
  AddressText rest = said;
  rest.names.clear();
  if (!rest.empty()) return bad_input(address + ": what is removed is an address, or names of it");
  auto gone = names(said.names);
  if (!gone) return tl::make_unexpected(gone.error());
  word.names = std::move(*gone);
  return word;
}

Result<std::vector<AddressWord>> parse_address_lines(const std::string& text, const std::string& name, bool add) {
  std::vector<AddressWord> out;
  std::size_t number = 0;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find('\n', from), text.size());
    const std::string line = text.substr(from, to - from);
    from = to + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = name + ":" + std::to_string(number) + ": ";
    try {
      auto word = line_word(line, add);
      if (!word) return bad_input(place + word.error().message);
      out.push_back(std::move(*word));
    } catch (const BadField& bad) {
      return bad_input(place + bad.what());
    } catch (const nlohmann::json::parse_error& error) {
      return bad_input(place + "no JSON: at byte " + std::to_string(error.byte));
    }
  }
  if (out.empty()) return bad_input(name + ": no addresses");
  return out;
}

}  // namespace netpolc::loader
