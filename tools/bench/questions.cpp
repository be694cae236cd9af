#include "tools/bench/questions.h"

#include <stdexcept>

#include "frontend/label_filter.h"
#include "frontend/load.h"
#include "tools/bench/times.h"
#include "verify/all_ports.h"
#include "verify/claims.h"

namespace netpolc::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Manifests {
  SourceManager sources;
  DiagSink sink;
  frontend::Loaded loaded;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
  ir::eval::World world() const { return {loaded.policies, loaded.cluster, resolutions}; }
};

void read(const std::vector<std::string>& files, Manifests& out) {
  out.loaded = frontend::load(files, {}, out.sources, out.sink);
  if (!out.loaded.usable) throw std::runtime_error(render(out.sink.all().front(), out.sources));
}

// Pairs from all over the cluster. Each is the first question: everything that answers it is made for it.
Json pairs(const Manifests& manifests, int repeat) {
  Times first, next;
  const auto& endpoints = manifests.loaded.cluster.endpoints;
  const auto name = [&](std::size_t i) { return endpoints[i % endpoints.size()].ns + "/" + endpoints[i % endpoints.size()].name; };
  for (int i = 0; i < repeat; ++i) {
    const auto world = manifests.world();
    std::optional<verify::Judge> judge;
    const auto at = static_cast<std::size_t>(i) * 37;
    const auto ask = [&](std::size_t from, std::size_t to) {
      const auto answer = judge->ask({name(from), name(to), ir::Flow{ir::Protocol::Tcp, 8080}});
      if (!answer || answer->pairs.empty()) throw std::runtime_error("no answer about " + name(from) + " and " + name(to));
    };
    first.run([&] {
      judge.emplace(world, manifests.lock);
      ask(at, at + 11);
    });
    next.run([&] { ask(at + 3, at + 19); });
  }
  return {{"first", first.json()}, {"next", next.json()}};
}

struct Claim {
  const char* name;
  const char* from;
  const char* to;
  verify::FlowRange traffic;
};
// The first is what a deny rule for all pods says, and none of the policies can undo (bench.py adds that rule).
const Claim kClaims[] = {
    {"every pod with a label to every pod", "[quarantine=true]", "[]", {ir::Protocol::Tcp, 22, 22}},
    {"a namespace to another", "ns-001/[]", "ns-000/[]", {ir::Protocol::Udp, 9999, 9999}},
    {"pods with labels in any namespace", "[env=dev]", "[tier=db]", {ir::Protocol::Tcp, 5432, 5432}},
};

const char* word(const verify::Finding& finding) {
  if (std::holds_alternative<verify::Found>(finding)) return "refuted";
  return std::holds_alternative<verify::NotKnown>(finding) ? "undecided" : "proved";
}

// Solver, formula and answer, from nothing but what was loaded.
Json claim(const Manifests& manifests, const Claim& asked, int repeat) {
  Times times;
  std::string said;
  const frontend::LabelFilter filter(manifests.loaded.cluster.config);
  for (int i = 0; i < repeat; ++i)
    times.run([&] {
      const auto world = manifests.world();
      verify::Judge judge(world, manifests.lock);
      verify::Claims claims(world, judge, [&](const std::string& key) { return filter.keeps({"k8s", key, ""}); });
      verify::Inquiry inquiry{.name = "never", .from = *claims.ends(asked.from), .to = *claims.ends(asked.to), .not_from = {}, .not_to = {},
                              .traffic = asked.traffic, .not_traffic = {}, .wanted = verify::Wanted::Allowed, .without = {"host"},
                              .compare = verify::Inquiry::Compare::No, .differing = {}};
      said = word(claims.look_for(inquiry));
    });
  Json out = times.json();
  out["answer"] = said;
  return out;
}

Json all_pairs(const Manifests& manifests, int repeat) {
  Times times;
  std::size_t passing = 0;
  for (int i = 0; i < repeat; ++i)
    times.run([&] {
      passing = 0;
      const auto world = manifests.world();
      verify::Judge judge(world, manifests.lock);
      verify::AllPorts ports(world, manifests.lock, judge);
      const verify::Parties parties = *ports.parties("any");
      for (const auto& from : parties)
        for (const auto& to : parties)
          if (from.name != to.name && ports.decided(from, to)) passing += ports.between(from, to).word != verify::Word::Denied;
    });
  Json out = times.json();
  out["pairs"] = passing;
  return out;
}

}  // namespace

Json questions(int repeat, const std::vector<std::string>& files) {
  Times load;
  for (int i = 0; i < repeat; ++i) {
    Manifests again;
    load.run([&] { read(files, again); });
  }
  Manifests manifests;
  read(files, manifests);
  Json out{{"workloads", manifests.loaded.cluster.endpoints.size()}, {"policies", manifests.loaded.policies.policies.size()}};
  out["load"] = load.json();
  out["pair"] = pairs(manifests, std::max(repeat, 25));
  out["all pairs"] = all_pairs(manifests, repeat);
  for (const Claim& one : kClaims) out["never"][one.name] = claim(manifests, one, repeat);
  return out;
}

}  // namespace netpolc::bench
