#include "tools/sequences/script.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <sstream>
#include <stdexcept>

namespace netpolc::sequences {
namespace {

using ir::flow::Because;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

std::uint32_t number(const std::string& text) {
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) throw std::runtime_error("`" + text + "` isn't a number");
  return out;
}

IpPrefix prefix(const std::string& text) {
  if (const auto parsed = IpPrefix::parse(text)) return *parsed;
  const auto address = IpAddress::parse(text);
  if (!address) throw std::runtime_error("`" + text + "` is neither an address nor a prefix");
  return IpPrefix::host(*address);
}

std::string spell(const IpPrefix& at) { return at.length == at.address.bits() ? at.address.to_string() : at.to_string(); }

Because because(const std::string& word) {
  for (const auto one : {Because::Exempt, Because::Reply, Because::Related, Because::Known, Because::New})
    if (word == to_string(one)) return one;
  if (word == "drop") return Because::Dropped;
  throw std::runtime_error("`" + word + "` is none of exempt, reply, related, known, new, drop");
}

Expectation expectation(const std::vector<std::string>& words) {
  if (words.empty()) throw std::runtime_error("after -> comes what becomes of the packet");
  Expectation out{.because = because(words[0])};
  std::size_t at = 1;
  if (out.because == Because::Dropped) {
    if (at == words.size()) throw std::runtime_error("drop wants the number of its reason");
    out.reason = static_cast<std::uint8_t>(number(words[at++]));
  }
  for (; at < words.size(); ++at) {
    if (words[at] == "norule") {
      out.rule = NP_NO_RULE;
      continue;
    }
    if (at + 1 == words.size()) throw std::runtime_error("`" + words[at] + "` wants a number");
    const std::uint32_t value = number(words[at + 1]);
    if (words[at] == "rule") out.rule = value;
    else if (words[at] == "identity") out.identity = value;
    else if (words[at] == "audited") {
      out.audited = true;
      out.reason = static_cast<std::uint8_t>(value);
    } else throw std::runtime_error("`" + words[at] + "` is nothing that can be expected");
    ++at;
  }
  return out;
}

std::string print(const Expectation& expect) {
  std::string out = expect.because == Because::Dropped ? "drop " + std::to_string(expect.reason.value_or(0)) : to_string(expect.because);
  if (expect.audited) out += " audited " + std::to_string(expect.reason.value_or(0));
  if (expect.rule) out += *expect.rule == NP_NO_RULE ? " norule" : " rule " + std::to_string(*expect.rule);
  if (expect.identity) out += " identity " + std::to_string(*expect.identity);
  return out;
}

// How a packet goes, as a word.
struct Way {
  const char* word;
  ir::Direction direction;
  ir::flow::Origin origin;
  bool neighbour, node;
};
constexpr std::array kWays{
    Way{"to-pod", ir::Direction::Ingress, ir::flow::Origin::Device, false, false},
    Way{"from-pod", ir::Direction::Egress, ir::flow::Origin::Device, false, false},
    Way{"node-to-pod", ir::Direction::Ingress, ir::flow::Origin::Node, false, false},
    Way{"to-neighbour", ir::Direction::Ingress, ir::flow::Origin::Device, true, false},
    Way{"from-neighbour", ir::Direction::Egress, ir::flow::Origin::Device, true, false},
    Way{"node-to-neighbour", ir::Direction::Ingress, ir::flow::Origin::Node, true, false},
    Way{"to-node", ir::Direction::Ingress, ir::flow::Origin::Device, false, true},
    Way{"from-node", ir::Direction::Egress, ir::flow::Origin::Node, false, true},
    Way{"through-node", ir::Direction::Egress, ir::flow::Origin::Device, false, true},
    Way{"to-node/2", ir::Direction::Ingress, ir::flow::Origin::Device, true, true},
    Way{"from-node/2", ir::Direction::Egress, ir::flow::Origin::Node, true, true},
    Way{"through-node/2", ir::Direction::Egress, ir::flow::Origin::Device, true, true},
};

const char* word_of(const Send& send, bool node) {
  const auto found = std::find_if(kWays.begin(), kWays.end(), [&](const Way& way) {
    return way.direction == send.direction && way.origin == send.origin && way.neighbour == send.neighbour && way.node == node;
  });
  return found == kWays.end() ? "nowhere" : found->word;
}

class Reader {
 public:
  Script take(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      ++line_;
      if (const auto hash = line.find('#'); hash != line.npos) line.resize(hash);
      std::istringstream words(line);
      std::vector<std::string> split;
      for (std::string word; words >> word;) split.push_back(word);
      if (!split.empty()) read(split);
    }
    if (script_.policies.empty()) throw std::runtime_error("there is no policy");
    return std::move(script_);
  }
  std::size_t line() const { return line_; }

 private:
  void read(const std::vector<std::string>& words) {
    if (words[0] == "case") {
      Case fresh;
      for (std::size_t i = 1; i < words.size(); ++i) fresh.name += (i > 1 ? " " : "") + words[i];
      script_.cases.push_back(std::move(fresh));
    } else if (script_.cases.empty()) {
      read_world(words);
    } else {
      script_.cases.back().steps.push_back({step(words), line_});
    }
  }

