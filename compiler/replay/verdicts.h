// compiler/replay/verdicts.h — what one set of manifests says about recorded connections, by the interpreter (verify/judge). The set's
// cluster is completed by what the recording knows and manifests don't: endpoints by their labels, addresses of names and of API
// servers. What the recording doesn't tell and would decide is undecided, and never guessed.
#pragma once
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "compiler/replay/recording.h"
#include "compiler/session.h"
#include "verify/judge.h"

namespace netpolc::compiler::replay {

struct SideAnswer {
  enum class Word : std::uint8_t {
    NotAsked,  // no managed endpoint
    Passes,
    Denied,
    ByRequest,  // a proxy is asked, and which requests there were is not recorded
    Undecided,
  };
  Word word = Word::NotAsked;
  std::optional<verify::Side> side;  // valid as long as the Verdicts; none where nothing was asked
  std::string why;                   // of ByRequest and Undecided
  bool refused_request = false;      // Denied by a proxy: packets pass
};
struct Answer {
  SideAnswer egress, ingress;
};

class Verdicts {
 public:
  // Completes the session's cluster and resolutions. Both outlive this.
  Verdicts(Session& session, const Recording& recording);
  Verdicts(const Verdicts&) = delete;
  Verdicts& operator=(const Verdicts&) = delete;

  Answer answer(const Connection& connection);
  // Neither end is a managed endpoint in this set.
  bool nobodys(const Connection& connection) const;

  // Whether Cilium's DNS proxy is asked about queries of one endpoint to another, and lets this one pass.
  bool passes_dns_proxy(std::uint32_t from, std::uint32_t server, const std::string& name);

  const Session& session() const { return session_; }
  // Index into the session's endpoints; none for what is no pod.
  std::optional<std::uint32_t> endpoint(EndId end) const { return placed_[end].endpoint; }

 private:
  struct Placed {
    std::optional<std::uint32_t> endpoint;
    std::optional<verify::SubjectId> subject;
    verify::FactsId seen = 0;
    bool subject_unknown = false;  // a managed host, of a node that no manifest has
  };
  void complete();
  void add_endpoints();
  void learn_addresses();
  void place();
  Placed place_host(const RecordedEnd& end);
  IpAddress address_of(const RecordedEnd& end) const;
  SideAnswer side(const Connection& connection, ir::Direction direction);
  SideAnswer weigh(const Connection& connection, ir::Direction direction, SideAnswer answer) const;
  bool port_names_matter(const Connection& connection, ir::Direction direction, bool denied) const;

  Session& session_;
  const Recording& recording_;
  std::unordered_set<std::string> with_requests_;  // connections of which requests are recorded
  std::unique_ptr<verify::Judge> judge_;
  std::vector<Placed> placed_;  // by EndId
};

}  // namespace netpolc::compiler::replay
