// Parties that no policy tells apart. What a pair may send comes from the two sides' tables and the two identities, so
// parties are alike if their tables say the same of every identity, and every table says the same of theirs. Who isn't
// judged in this way (see `plain_face`) is a class of its own, and the others are compared in what they do with it.
#include <map>

#include "verify/all_ports.h"

namespace netpolc::verify {
namespace {

using Key = std::vector<std::uint32_t>;
constexpr std::uint32_t no_side = ~0U;

void append(Key& key, const Traffic& traffic) { key.insert(key.end(), {static_cast<std::uint32_t>(traffic.word), traffic.allowed, traffic.possible}); }

}  // namespace

// One direction of all tables.
struct AllPorts::Side {
  std::vector<std::uint32_t> of_table;                // equal numbers: they say the same
  std::unordered_map<std::uint32_t, Key> exceptions;  // of an identity: each side that makes one of it, and which

  void append(Key& key, std::uint32_t identity) const {
    const auto found = exceptions.find(identity);
    key.push_back(found == exceptions.end() ? 0 : static_cast<std::uint32_t>(found->second.size()));
    if (found != exceptions.end()) key.insert(key.end(), found->second.begin(), found->second.end());
  }
};

AllPorts::Side AllPorts::all_sides(ir::Direction direction) {
  Side out;
  std::map<SideAccess, std::uint32_t> numbers;
  for (std::uint32_t t = 0; t < decisions_.tables.size(); ++t) {
    if (decisions_.tables[t].incomputable) {
      out.of_table.push_back(no_side);
      continue;
    }
    const auto [found, fresh] = numbers.emplace(side_of(t, direction), static_cast<std::uint32_t>(numbers.size()));
    out.of_table.push_back(found->second);
    if (!fresh) continue;
    for (const auto& named : found->first.named()) {
      Key& key = out.exceptions[named.identity];
      key.insert(key.end(), {found->second, named.access});
    }
  }
  return out;
}

// Whom tables and identities alone decide about: one end, which is the same to everybody, with an identity, and with a
// table if it is judged.
std::optional<Encounters::Face> AllPorts::plain_face(const Party& party) {
  if (party.ends.size() != 1 || !party.ends.front().flows.empty()) return std::nullopt;
  const End& end = party.ends.front();
  auto& encounters = judge_.encounters();
  if (end.kind == EndKind::Node || (end.kind == EndKind::Host && encounters.hosts_are_managed())) return std::nullopt;
  const Encounters::Face face = encounters.faces(end).front();
  if (!identity_of(face.seen)) return std::nullopt;
  if (face.subject && table_of(*face.subject) != nullptr && table_of(*face.subject)->incomputable) return std::nullopt;
  return face;
}

std::optional<AllPorts::Plain> AllPorts::plain(const Party& party) {
  const auto face = plain_face(party);
  if (!face) return std::nullopt;
  Plain out{.identity = *identity_of(face->seen)};
  if (!face->subject || table_of(*face->subject) == nullptr) return out;
  const std::uint32_t table = *subject_tables_[*face->subject];
  out.judged = true;
  out.ingress = &side_of(table, ir::Direction::Ingress);
  out.egress = &side_of(table, ir::Direction::Egress);
  return out;
}

std::vector<std::uint32_t> AllPorts::classes(const Parties& parties) {
  const Side ingress = all_sides(ir::Direction::Ingress), egress = all_sides(ir::Direction::Egress);
  std::vector<std::optional<Encounters::Face>> faces;
  std::vector<std::size_t> special;
  for (std::size_t p = 0; p < parties.size(); ++p) {
    faces.push_back(plain_face(parties[p]));
    if (!faces.back()) special.push_back(p);
  }
  std::map<Key, std::uint32_t> numbers;
  std::vector<std::uint32_t> out;
  for (std::size_t p = 0; p < parties.size(); ++p) {
    Key key;
    // Nodes are told apart from pods by what may be sent to them, so only pods are alike.
    if (!faces[p] || parties[p].ends.front().kind != EndKind::Endpoint) {
      key = {static_cast<std::uint32_t>(p)};
    } else {
      const auto& [subject, seen] = *faces[p];
      const bool judged = subject && table_of(*subject) != nullptr;
      const std::uint32_t table = judged ? *subject_tables_[*subject] : 0;
      key = {judged ? ingress.of_table[table] : no_side, judged ? egress.of_table[table] : no_side, static_cast<std::uint32_t>(managed(parties[p]))};
      ingress.append(key, *identity_of(seen));
      egress.append(key, *identity_of(seen));
      for (const std::size_t s : special) {
        append(key, between(parties[p], parties[s]));
        append(key, between(parties[s], parties[p]));
      }
    }
    out.push_back(numbers.emplace(std::move(key), static_cast<std::uint32_t>(numbers.size())).first->second);
  }
  return out;
}

}  // namespace netpolc::verify
