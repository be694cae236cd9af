#include "tools/sequences/trial.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tools/sequences/readable.h"

namespace netpolc::sequences {
namespace {

using ir::flow::Answer;
using ir::flow::Because;

constexpr int kAttempts = 20;

std::string said(const Answer& answer) {
  std::string out = answer.because == Because::Dropped ? "drop " + std::to_string(answer.reason) : ir::flow::to_string(answer.because);
  if (answer.audited) out += " audited " + std::to_string(answer.reason);
  if (answer.asked && answer.rules.empty()) out += " norule";
  for (std::size_t i = 0; i < answer.rules.size(); ++i) out += (i ? "|" : " rule ") + std::to_string(answer.rules[i]);
  if (answer.identity != 0) out += " identity " + std::to_string(answer.identity);
  return out;
}

std::string said(const Seen& seen) {
  std::string out = seen.passed ? "passed" : "dropped";
  for (const np_event& event : seen.events) {
    out += ", event: reason " + std::to_string(event.reason) + (event.rule == NP_NO_RULE ? " norule" : " rule " + std::to_string(event.rule)) + " identity " + std::to_string(event.identity);
    if (event.flags & NP_EVENT_AUDITED) out += " audited";
  }
  for (const std::uint32_t slot : seen.counted) out += ", counted at " + std::to_string(slot);
  return out;
}

bool is_one_of(std::uint32_t rule, const std::vector<std::uint32_t>& rules) {
  return rules.empty() ? rule == NP_NO_RULE : std::find(rules.begin(), rules.end(), rule) != rules.end();
}

bool is(const np_u8 (&bytes)[16], const IpAddress& address) { return std::equal(std::begin(bytes), std::end(bytes), address.bytes.begin()); }

// What an event says about its packet, as far as that can be read.
std::optional<std::string> compare(const np_event& event, const Frame& frame, ir::Direction direction) {
  if (event.length != frame.size()) return "length in the event";
  if (event.direction != (direction == ir::Direction::Egress ? NP_EGRESS : NP_INGRESS)) return "direction in the event";
  const auto read = ir::flow::read_frame(frame);
  const auto* packet = std::get_if<ir::flow::Packet>(&read);
  if (packet == nullptr) return std::nullopt;
  if (event.family != (packet->source.v6 ? 6 : 4)) return "family in the event";
  if (!is(event.source, packet->source) || !is(event.destination, packet->destination)) return "addresses in the event";
  if (packet->is_later_fragment()) return std::nullopt;
  if (event.protocol != packet->protocol) return "protocol in the event";
  const ir::flow::Transport& transport = packet->transport;
  if (packet->is_icmp()) return event.destination_port == transport.icmp_type ? std::nullopt : std::optional<std::string>("ICMP type in the event");
  const bool right = event.source_port == transport.source_port && event.destination_port == transport.destination_port;
  return right ? std::nullopt : std::optional<std::string>("ports in the event");
}

struct Numbers {
  std::uint32_t ingress = 0, egress = 0;
  explicit Numbers(const Policy& policy)
      : ingress(static_cast<std::uint32_t>(policy.ingress ? policy.of(ir::Direction::Ingress).size() : 0)),
        egress(static_cast<std::uint32_t>(policy.egress ? policy.of(ir::Direction::Egress).size() : 0)) {}
  // Of a direction's rule that a slot of np_rules counts; nothing: of the other direction.
  std::optional<std::uint32_t> rule(std::uint32_t slot, ir::Direction direction) const {
    const bool out = direction == ir::Direction::Egress;
    if (slot == ingress + egress + (out ? 1 : 0)) return NP_NO_RULE;
    if (out ? slot < ingress || slot >= ingress + egress : slot >= ingress) return std::nullopt;
    return out ? slot - ingress : slot;
  }
};

// What differs, or nothing.
std::optional<std::string> compare(const Answer& answer, const Seen& seen, ir::Direction direction, const Policy& policy) {
  if (answer.passes() != seen.passed) return "pass or drop";
  if (seen.events.size() != (answer.reported ? 1 : 0)) return "number of events";
  if (answer.reported) {
    const np_event& event = seen.events[0];
    if (event.reason != answer.reason) return "reason";
    if (event.identity != answer.identity) return "identity";
    if (((event.flags & NP_EVENT_AUDITED) != 0) != answer.audited) return "audited";
    if (!is_one_of(event.rule, answer.rules)) return "rule";
  }
  // An error about a live flow may have been one of a flow of its own before.
  if (!policy.enforces_any() || answer.because == Because::Related) return std::nullopt;
  if (!(direction == ir::Direction::Ingress ? policy.ingress : policy.egress)) return std::nullopt;
  if (seen.counted.size() != (answer.asked ? 1 : 0)) return "number of rules that count it";
  if (!answer.asked) return std::nullopt;
  const auto rule = Numbers(policy).rule(seen.counted[0], direction);
  const bool right = rule && (answer.reason == NP_REASON_INVALID_SOURCE || is_one_of(*rule, answer.rules));
  return right ? std::nullopt : std::optional<std::string>("rule that counts it");
}

std::optional<std::string> compare(const Expectation& expect, const Answer& answer) {
  if (expect.because != answer.because) return "what becomes of it";
  if (expect.reason && *expect.reason != answer.reason) return "reason";
  if (expect.audited != answer.audited) return "audited";
  if (expect.rule && !is_one_of(*expect.rule, answer.rules)) return "rule";
  if (expect.identity && *expect.identity != answer.identity) return "identity";
  return std::nullopt;
}

// One run through a case.
class Run {
 public:
  Run(Kernel& kernel, const Script& script, const Wrong* wrong) : kernel_(kernel), script_(script), wrong_(wrong) {
    for (ir::flow::Firewall& pod : pods_) {
      pod.world = script.world;
      pod.pod = script.pod;
      pod.lifetimes = kernel.lifetimes();
      pod.is_node = script.node;
    }
    use(0);
    kernel_.begin(script);
    if (wrong_ && wrong_->setup)
      for (ir::flow::Firewall& pod : pods_) wrong_->setup(pod);
  }