  void read_world(const std::vector<std::string>& words) {
    if (words[0] == "policy" && words.size() == 2) {
      script_.policies.push_back({.name = words[1], .rules = {}});
    } else if (words[0] == "in" || words[0] == "out") {
      if (script_.policies.empty()) throw std::runtime_error("a rule stands below its policy");
      add_line(script_.policies.back(), words);
    } else if (words[0] == "node" && words.size() == 1) {
      script_.node = true;
    } else if (words[0] == "pod" && words.size() > 1) {
      script_.pod.identity = number(words[1]);
      for (std::size_t i = 2; i < words.size(); ++i) {
        if (words[i] == "check4") script_.pod.check4 = true;
        else if (words[i] == "check6") script_.pod.check6 = true;
        else if (words[i] == "audit") script_.pod.audit = true;
        else throw std::runtime_error("a pod has check4, check6 and audit, not `" + words[i] + "`");
      }
    } else if (words[0] == "world" && words.size() == 3) {
      script_.world.world4 = number(words[1]);
      script_.world.world6 = number(words[2]);
    } else if (words[0] == "tunnel" && words.size() == 2) {
      script_.world.tunnel_port = static_cast<std::uint16_t>(number(words[1]));
    } else if (words[0] == "lifetimes" && words.size() == 5) {
      script_.lifetimes = {number(words[1]), number(words[2]), number(words[3]), number(words[4])};
    } else if (words[0] == "address" && words.size() == 3) {
      script_.world.addresses[prefix(words[1])] = number(words[2]);
    } else {
      throw std::runtime_error("before the first case come policy NAME and its rules, pod or node, world, lifetimes and address");
    }
  }

  std::variant<Send, Wait, SetPolicy, SetAddress, SetAudit> step(const std::vector<std::string>& words) {
    const auto way = std::find_if(kWays.begin(), kWays.end(), [&](const Way& one) { return one.node == script_.node && words[0] == one.word; });
    if (way != kWays.end()) {
      Send out{.direction = way->direction, .origin = way->origin, .neighbour = way->neighbour};
      const auto arrow = std::find(words.begin(), words.end(), "->");
      out.packet = parse_packet({words.begin() + 1, arrow});
      if (arrow != words.end()) out.expect = expectation({arrow + 1, words.end()});
      return out;
    }
    if (words[0] == "wait" && words.size() == 2) return Wait{number(words[1])};
    if (words[0] == "audit" && words.size() == 2 && (words[1] == "on" || words[1] == "off")) return SetAudit{words[1] == "on"};
    if (words[0] == "address" && words.size() == 3)
      return SetAddress{prefix(words[1]), words[2] == "none" ? std::nullopt : std::optional(number(words[2]))};
    if (words[0] == "policy" && words.size() == 2) {
      for (std::uint32_t i = 0; i < script_.policies.size(); ++i)
        if (script_.policies[i].name == words[1]) return SetPolicy{i};
      throw std::runtime_error("there is no policy `" + words[1] + "`");
    }
    std::string known;
    for (const Way& one : kWays)
      if (one.node == script_.node) known += std::string(one.word) + ", ";
    throw std::runtime_error("`" + words[0] + "` is none of " + known + "wait, policy, address, audit");
  }

  Script script_;
  std::size_t line_ = 0;
};

}  // namespace

std::vector<std::uint32_t> Script::identities() const {
  std::set<std::uint32_t> out{1, 2, 9, 10, pod.identity};
  for (const auto& [at, identity] : world.addresses) out.insert(identity);
  for (const Policy& policy : policies)
    for (const Rule& rule : policy.rules) out.insert(rule.peers.begin(), rule.peers.end());
  for (const Case& one : cases)
    for (const Step& step : one.steps)
      if (const auto* change = std::get_if<SetAddress>(&step.does); change && change->identity) out.insert(*change->identity);
  out.erase(0);
  return {out.begin(), out.end()};
}

Script parse_script(const std::string& name, const std::string& text) {
  Reader reader;
  try {
    return reader.take(text);
  } catch (const std::exception& error) {
    throw std::runtime_error(name + ":" + std::to_string(reader.line()) + ": " + error.what());
  }
}

std::string print(const Step& step, const Script& script) {
  return std::visit(Overloaded{
                        [&](const Send& send) {
                          return std::string(word_of(send, script.node)) + " " + print(send.packet) +
                                 (send.expect ? " -> " + print(*send.expect) : std::string());
                        },
                        [](const Wait& wait) { return "wait " + std::to_string(wait.seconds); },
                        [&](const SetPolicy& change) { return "policy " + script.policies[change.policy].name; },
                        [](const SetAddress& change) { return "address " + spell(change.prefix) + " " + (change.identity ? std::to_string(*change.identity) : "none"); },
                        [](const SetAudit& audit) { return std::string(audit.on ? "audit on" : "audit off"); },
                    },
                    step.does);
}

std::string print(const Script& script, const Case& one) {
  std::string out;
  for (const Policy& policy : script.policies) out += print(policy);
  if (script.node) out += "node\n";
  out += "pod " + std::to_string(script.pod.identity) + (script.pod.check4 ? " check4" : "") + (script.pod.check6 ? " check6" : "") + (script.pod.audit ? " audit" : "") + "\n";
  out += "world " + std::to_string(script.world.world4) + " " + std::to_string(script.world.world6) + "\n";
  out += "tunnel " + std::to_string(script.world.tunnel_port) + "\n";
  for (const auto& [at, identity] : script.world.addresses) out += "address " + spell(at) + " " + std::to_string(identity) + "\n";
  out += "lifetimes " + std::to_string(script.lifetimes.tcp) + " " + std::to_string(script.lifetimes.tcp_new) + " " + std::to_string(script.lifetimes.tcp_closed) + " " + std::to_string(script.lifetimes.other) + "\n";
  out += "case " + one.name + "\n";
  for (const Step& step : one.steps) out += print(step, script) + "\n";
  return out;
}

}  // namespace netpolc::sequences
