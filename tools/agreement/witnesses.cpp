#include "tools/agreement/witnesses.h"

#include <stdexcept>

#include "compiler/kernel_judge/numbered.h"
#include "compiler/kernel_judge/reasons.h"
#include "compiler/kernel_judge/witness.h"
#include "frontend/label_filter.h"
#include "tools/agreement/wrongs.h"
#include "verify/claims.h"

namespace netpolc::agreement {
namespace {

using verify::Inquiry;
using verify::Wanted;

// A witness and the policies that it is about.
struct Found {
  verify::Witness witness;
  const judges::World* world = nullptr;
  const judges::World* other = nullptr;  // of a comparison
  std::string question;
};

// Does the change leave the cluster alone, so that both sets are about one?
bool of_policies_only(const judges::World& one, const judges::World& other) {
  const auto ports = [](const judges::World& world) {
    std::vector<std::vector<ir::NamedPort>> out;
    for (const ir::Endpoint& endpoint : world.cluster().endpoints) out.push_back(endpoint.named_ports);
    return out;
  };
  return one.cluster().config == other.cluster().config && ports(one) == ports(other) && one.content().resolutions == other.content().resolutions &&
         one.cluster().services.size() == other.cluster().services.size() && one.cluster().cidr_groups.size() == other.cluster().cidr_groups.size();
}

class Asker {
 public:
  Asker(std::uint64_t seed, std::size_t questions)
      : random_(seed ^ 0x2545f4914f6cdd1dULL), questions_(questions), scenario_(scenario_of(random_setting(seed))), world_(scenario_), packets_(random_packets(random_, world_, 64)) {
    const auto all = wrongs();
    other_ = std::make_unique<judges::World>(scenario_, random_.of(all).change);
    if (!of_policies_only(world_, *other_)) other_.reset();
  }

  // `visit` says whether to go on.
  template <class Visit>
  void each(std::uint64_t& asked, Visit&& visit) {
    if (packets_.empty()) return;
    for (std::size_t n = 0; n < questions_; ++n) {
      ++asked;
      if (auto found = ask(); found && !visit(*found)) return;
    }
  }
  const judges::World& world() const { return world_; }

 private:
  std::string reference() {
    if (random_.one_in(2)) return random_.text({"[]", "[app=web]", "a/[]", "b/[]", "a/[app=web]", "b/[app=db]", "[tier=one]", "new/[]"});
    if (random_.one_in(3))
      return random_.text({"any", "any", "entity:host", "entity:world", "entity:remote-node", "entity:kube-apiserver", "entity:health", "entity:ingress", "cidr:192.0.2.0/24",
                           "fqdn:api.example.com"});
    return judges::reference(scenario_, random_.one_in(2) ? random_.of(packets_).from : random_.of(packets_).to);
  }
  verify::FlowRange traffic() {
    const ir::Flow flow = random_.of(packets_).flow;
    if (random_.one_in(4)) return {};
    if (random_.one_in(4)) return {flow.protocol, 0, static_cast<std::uint16_t>(flow.protocol <= ir::Protocol::Sctp ? 65535 : 255)};
    return {flow.protocol, flow.number, flow.number};
  }