  std::optional<std::string> step(const Step& step, Tally& tally) {
    if (const auto* send = std::get_if<Send>(&step.does)) return judge(*send, tally);
    if (const auto* wait = std::get_if<Wait>(&step.does)) {
      const std::uint32_t ticks = Kernel::ticks(wait->seconds);
      now_ += ticks;
      kernel_.age(ticks);
    } else if (const auto* policy = std::get_if<SetPolicy>(&step.does)) {
      use(policy->policy);
      kernel_.use_policy(policy->policy);
    } else if (const auto* audit = std::get_if<SetAudit>(&step.does)) {
      for (ir::flow::Firewall& pod : pods_) pod.pod.audit = audit->on;
      kernel_.set_pod(with_audit(audit->on));
    } else {
      const auto& change = std::get<SetAddress>(step.does);
      set_address(world_, change);
      if (wrong_ == nullptr || !wrong_->deaf)
        for (ir::flow::Firewall& pod : pods_) set_address(pod.world, change);
      kernel_.set_world(world_);
    }
    return std::nullopt;
  }

  std::optional<std::string> compare_totals(const Kernel::Totals& counted) const {
    if (counted.drops != expected_.drops) return "drops that are counted";
    if (counted.audited != expected_.audited) return "audited packets that are counted";
    if (counted.opened != expected_.opened) return "flows opened, as counted: " + std::to_string(counted.opened) + ", as the model has it: " + std::to_string(expected_.opened);
    if (counted.suppressed != 0) return "events that were suppressed";
    return std::nullopt;
  }

 private:
  void use(std::uint32_t index) {
    policy_ = &script_.policies[index];
    const auto ask = [this](ir::Direction direction, std::uint32_t identity, ir::Flow flow) {
      ir::flow::Decision decision = decide(*policy_, direction, identity, flow);
      if (wrong_ && wrong_->decision) wrong_->decision(decision);
      return decision;
    };
    for (ir::flow::Firewall& pod : pods_) pod.policy = {policy_->ingress, policy_->egress, ask};
  }

  static void set_address(ir::flow::World& world, const SetAddress& change) {
    if (change.identity) world.addresses[change.prefix] = *change.identity;
    else world.addresses.erase(change.prefix);
  }
  ir::flow::Pod with_audit(bool on) const {
    ir::flow::Pod out = script_.pod;
    out.audit = on;
    return out;
  }

  std::optional<std::string> judge(const Send& send, Tally& tally) {
    const Frame frame = frame_of(send.packet);
    Frame shown = frame;
    if (wrong_ && wrong_->frame) wrong_->frame(shown);
    const Answer answer = pods_[send.neighbour && !script_.node && !(wrong_ && wrong_->one_pod)].judge(send.direction, origin(send), shown, now_);
    if (!Kernel::takes(frame)) return check(send, answer);
    const Seen seen = kernel_.send(send.direction, send.origin, send.neighbour, frame);
    count(answer);
    ++tally.packets;
    ++tally.outcomes[answer.because == Because::Dropped ? "dropped, reason " + std::to_string(answer.reason) : ir::flow::to_string(answer.because)];
    auto what = compare(answer, seen, send.direction, *policy_);
    if (!what && !seen.events.empty()) what = compare(seen.events[0], frame, send.direction);
    if (what) return *what + "\n  the model: " + said(answer) + "\n  the kernel: " + said(seen);
    const bool of_others = script_.node && answer.because == Because::Exempt;
    if (seen.passed && policy_->enforces_any() && !of_others && !is_readable(frame)) return "it passed, but isn't a packet that anybody can read\n  the kernel: " + said(seen);
    return check(send, answer);
  }

