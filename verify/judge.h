// verify/judge.h — answers reachability questions with the interpreter (ir/eval): both ends are
// judged, every meaning of the two references is looked at, and the answers are drawn together.
// Verdicts are kept, so a batch costs one judgement per distinct (subject, peer, flow).
#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/eval/eval.h"
#include "verify/meeting.h"

namespace netpolc::verify {

enum class Word : std::uint8_t { Allowed, Denied, Mixed, Undecided };
const char* to_string(Word word);  // "ALLOWED", …

struct Side {
  std::string subject;
  const ir::SideVerdict* verdict = nullptr;       // owned by the judge; null when incomputable
  const ir::Incomputable* incomputable = nullptr;
  std::optional<ir::RequestVerdict> request = std::nullopt;  // where one is asked about and a proxy looks at it
  // Who was judged, as what it saw the other side, and who that is: for explanations. Valid until the next `ask`.
  SubjectId who = 0;
  FactsId peer = 0;
  const End* other = nullptr;
};

// One pair of ends.
struct PairAnswer {
  std::string from, to, via;
  ir::Flow flow = {};
  Word word = Word::Undecided;
  std::optional<Side> egress = {}, ingress = {};  // none: no managed endpoint on that side
  std::string reason = {};                   // of Undecided
};

struct Answer {
  Word word = Word::Undecided;
  std::string reason;             // of Undecided
  std::vector<PairAnswer> pairs;  // without repetitions
  std::vector<std::string> assuming = {};  // sentences: what it takes for granted
};
// The word and the reason of an answer, from those of its pairs.
void conclude(Answer& answer);

struct Question {
  std::string from, to;
  std::optional<ir::Flow> flow;  // none only where `to` is a service
  std::optional<ir::Request> request = std::nullopt;  // over that connection
};

class Judge {
 public:
  // Everything outlives the judge.
  Judge(const ir::eval::World& world, const ir::IdentityLock& lock);
  // An error that is not `undecided` means that the question makes no sense here.
  tl::expected<Answer, RefError> ask(const Question& question);

  const Directory& directory() const { return directory_; }
  Encounters& encounters() { return encounters_; }
  const ir::eval::SubjectPolicy& policy(SubjectId subject);

  // What becomes of a packet: policy's verdict, but for what the datapath drops before it asks
  // (section 8.5). Valid until the next `ask`.
  const ir::SideVerdict& verdict(SubjectId subject, ir::Direction direction, FactsId peer, ir::Flow flow);

 private:
  struct Key {
    std::uint64_t ends = 0;
    std::uint64_t flow = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return static_cast<std::size_t>((key.ends * 0x9E3779B97F4A7C15ULL) ^ (key.flow * 0xC2B2AE3D27D4EB4FULL));
    }
  };
  const Resolved& resolve(const std::string& reference, const std::optional<ir::Flow>& flow);
  void judge(const End& from, const End& to, ir::Flow flow, Answer& answer);
  PairAnswer judge(const Meeting& meeting, const End& from, const End& to, ir::Flow flow);
  std::optional<Side> side(const std::optional<SubjectId>& subject, ir::Direction direction, FactsId peer, ir::Flow flow,
                           const End& self, const End& other);

  ir::eval::World world_;
  const ir::Request* request_ = nullptr;  // of the question
  Directory directory_;
  Encounters encounters_;
  std::vector<std::optional<ir::eval::SubjectPolicy>> policies_;
  std::unordered_map<Key, ir::SideVerdict, KeyHash> verdicts_;
  std::unordered_map<std::string, Resolved> resolved_;
};

}  // namespace netpolc::verify