  std::optional<Found> ask() {
    const bool compares = other_ != nullptr && random_.one_in(3);
    const ir::eval::World here = world_.content();
    std::optional<ir::eval::World> there;
    if (compares) there.emplace(other_->content());
    // Who there is to policy is what either set tells apart.
    ir::PolicySet both = here.policies;
    if (compares) both.policies.insert(both.policies.end(), there->policies.policies.begin(), there->policies.policies.end());
    const ir::eval::World all{both, here.cluster, here.resolutions};
    verify::Judge judge(all, world_.lock());
    const frontend::LabelFilter filter(here.cluster.config);
    verify::Claims claims(here, judge, [&](const std::string& key) { return filter.keeps({"k8s", key, ""}); }, {20'000'000, 20'000}, there ? &*there : nullptr);

    const std::string from = reference(), to = reference();
    const auto source = claims.ends(from), destination = claims.ends(to);
    Inquiry inquiry;
    inquiry.name = from + " > " + to;
    inquiry.traffic = traffic();
    inquiry.wanted = compares ? random_.of({Wanted::Allowed, Wanted::AllowedWithoutProxy}) : random_.of({Wanted::Allowed, Wanted::Denied, Wanted::AllowedWithoutProxy});
    inquiry.unknown_alike = compares;
    if (compares) inquiry.compare = random_.of({Inquiry::Compare::FirstAllows, Inquiry::Compare::SecondAllows});
    if (!source || !destination) return std::nullopt;
    inquiry.from = *source;
    inquiry.to = *destination;
    for (const verify::End& end : inquiry.to.ends)
      if (!end.flows.empty()) return std::nullopt;
    verify::Finding finding = claims.look_for(inquiry);
    auto* found = std::get_if<verify::Found>(&finding);
    if (found == nullptr) return std::nullopt;
    const bool swapped = inquiry.compare == Inquiry::Compare::SecondAllows;
    return Found{std::move(found->witness), swapped ? other_.get() : &world_, !compares ? nullptr : swapped ? &world_ : other_.get(), inquiry.name + ", " + to_string(inquiry.traffic)};
  }

  Random random_;
  const std::size_t questions_;
  const judges::Scenario scenario_;
  judges::World world_;
  const std::vector<Packet> packets_;
  std::unique_ptr<judges::World> other_;
};

void count(const kernel_judge::WitnessSaid& said, const verify::Scene& scene, WitnessTally& tally) {
  for (const auto* side : {&said.egress, &said.ingress}) {
    const verify::End& subject = (side == &said.egress ? scene.from : scene.to).end;
    tally.packets += side->families.size();
    if (subject.kind == verify::EndKind::Host) tally.by_nodes += side->families.size();
    // Who it is doesn't matter.
    const std::string& why = side->not_asked;
    const auto has = why.find(" has no ");
    ++tally.sides[why.empty() ? kernel_judge::to_string(side->reason) : "not asked: " + (has == std::string::npos ? why : "somebody" + why.substr(has))];
  }
}

std::string text(const Found& found) {
  return "  " + found.question + "\n  witness " + found.witness.from + " > " + found.witness.to + " " + ir::to_string(found.witness.flow.protocol) + "/" + std::to_string(found.witness.flow.number) + "\n";
}

// Whether the tables of wrong policies say otherwise than the interpreter: only then are there programs that could be found out.
bool tables_differ(const ir::PolicySet& policies, const verify::Scene& scene, const verify::Witness& witness) {
  kernel_judge::Numbered numbered = kernel_judge::numbered(policies, scene, scene.cluster);
  const auto from = numbered.party(scene.from.end, scene.from.node), to = numbered.party(scene.to.end, scene.to.node);
  const auto side = [&](const std::optional<verify::WitnessSide>& word, const kernel_judge::Party& subject, const kernel_judge::Party& peer, bool egress) {
    if (!word) return false;
    if (!subject.decided) return word->verdict.enforcement != ir::Enforcement::None;
    const ir::DecisionTable& table = numbered.decisions().tables[numbered.decisions().endpoints[*subject.decided].table];
    return !table.incomputable && kernel_judge::reason_of(ir::look_up(egress ? table.egress : table.ingress, peer.identity, witness.flow)) != kernel_judge::reason_of(word->verdict);
  };
  return side(witness.egress, from, to, true) || side(witness.ingress, to, from, false);
}

}  // namespace

void WitnessTally::add(const WitnessTally& other) {
  sets += other.sets;
  questions += other.questions;
  witnesses += other.witnesses;
  new_pods += other.new_pods;
  packets += other.packets;
  by_nodes += other.by_nodes;
  disagreements += other.disagreements;
  failures += other.failures;
  for (const auto& [what, n] : other.sides) sides[what] += n;
  texts.insert(texts.end(), other.texts.begin(), other.texts.end());
}

void judge_witnesses(std::uint64_t seed, std::size_t questions, kernel_judge::Programs& programs, WitnessTally& tally) {
  ++tally.sets;
  Asker asker(seed, questions);
  asker.each(tally.questions, [&](const Found& found) {
    const verify::Witness& w = found.witness;
    ++tally.witnesses;
    tally.new_pods += w.scene->cluster.endpoints.size() != found.world->cluster().endpoints.size();
    try {
      count(kernel_judge::replay({found.world->policies(), *w.scene, w.flow, w.egress, w.ingress}, programs), *w.scene, tally);
      if (found.other != nullptr) count(kernel_judge::replay({found.other->policies(), *w.other_scene, w.flow, w.other_egress, w.other_ingress}, programs), *w.other_scene, tally);
    } catch (const std::logic_error& error) {
      ++tally.disagreements;
      if (tally.texts.size() < 4) tally.texts.push_back("DISAGREEMENT seed " + std::to_string(seed) + ": " + error.what() + "\n" + text(found));
    }
    return true;
  });
}

bool witnesses_find_out(const Wrong& wrong, std::uint64_t seed, std::size_t questions, kernel_judge::Programs& programs) {
  Asker asker(seed, questions);
  if (!wrong.matters(asker.world())) return false;
  bool noticed = false;
  std::uint64_t asked = 0;
  asker.each(asked, [&](const Found& found) {
    ir::PolicySet policies = found.world->policies();
    verify::Scene scene = *found.witness.scene;
    wrong.change(policies, scene.cluster, scene.resolutions);
    if (!tables_differ(policies, scene, found.witness)) return true;
    try {
      kernel_judge::replay({policies, scene, found.witness.flow, found.witness.egress, found.witness.ingress}, programs);
    } catch (const std::logic_error&) {
      noticed = true;
    }
    return !noticed;
  });
  return noticed;
}

}  // namespace netpolc::agreement