  ir::flow::Origin origin(const Send& send) const {
    if (!wrong_ || !wrong_->gullible || send.packet.kind != Packet::Kind::Ip) return send.origin;
    return world_.is_nodes(send.packet.source) ? ir::flow::Origin::Node : ir::flow::Origin::Device;
  }

  void count(const Answer& answer) {
    if (!answer.passes()) ++expected_.drops[answer.reason];
    if (answer.audited) ++expected_.audited;
    if (answer.because == Because::New) ++expected_.opened;
  }

  static std::optional<std::string> check(const Send& send, const Answer& answer) {
    if (!send.expect) return std::nullopt;
    const auto what = compare(*send.expect, answer);
    return what ? std::optional(*what + ", not as written\n  the judges: " + said(answer)) : std::nullopt;
  }

  Kernel::Totals expected_;
  Kernel& kernel_;
  const Script& script_;
  const Wrong* wrong_;
  const Policy* policy_ = nullptr;
  ir::flow::World world_ = script_.world;  // as the kernel has it; models that are wrong have another
  std::array<ir::flow::Firewall, 2> pods_;
  ir::flow::Time now_ = 1'000'000;
};

// Policies that the case doesn't name; the first is there from the beginning.
void leave_out_unused(Script& script, Case& one) {
  for (std::uint32_t policy = static_cast<std::uint32_t>(script.policies.size()) - 1; policy > 0; --policy) {
    const auto of = [](Step& step) { return std::get_if<SetPolicy>(&step.does); };
    if (std::any_of(one.steps.begin(), one.steps.end(), [&](Step& step) { return of(step) && of(step)->policy == policy; })) continue;
    script.policies.erase(script.policies.begin() + policy);
    for (Step& step : one.steps)
      if (of(step) && of(step)->policy > policy) --of(step)->policy;
  }
}

}  // namespace

std::optional<Difference> run(Kernel& kernel, const Script& script, const Case& one, const Wrong* wrong, Tally& tally) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Tally fresh = tally;
    std::optional<Difference> difference;
    const Kernel::Totals before = kernel.totals();
    const std::uint64_t began = Kernel::tick();
    Run judges(kernel, script, wrong);
    for (std::size_t i = 0; i < one.steps.size() && !difference; ++i)
      if (const auto what = judges.step(one.steps[i], fresh)) difference = Difference{i, *what};
    // The model's clock stood still: the kernel's must have, too. And the model never runs out of room.
    const Kernel::Totals counted = kernel.totals().since(before);
    if (Kernel::tick() != began || counted.crowded != 0) continue;
    if (!difference && !one.steps.empty())
      if (const auto what = judges.compare_totals(counted)) difference = Difference{one.steps.size() - 1, *what};
    ++fresh.cases;
    tally = std::move(fresh);
    return difference;
  }
  throw std::runtime_error("case " + one.name + " takes longer than a tick, or has more flows than the table holds");
}

Shrunk shrink(Kernel& kernel, const Script& script, const Case& failing, const Difference& difference, const Wrong* wrong) {
  Shrunk out{script, failing, difference};
  Tally ignored;
  out.smallest.steps.resize(difference.step + 1);
  const auto still = [&](Kernel& judge, const Script& with, const Case& candidate) {
    const auto found = run(judge, with, candidate, wrong, ignored);
    if (found) out.difference = *found;
    return found.has_value();
  };
  for (std::size_t chunk = std::max<std::size_t>(1, out.smallest.steps.size() / 2); chunk > 0;) {
    bool smaller = false;
    for (std::size_t at = 0; at < out.smallest.steps.size();) {
      Case candidate = out.smallest;
      const std::size_t end = std::min(at + chunk, candidate.steps.size());
      candidate.steps.erase(candidate.steps.begin() + static_cast<std::ptrdiff_t>(at), candidate.steps.begin() + static_cast<std::ptrdiff_t>(end));
      if (!candidate.steps.empty() && still(kernel, script, candidate)) {
        out.smallest = std::move(candidate);
        smaller = true;
      } else {
        at += chunk;
      }
    }
    if (!smaller || chunk > 1) chunk /= 2;
  }
  for (const auto& [prefix, identity] : std::map(out.script.world.addresses)) {
    Script candidate = out.script;
    candidate.world.addresses.erase(prefix);
    if (still(kernel, candidate, out.smallest)) out.script = std::move(candidate);
  }
  for (std::size_t policy = 0; policy < out.script.policies.size(); ++policy)
    for (std::size_t rule = 0; rule < out.script.policies[policy].rules.size();) {
      Script candidate = out.script;
      candidate.policies[policy].rules.erase(candidate.policies[policy].rules.begin() + static_cast<std::ptrdiff_t>(rule));
      Kernel fresh(candidate);
      if (still(fresh, candidate, out.smallest)) out.script = std::move(candidate);
      else ++rule;
    }
  leave_out_unused(out.script, out.smallest);
  return out;
}

}  // namespace netpolc::sequences
