// verify/service_cases.h — one client, one backend, one way: the cases that there are, judged.
#pragma once
#include <optional>

#include "verify/service_paths.h"

namespace netpolc::verify {

Client client_of(const End& end, const ir::Cluster& cluster);
// Of the client or of the backend; none where some replica's node is not known.
std::optional<std::vector<std::string>> node_names(const End& end, const ir::Cluster& cluster);
// One node, as far as the input knows: nothing arrives at another.
bool has_one_node(const ir::Cluster& cluster);

struct ServiceWay {
  const End& client;
  const End& backend;
  ir::Flow flow;                // at the backend
  ir::Flow service;             // at the service's own address
  std::uint16_t node_port = 0;  // 0: not known
  const std::vector<IpAddress>& balancer;
};

class Cases {
 public:
  Cases(Judge& judge, const ir::Request* request, PathAnswer& out) : judge_(judge), request_(request), out_(out) {}

  using Way = ServiceWay;
  void add(const Way& way, const PathSettings& settings);
  // The pod itself, and whether there is any other of its replicas to reach.
  bool add_itself(const Way& way, Cause cause);
  // Dropped before policy, or not known at all.
  void add_without_policy(const Way& way, const Step& step, Word word, std::string reason);

 private:
  struct Sight {
    const End* end;
    FactsId facts;
    std::string node;
  };
  const End& keep(End end);
  std::vector<Sight> sights(Seen seen, const Way& way);
  std::vector<Sight> remote_nodes(const End& backend);
  std::vector<Sight> world(const End& client);
  std::vector<Hop> received(const Way& way, const Step& step, Seen seen, std::vector<std::string>* nodes);
  std::vector<Hop> sent(const Way& way, const Step& step, std::string& problem);
  void add_known(const Way& way, const Step& step, bool firewall);
  void add_one_of(const Way& way, const Step& step, bool firewall);
  PathCase start(const Way& way, const Step& step) const;
  void put(PathCase one, bool firewall = false);

  Judge& judge_;
  const ir::Request* request_;
  PathAnswer& out_;
};

// Both hops of a case that goes through the proxy, and of its parts: denied if any is.
Word all_of(const std::vector<Word>& words);
bool same_hops(const std::vector<Hop>& a, const std::vector<Hop>& b);

}  // namespace netpolc::verify
